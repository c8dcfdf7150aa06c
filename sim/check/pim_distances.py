"""Distances of PIM commands that depend on more than two names: lengths of composites, and readiness of one of several.

A composite COMPS_READRES carries its number of COMPs in `column`: they follow each other from its issue on, at the pace
of a column access.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from bitline.sim.check.evidence import Evidence, Indices
from bitline.sim.check.rule import Level, Relation
from bitline.sim.check.spacing import pairs
from bitline.sim.check.view import LogView

COMPUTES = ("COMP", "COMPS_READRES", "READRES")
COMPOSITE = "COMPS: a composite lasts 2 clocks for each COMP (at least 6) and its READRES"
LAST_COLUMN = "tRTP: last column of a composite to PIM precharge"
SOME_BANK = "G_ACT: one bank of its group is ready"
#: Columns that fill the adder tree: shorter composites take as long.
_SHORTEST_COMPOSITE = 6
_ALWAYS = np.iinfo(np.int64).min
_CHANNEL, _GROUP = Relation(Level.CHANNEL), Relation(Level.BANK_GROUP)


def composites(view: LogView, pace: int) -> Iterator[Evidence]:
    """The next compute command waits until the columns of the last composite, and its results, are through."""
    for first, second, comps in _after_composites(view, COMPUTES):
        required = pace * (np.maximum(comps, _SHORTEST_COMPOSITE) + 1)
        yield _evidence(COMPOSITE, view, first, second, required)


def last_column(view: LogView, pace: int, recovery: int, precharges: tuple[str, ...]) -> Iterator[Evidence]:
    """A precharge comes tRTP after the last COMP of the composite before it, not after the composite's issue."""
    for first, second, comps in _after_composites(view, precharges):
        required = pace * (np.maximum(comps, 1) - 1) + recovery
        yield _evidence(LAST_COLUMN, view, first, second, required)


def one_bank_ready(view: LogView, waits: Sequence[tuple[tuple[str, ...], int]]) -> Iterator[Evidence]:
    """A group activate waits until *some* bank of its group is ready.

    NewtonSim probes one bank of the four. `waits`: commands of a bank, and how long after them it is not ready.
    """
    activates = view.mask(("G_ACT",))
    ready = np.full((view.part.banks, len(view)), _ALWAYS)
    cause = np.full((view.part.banks, len(view)), -1, np.int64)
    place = np.maximum(view.log.rows["bank"], 0)
    for bank in range(view.part.banks):
        for commands, ticks in waits:
            before = view.mask(commands) & (place == bank)
            if not before.any() or not activates.any():
                continue
            first, second = pairs(view, before, activates, _GROUP)
            since = view.end[first] + ticks
            later = since > ready[bank, second]
            ready[bank, second[later]] = since[later]
            cause[bank, second[later]] = first[later]
    rows = np.flatnonzero(activates)
    soonest = np.argmin(ready[:, rows], axis=0)
    first = cause[soonest, rows]
    waited = first >= 0
    first, second = first[waited], rows[waited]
    required = ready[soonest[waited], second] - view.cycle[first] - view.ticks[second] + 1
    yield _evidence(SOME_BANK, view, first, second, required)


def _after_composites(view: LogView, commands: tuple[str, ...]) -> Iterator[tuple[Indices, Indices, Indices]]:
    """Pairs (last composite of the channel, command after it), and the composite's number of COMPs."""
    before, after = view.mask(("COMPS_READRES",)), view.mask(commands)
    if before.any() and after.any():
        first, second = pairs(view, before, after, _CHANNEL)
        yield first, second, view.log.rows["column"][first].astype(np.int64)


def _evidence(rule: str, view: LogView, first: Indices, second: Indices, required: Indices) -> Evidence:
    actual = view.cycle[second] - view.cycle[first]
    return Evidence(rule, first, second, view.cycle[second], actual - required, required, actual)
