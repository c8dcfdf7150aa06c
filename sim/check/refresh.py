"""The refresh rate: the k-th refresh comes no later than (k + postponed) intervals after the start of the log."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from bitline.sim.check.evidence import Evidence, Indices
from bitline.sim.check.rule import Level, Refresh
from bitline.sim.check.view import LogView

ALL_BANKS = "tREFI: all banks are refreshed in time"
EACH_BANK = "tREFIpb: each bank is refreshed in time"


def refresh_rate(refresh: Refresh, view: LogView, postponed: int) -> Iterator[Evidence]:
    """Judge every rank (channel, pseudo channel) of the channels in the log, also at the log's end.

    A channel whose log holds a per-bank refresh is judged bank by bank; an all-bank refresh counts for each bank.
    """
    if not len(view):
        return
    per_bank_channels = np.unique(view.node(Level.CHANNEL)[view.mask(_known(view, ("REFpb",)))])
    all_bank = np.flatnonzero(view.mask(_known(view, ("REFab",))))
    unit = view.node(refresh.level)[all_bank]
    n_units = view.count(refresh.level)
    channel_of_unit = np.arange(n_units) // (n_units // view.count(Level.CHANNEL))
    units = np.flatnonzero(~np.isin(channel_of_unit, per_bank_channels))
    yield _in_time(ALL_BANKS, view, units, unit, all_bank, refresh.interval, postponed)
    if len(per_bank_channels) and refresh.bank_interval is not None:
        n_banks = view.count(Level.BANK)
        banks_of_unit = n_banks // n_units
        one_bank = np.flatnonzero(view.mask(("REFpb",)))
        covered = unit[:, np.newaxis] * banks_of_unit + np.arange(banks_of_unit)
        bank = np.concatenate([view.node(Level.BANK)[one_bank], covered.ravel()])
        rows = np.concatenate([one_bank, np.repeat(all_bank, banks_of_unit)])
        channel_of_bank = np.arange(n_banks) // (n_banks // view.count(Level.CHANNEL))
        banks = np.flatnonzero(np.isin(channel_of_bank, per_bank_channels))
        yield _in_time(EACH_BANK, view, banks, bank, rows, refresh.bank_interval, postponed)


def _known(view: LogView, commands: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name for name in commands if name in view.kinds)


def _in_time(
    rule: str, view: LogView, units: Indices, unit: Indices, rows: Indices, interval: int, postponed: int
) -> Evidence:
    """Compare each refresh with its deadline, and the end of the log with the deadline of the one that is missing."""
    order = np.lexsort((rows, unit))
    unit, rows = unit[order], rows[order]
    kept = np.isin(unit, units)
    unit, rows = unit[kept], rows[kept]
    first = np.searchsorted(unit, unit)
    number = np.arange(len(unit)) - first + 1
    before = np.where(number > 1, np.concatenate([[-1], rows[:-1]]), -1)
    deadline = (number + postponed) * interval
    done = np.searchsorted(unit, units, side="right") - np.searchsorted(unit, units)
    last = np.concatenate([[-1], rows])[np.where(done > 0, np.searchsorted(unit, units, side="right"), 0)]
    missing_deadline = (done + 1 + postponed) * interval
    end = np.full(len(units), view.cycle[-1])
    actual = np.concatenate([view.cycle[rows], end])
    required = np.concatenate([deadline, missing_deadline])
    slack = required - actual
    return Evidence(
        rule,
        np.concatenate([before, last]),
        np.concatenate([rows, np.full(len(units), -1, np.int64)]),
        np.where(slack < 0, required, actual),
        slack,
        required,
        actual,
    )
