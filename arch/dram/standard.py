"""What a DRAM standard is: levels, commands, and one row for each timing rule between two commands."""

from __future__ import annotations

import ast
import importlib
import pkgutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from types import MappingProxyType

from bitline.base.errors import SpecError, did_you_mean

LEVELS = ("channel", "pseudo_channel", "rank", "bank_group", "bank")


@dataclass(frozen=True)
class Command:
    """One DRAM command.

    `scope`: the level whose node it acts on ("bank" for ACT, "rank" for PREab of DDR4). `row`: what it does to the
    row state of the banks below that node: "open", "half_open" (first half of a split activation), "close", "need"
    (the row has to be open), "need_closed" or "none". `bus`: the command bus that it occupies where a standard has
    two ("row", "column"). `data`: "read" or "write" when it moves data over the pins. `banks`: the banks that it drives
    where these are not those below its node (a command to one bank that stands for others). `buffer`: the row buffer
    that it works on where banks have a second one for their compute units: "memory", "pim" or "both".
    """

    name: str
    scope: str = "bank"
    row: str = "none"
    bus: str = "row"
    data: str = ""
    auto_precharge: bool = False
    cycles: float = 1.0
    banks: int | None = None
    buffer: str = "memory"


@dataclass(frozen=True)
class Rule:
    """After a command in `before`, no command in `after` for `delay` clocks, within one node of `level`.

    `siblings`: the rule holds for the *other* nodes of that level below the same parent. `window` n: the delay counts
    from the n-th last such command. `exact`: `delay` is not adjusted for commands that take several bus cycles.
    `each`: clocks that the delay grows by for each of a composite command's columns, of which at least `least` count.
    """

    level: str
    before: tuple[str, ...]
    after: tuple[str, ...]
    delay: str
    window: int = 1
    siblings: bool = False
    exact: bool = False
    each: str = "0"
    least: str = "0"

    @property
    def name(self) -> str:
        """How the rule is called in messages."""
        scope = f"other {self.level}s" if self.siblings else f"same {self.level}"
        last = f" (last {self.window})" if self.window > 1 else ""
        grows = f" + {self.each} for each column" if self.each != "0" else ""
        return f"{'/'.join(self.before)} -> {'/'.join(self.after)}{last}, {scope}: {self.delay}{grows}"

    @property
    def timings(self) -> frozenset[str]:
        """The timing names in its expressions."""
        return expression_names(self.delay) | expression_names(self.each) | expression_names(self.least)


def rule(level: str, before: str, after: str, delay: str, **options: object) -> Rule:
    """A Rule from text: command names are separated by blanks."""
    return Rule(level, tuple(before.split()), tuple(after.split()), delay, **options)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Standard:
    """A DRAM standard.

    `derived`: timings that a part may leave out, as expressions of others. `optional`: timings whose rules are
    dropped when the part does not give them. `ticks_per_clock`: 2 where commands may start on half clocks.
    `split_activate`: a row is opened by ACT1 and ACT2. `needs_sync`: accesses need the data clock to be running.
    """

    name: str
    source: str
    levels: tuple[str, ...]
    commands: tuple[Command, ...]
    rules: tuple[Rule, ...]
    refresh_scope: str
    derived: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    optional: tuple[str, ...] = ()
    ticks_per_clock: int = 1
    two_command_buses: bool = False
    split_activate: bool = False
    needs_sync: bool = False

    def __post_init__(self) -> None:
        known = {command.name for command in self.commands}
        for row in self.rules:
            unknown = [name for name in (*row.before, *row.after) if name not in known]
            if unknown or row.level not in self.levels:
                raise SpecError(f"rule '{row.name}' names {unknown or row.level}", file=f"standard {self.name}")

    def command(self, name: str) -> Command:
        """The command of that name."""
        for command in self.commands:
            if command.name == name:
                return command
        raise SpecError(f"standard {self.name} has no command '{name}'")

    def timing_names(self) -> set[str]:
        """Every timing that a rule or a derived timing speaks of."""
        names = set(self.derived)
        for row in self.rules:
            names |= row.timings
        for text in self.derived.values():
            names |= expression_names(text)
        return names


@cache
def expression_names(text: str) -> frozenset[str]:
    """The timing names in an expression. A part is checked against every rule: each text is parsed once."""
    names = {node.id for node in ast.walk(_parsed(text)) if isinstance(node, ast.Name)}
    return frozenset(names - {"max", "min"})


@cache
def _parsed(text: str) -> ast.expr:
    return ast.parse(text, mode="eval").body


def evaluate(text: str, values: Mapping[str, float]) -> float:
    """The value of an expression of names, whole numbers, + - *, max and min. Raises KeyError for unknown names."""

    def walk(node: ast.expr) -> float:
        if isinstance(node, ast.Constant) and isinstance(node.value, int):
            return node.value
        if isinstance(node, ast.Name):
            return values[node.id]
        if isinstance(node, ast.BinOp):
            left, right = walk(node.left), walk(node.right)
            if isinstance(node.op, ast.Add):
                return left + right
            if isinstance(node.op, ast.Sub):
                return left - right
            if isinstance(node.op, ast.Mult):
                return left * right
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("max", "min"):
            operands = [walk(argument) for argument in node.args]
            return max(operands) if node.func.id == "max" else min(operands)
        raise SpecError(f"'{text}' is not a timing expression", expected="names, whole numbers, + - *, max and min")

    return walk(_parsed(text))


def standard_names() -> list[str]:
    """Every standard that has a file."""
    from bitline.arch.dram import standards

    return sorted(module.name for module in pkgutil.iter_modules(standards.__path__) if module.name[0] != "_")


@cache
def load_standard(name: str) -> Standard:
    """The standard of that name: `STANDARD` in `arch/dram/standards/<name>.py`."""
    if name not in standard_names():
        raise SpecError(f"unknown DRAM standard '{name}'", expected=did_you_mean(name, standard_names()))
    standard: Standard = importlib.import_module(f"bitline.arch.dram.standards.{name}").STANDARD
    return standard
