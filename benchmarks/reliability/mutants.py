"""Accepted logs with one command changed. A checker that lets them pass is no checker."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from bitline.sim.check import COMMANDS, CommandLog, Report

OPENS = [COMMANDS.index(name) for name in ("ACT", "ACT2")]
ACCESSES = [COMMANDS.index(name) for name in ("RD", "RDA", "WR", "WRA")]
CLOSES = [COMMANDS.index("PRE")]
REFRESHES = [COMMANDS.index(name) for name in ("REFab", "REFpb")]
BANK_CELLS = ("pseudo_channel", "rank", "bank_group", "bank")


@dataclass(frozen=True)
class Accepted:
    """A log that obeys its rules, and how often it has to refresh, in ticks."""

    log: CommandLog
    report: Report
    interval: int


def _log(rows: np.ndarray) -> CommandLog:
    return CommandLog(rows[np.argsort(rows["cycle"], kind="stable")], "bitline")


def _some(random: np.random.Generator, places: np.ndarray, count: int) -> np.ndarray:
    return random.choice(places, min(count, len(places)), replace=False)


def _bank(rows: np.ndarray) -> np.ndarray:
    """One number for each bank (or what a command without one acts on)."""
    bank = np.zeros(len(rows), np.int64)
    for cell in BANK_CELLS:
        bank = bank * 4096 + rows[cell] + 1
    return bank


def one_clock_early(accepted: Accepted, random: np.random.Generator, count: int) -> Iterator[CommandLog]:
    """Commands that came as early as some rule allows, one clock earlier: some for each such rule."""
    rows, report = accepted.log.rows, accepted.report
    tight = (report.command_slack == 0) & (rows["cycle"] > 0)
    for rule in np.unique(report.tightest[tight]):
        for place in _some(random, np.flatnonzero(tight & (report.tightest == rule)), count):
            changed = rows.copy()
            changed["cycle"][place] -= 1
            yield _log(changed)


def bank_swapped(accepted: Accepted, random: np.random.Generator, count: int) -> Iterator[CommandLog]:
    """Activates and accesses that go to another bank of the same bank group, away from the log's end."""
    rows = accepted.log.rows
    banks = rows["bank"].max(initial=0) + 1
    at = np.flatnonzero(np.isin(rows["command"], OPENS + ACCESSES))
    for place in _some(random, at[: len(at) * 9 // 10], count if banks > 1 else 0):
        changed = rows.copy()
        changed["bank"][place] = (changed["bank"][place] + random.integers(1, banks)) % banks
        yield _log(changed)


def precharge_dropped(accepted: Accepted, random: np.random.Generator, count: int) -> Iterator[CommandLog]:
    """Precharges of one bank, where that bank is opened again."""
    rows = accepted.log.rows
    bank = _bank(rows)
    last_open = {int(bank[place]): int(place) for place in np.flatnonzero(np.isin(rows["command"], OPENS))}
    at = [p for p in np.flatnonzero(np.isin(rows["command"], CLOSES)) if last_open.get(int(bank[p]), -1) > p]
    for place in _some(random, np.array(at, np.int64), count):
        yield _log(np.delete(rows, place))


def refresh_dropped(accepted: Accepted, random: np.random.Generator, count: int) -> Iterator[CommandLog]:
    """Refreshes before the one that came latest beside its due time. Dropping another one may leave a legal log."""
    rows = accepted.log.rows
    at = np.flatnonzero(np.isin(rows["command"], REFRESHES))
    if not len(at):
        return
    unit = _bank(rows)[at]
    order = np.lexsort((at, unit))
    at, unit = at[order], unit[order]
    number = np.arange(len(at)) - np.searchsorted(unit, unit) + 1
    latest = int(np.argmax(rows["cycle"][at] - number * accepted.interval))
    before = at[(unit == unit[latest]) & (number < number[latest])]
    for place in _some(random, before, count):
        yield _log(np.delete(rows, place))


Mutation = Callable[[Accepted, np.random.Generator, int], Iterator[CommandLog]]
MUTATIONS: dict[str, Mutation] = {
    "one clock early": one_clock_early,
    "bank swapped": bank_swapped,
    "precharge dropped": precharge_dropped,
    "refresh dropped": refresh_dropped,
}
