"""How long each DRAM or PIM command keeps its bank and the data bus, for those who draw a command log."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bitline.arch.dram.part import PartSpec
from bitline.arch.dram.standard import Command, Rule, Standard, evaluate

# Latency to the pins of commands that move data without an access to a bank.
_BUFFER_LATENCY = {"WRGB": "tCWLGB", "WRMAC16": "tCWLREG", "RDMAC16": "tCLREG", "RDAF16": "tCLREG"}


@dataclass(frozen=True)
class CommandTiming:
    """Times in ticks of the part's command log.

    `busy`: command -> ticks during which its bank is at it. `data`: command -> (start, end) of its data on the bus,
    counted from the command.
    """

    tick_ps: float
    busy: Mapping[str, float]
    data: Mapping[str, tuple[float, float]]


def command_timing(part: PartSpec) -> CommandTiming:
    """The timing of a part's commands, out of its standard's rules.

    An activation lasts until its bank can be accessed, a precharge or refresh until it can be activated, an access
    until the same command may follow.
    """
    standard = part.rules_of
    ticks = standard.ticks_per_clock
    busy = {command.name: ticks * _busy_ck(part, standard, command) for command in standard.commands}
    data = {}
    for command in standard.commands:
        if command.data:
            access = "tCL" if command.data == "read" else "tCWL"
            start = ticks * part.timing[_BUFFER_LATENCY.get(command.name, access)]
            data[command.name] = (start, start + ticks * part.timing["tBL"])
    return CommandTiming(float(part.tick_ps), busy, data)


def _busy_ck(part: PartSpec, standard: Standard, command: Command) -> float:
    if command.row in ("open", "half_open"):
        delays = _delays(part, standard, command, lambda after: after.row == "need")[:1]
    elif command.row in ("close", "need_closed"):
        delays = _delays(part, standard, command, lambda after: after.row in ("open", "half_open"))
    else:
        delays = _delays(part, standard, command, lambda after: after is command)
    return max([*delays, command.cycles])


def _delays(part: PartSpec, standard: Standard, command: Command, fits: Callable[[Command], bool]) -> list[float]:
    """Delays of the rules from a command to those that fit, in the table's order, without rules that the part drops."""
    following = {after.name for after in standard.commands if fits(after)}
    delays = []
    for row in standard.rules:
        if _counts(row, command) and following & set(row.after):
            try:
                delays.append(evaluate(row.delay, part.timing))
            except KeyError:
                continue
    return delays


def _counts(row: Rule, command: Command) -> bool:
    return command.name in row.before and not row.siblings and row.window == 1
