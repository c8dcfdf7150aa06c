"""The refresh rate: the k-th refresh is due at (k + postponed) intervals, also when the log ends without it."""

import numpy as np
import pytest

from bitline.sim.check import Checker, CommandLog

ALL = "tREFI: all banks are refreshed in time"
EACH = "tREFIpb: each bank is refreshed in time"


def refreshes(cycles, **address):
    address = {"channel": 0, "pseudo_channel": 0, "rank": 0, **address}
    return CommandLog.from_columns(cycles, ["REFab"] * len(cycles), **address)


def something_at(cycle):
    address = dict.fromkeys(("channel", "pseudo_channel", "rank", "bank_group", "bank"), 0)
    return CommandLog.from_columns([cycle], ["PRE"], **address)


def together(*logs):
    return CommandLog(np.sort(np.concatenate([log.rows for log in logs]), order="cycle"), "bitline")


def without(log, dropped):
    return CommandLog(log.rows[~dropped], "bitline")


def bank_by_bank(interval, rounds, pseudo_channels=1, ranks=1):
    """REFpb of one bank after the other, one each interval."""
    shape = (rounds, pseudo_channels, ranks, 4, 4)
    _, pseudo_channel, rank, group, bank = (axis.ravel() for axis in np.indices(shape))
    cycle = interval * np.arange(1, len(bank) + 1)
    address = {"pseudo_channel": pseudo_channel, "rank": rank, "bank_group": group, "bank": bank}
    return CommandLog.from_columns(cycle, ["REFpb"] * len(bank), channel=0, **address)


@pytest.mark.parametrize("postponed", [0, 1, 8])
def test_the_kth_refresh_has_a_deadline(postponed):
    checker, interval = Checker("ddr4-3200"), 12480
    on_time = [(k + postponed) * interval for k in (1, 2, 3)]
    assert checker.check(refreshes(on_time), postponed=postponed).passed
    late = checker.check(refreshes([*on_time[:2], on_time[2] + 1]), postponed=postponed)
    assert late.violations == {ALL: 1}
    assert (late.violation.time, late.violation.before, late.violation.after) == (on_time[2], 1, 2)


def test_a_log_may_end_before_the_first_refresh_is_due(log_of):
    checker = Checker("ddr4-3200")
    assert checker.check(log_of("0 ACT; 24960 PRE")).passed
    report = checker.check(log_of("0 ACT; 24961 PRE"))
    assert report.violations == {ALL: 1}
    assert report.violation.after is None
    assert "a refresh is missing" in report.text()
    assert checker.check(log_of("0 ACT; 24961 PRE"), refresh=False).passed


def test_a_log_may_not_end_with_a_refresh_missing():
    checker = Checker("ddr4-3200")
    two = refreshes([12480, 24960])
    assert checker.check(together(two, something_at(4 * 12480))).passed
    report = checker.check(together(two, something_at(4 * 12480 + 1)))
    assert report.violations == {ALL: 1}
    assert (report.violation.before, report.violation.time) == (1, 4 * 12480)


def test_each_rank_is_refreshed():
    checker, end = Checker("dramsim3-ddr4-3200"), something_at(30000)
    one, other = refreshes([12480]), refreshes([13480], rank=1)
    assert checker.check(together(one, other, end)).passed
    assert checker.check(together(one, end)).violations == {ALL: 1}


def test_an_all_bank_refresh_of_hbm_serves_a_pseudo_channel_with_all_stack_ids():
    checker, end = Checker("hbm2e-3200"), something_at(13000)
    one, other = refreshes([6240], rank=-1), refreshes([6244], pseudo_channel=1, rank=-1)
    assert checker.check(together(one, other, end)).passed
    assert checker.check(together(other, end)).violations == {ALL: 1}


def test_hbm3_counts_half_clocks():
    checker = Checker("hbm3-6400", settings={"organisation.pseudo_channels": 1})
    assert checker.check(refreshes([2 * 2 * 6240])).passed
    assert checker.check(refreshes([2 * 2 * 6240 + 2])).violations == {ALL: 1}


@pytest.mark.parametrize(
    ("part", "interval", "shape"),
    [
        ("gddr6-14", 208, {}),
        ("gddr6-aim", 208, {}),
        ("lpddr5-6400", 195, {}),
        ("hbm2-2000", 122, {"pseudo_channels": 2}),
        ("hbm-pim", 241, {}),
        ("hbm3-6400", 194, {"pseudo_channels": 2, "ranks": 2}),
    ],
)
def test_per_bank_refresh_serves_each_bank(part, interval, shape):
    checker = Checker(part)
    log = bank_by_bank(interval, 4, **shape)
    assert checker.check(log).passed
    forgotten = (log.rows["bank"] == 3) & (log.rows["bank_group"] == 2)
    missing = checker.check(without(log, forgotten)).violations
    assert missing.keys() == {EACH}


def test_an_all_bank_refresh_counts_for_each_bank():
    checker = Checker("gddr6-14")
    per_bank, later = bank_by_bank(208, 1), refreshes([2 * 3328, 3 * 3328, 4 * 3328])
    assert checker.check(together(per_bank, later)).passed
    assert checker.check(together(per_bank, refreshes([4 * 3328]))).violations.keys() == {EACH}


def test_channels_are_judged_each_by_its_own_refreshes():
    checker = Checker("gddr6-14")
    per_bank, end = bank_by_bank(208, 3), refreshes([9990], channel=7)
    assert checker.check(together(per_bank, refreshes([3333, 6666], channel=7), end)).passed
    assert checker.check(together(per_bank, end)).violations.keys() == {ALL}


def test_both_pseudo_channels_need_their_refreshes():
    checker = Checker("hbm2-2000")
    log = bank_by_bank(122, 4, pseudo_channels=2)
    report = checker.check(without(log, log.rows["pseudo_channel"] == 1))
    assert report.violations == {EACH: 16}
