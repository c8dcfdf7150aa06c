"""What a rule set consists of: the commands of a standard, and the sentences that hold between them.

A rule is data. `Spacing` is the JEDEC sentence "B no earlier than n clocks after A" with a relation between the two
addresses, `Window` is "no more than n of A in any t", `Limit` is "B no later than n after A". How they are evaluated
on a log stands in `spacing.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, IntEnum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from bitline.sim.check.evidence import Evidence
    from bitline.sim.check.view import LogView


class Level(IntEnum):
    """The levels of a memory system, outermost first. PARITY (all even or all odd banks) lies beside BANK_GROUP."""

    CHANNEL = 0
    PSEUDO_CHANNEL = 1
    RANK = 2
    BANK_GROUP = 3
    BANK = 4
    PARITY = 5


class Relation(NamedTuple):
    """Two commands stand in this relation when they agree at level `same` and not at level `differ`."""

    same: Level
    differ: Level | None = None


#: The two commands touch at least one bank together (a bank and its rank, a bank group and one of its banks ...).
SAME_BANK = Relation(Level.BANK)
SAME_GROUP = Relation(Level.BANK_GROUP)
SAME_GROUP_OTHER_BANK = Relation(Level.BANK_GROUP, Level.BANK)


class Action(Enum):
    """What a command needs of, and does to, the row buffers of its banks."""

    NONE = 0
    OPEN = 1
    OPEN_FIRST_HALF = 2
    OPEN_SECOND_HALF = 3
    CLOSE = 4
    ACCESS = 5
    ACCESS_AND_CLOSE = 6
    REFRESH = 7


class Buffer(Enum):
    """Which row buffer of a bank a command works on. All DRAM has the first; NeuPIMs has a second one for PIM."""

    MEMORY = 0
    PIM = 1
    BOTH = 2


@dataclass(frozen=True)
class Kind:
    """A command of a standard.

    `span`: it touches all banks below one node of this level. `depth`: the address cells down to this level mean
    something. `ticks`: how long it holds its command bus.
    """

    span: Level
    action: Action = Action.NONE
    ticks: int = 1
    depth: Level | None = None
    buffer: Buffer = Buffer.MEMORY

    @property
    def addressed(self) -> Level:
        """The innermost level whose address cell has to be there."""
        if self.depth is not None:
            return self.depth
        return self.span


@dataclass(frozen=True)
class Spacing:
    """`after` may issue at the earliest `ticks` after `before`, for addresses in this relation."""

    name: str
    before: tuple[str, ...]
    after: tuple[str, ...]
    relation: Relation
    ticks: int


@dataclass(frozen=True)
class Window:
    """Of the commands, one may issue at the earliest `ticks` after the `count`-th before it."""

    name: str
    commands: tuple[str, ...]
    count: int
    level: Level
    ticks: int


@dataclass(frozen=True)
class Limit:
    """`after` has to issue at the latest `ticks` after `before`."""

    name: str
    before: tuple[str, ...]
    after: tuple[str, ...]
    relation: Relation
    ticks: int


Rule = Spacing | Window | Limit


@dataclass(frozen=True)
class DataBus:
    """The data pins: a command moves its burst `latency` ticks after issue, and a burst lasts `ticks`."""

    level: Level
    latency: Mapping[str, int]
    ticks: int


@dataclass(frozen=True)
class Refresh:
    """How often the cells have to be refreshed: once per `interval` all banks below a node of `level`.

    With per-bank refresh, each bank once per `bank_interval`.
    """

    level: Level
    interval: int
    bank_interval: int | None = None


Check = Callable[["LogView"], Iterable["Evidence"]]


@dataclass(frozen=True)
class RuleSet:
    """All that a standard says about a command log.

    `checks` are rules about states and sequences. `distances` are rules whose distance depends on more than the names
    of two commands; like `rules` they count in the slack.
    """

    standard: str
    kinds: Mapping[str, Kind]
    rules: Sequence[Rule]
    command_buses: Mapping[str, tuple[str, ...]]
    data_bus: DataBus
    refresh: Refresh | None = None
    checks: Mapping[str, Check] = field(default_factory=dict)
    distances: Mapping[str, Check] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for rule in self.rules:
            for command in _commands(rule):
                assert command in self.kinds, (self.standard, rule.name, command)
            if isinstance(rule, Window):
                relation = Relation(rule.level)
            else:
                relation = rule.relation
            if relation != SAME_BANK:
                needed = max(relation.same, relation.differ or relation.same)
                for command in _commands(rule):
                    assert self.kinds[command].addressed >= needed, (self.standard, rule.name, command)


def _commands(rule: Rule) -> tuple[str, ...]:
    return rule.commands if isinstance(rule, Window) else rule.before + rule.after
