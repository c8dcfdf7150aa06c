"""JESD79-4 sentence by sentence, for DDR4-3200AA (x8): the numbers are the data sheet's, in clocks."""

import itertools

import pytest

NRCD, NRP, NRAS, NRC, NCL, NCWL, NBL = 22, 22, 52, 74, 22, 16, 4
NWR, NRTP, NFAW, NRRDS, NRRDL, NCCDS, NCCDL, NWTRS, NWTRL = 24, 12, 34, 4, 8, 4, 8, 4, 12
NRFC, NREFI, NRTRS = 576, 12480, 2


@pytest.fixture
def rules(rules_of):
    return rules_of("ddr4-3200")


@pytest.fixture
def ranked(rules_of):
    return rules_of("ddr4-3200", {"organisation.ranks": 2})


# --- what the core does ---


def test_a_read_comes_trcd_after_its_activate(memory_of, trace_commands, ticks_of):
    commands = trace_commands(memory_of("ddr4-3200"), [{"row": 7}])
    assert [name for _tick, name, _place in commands] == ["ACT", "RD"]
    assert ticks_of(commands, "RD")[0] - ticks_of(commands, "ACT")[0] == NRCD


def test_four_activates_fill_the_faw_window(memory_of, trace_commands, ticks_of):
    memory = memory_of("ddr4-3200")
    # The fourth comes a little late, so that no read needs the command bus when the window ends.
    requests = [{"bank_group": i % 4, "bank": i // 4, "tick": 14 if i == 3 else 0} for i in range(5)]
    activates = ticks_of(trace_commands(memory, requests), "ACT")
    assert activates == [1, 1 + NRRDS, 1 + 2 * NRRDS, 15, 1 + NFAW]


def test_activates_of_one_bank_group_are_trrdl_apart(memory_of, trace_commands, ticks_of):
    activates = ticks_of(trace_commands(memory_of("ddr4-3200"), [{"bank": 0}, {"bank": 1}]), "ACT")
    assert activates[1] - activates[0] == NRRDL


def test_activates_of_one_bank_are_trc_apart(memory_of, trace_commands, ticks_of):
    commands = trace_commands(memory_of("ddr4-3200"), [{"row": 1}, {"row": 2}])
    activates, precharges = ticks_of(commands, "ACT"), ticks_of(commands, "PRE")
    assert precharges[0] - activates[0] == NRAS
    assert activates[1] - precharges[0] == NRP
    assert activates[1] - activates[0] == NRC == NRAS + NRP


def test_reads_of_one_bank_group_are_tccdl_apart(memory_of, trace_commands, ticks_of):
    reads = ticks_of(trace_commands(memory_of("ddr4-3200"), [{"column": 0}, {"column": 1}, {"column": 2}]), "RD")
    assert [reads[1] - reads[0], reads[2] - reads[1]] == [NCCDL, NCCDL]


def test_reads_of_different_bank_groups_are_tccds_apart(memory_of, trace_commands, ticks_of):
    memory = memory_of("ddr4-3200")
    requests = [{"bank_group": i % 4, "column": i // 4} for i in range(8)]
    reads = ticks_of(trace_commands(memory, requests), "RD")
    assert [b - a for a, b in itertools.pairwise(reads)][3:] == [NCCDS] * 4


def test_a_write_row_is_precharged_write_recovery_after_the_burst(memory_of, trace_commands, ticks_of):
    commands = trace_commands(memory_of("ddr4-3200"), [{"row": 1, "write": 1}, {"row": 2, "write": 1}])
    writes, precharges = ticks_of(commands, "WR"), ticks_of(commands, "PRE")
    assert precharges[0] - writes[0] == NCWL + NBL + NWR


def test_refresh_waits_for_precharge_all_and_holds_the_rank_for_trfc(memory_of, trace_commands, ticks_of):
    memory = memory_of("ddr4-3200", settings={"refresh": "all_bank"})
    commands = trace_commands(memory, [{"row": 1}, {"row": 2, "tick": NREFI + 60}])
    (refresh,) = ticks_of(commands, "REFab")
    assert refresh - ticks_of(commands, "PREab")[0] == NRP
    assert ticks_of(commands, "PREab") == [NREFI]
    assert ticks_of(commands, "ACT")[1] - refresh == NRFC


# --- the table ---


@pytest.mark.parametrize(
    ("before", "after", "clocks"),
    [
        ("ACT", "ACT", NRC),
        ("ACT", "RD", NRCD),
        ("ACT", "WR", NRCD),
        ("ACT", "PRE", NRAS),
        ("PRE", "ACT", NRP),
        ("RD", "PRE", NRTP),
        ("WR", "PRE", NCWL + NBL + NWR),
        ("RDA", "ACT", NRTP + NRP),
        ("WRA", "ACT", NCWL + NBL + NWR + NRP),
    ],
)
def test_row_cycle_of_a_bank(rules, before, after, clocks):
    assert rules.spacing(before, after) == clocks


@pytest.mark.parametrize(
    ("where", "read_to_read", "write_to_read"), [("bank_group", NCCDL, NWTRL), ("rank", NCCDS, NWTRS)]
)
def test_column_spacing_is_longer_within_a_bank_group(rules, where, read_to_read, write_to_read):
    assert rules.spacing("RD", "RD", where) == read_to_read
    assert rules.spacing("WR", "WR", where) == read_to_read
    assert rules.spacing("WR", "RD", where) == NCWL + NBL + write_to_read


def test_read_to_write_leaves_two_clocks_on_the_bus(rules):
    assert rules.spacing("RD", "WR", "rank") == NCL + NBL + 2 - NCWL


def test_precharge_commands_of_a_rank_need_no_distance(rules):
    assert rules.spacing("PRE", "PRE", "rank") == 0


@pytest.mark.parametrize(
    ("before", "after", "clocks"),
    [
        ("ACT", "PREab", NRAS),
        ("RD", "PREab", NRTP),
        ("WR", "PREab", NCWL + NBL + NWR),
        ("PREab", "ACT", NRP),
        ("PREab", "REFab", NRP),
        ("PRE", "REFab", NRP),
        ("ACT", "REFab", NRC),
        ("RDA", "REFab", NRTP + NRP),
        ("WRA", "REFab", NCWL + NBL + NWR + NRP),
        ("REFab", "ACT", NRFC),
        ("REFab", "REFab", NRFC),
    ],
)
def test_all_bank_commands_hold_every_bank_of_the_rank(ranked, before, after, clocks):
    assert ranked.spacing(before, after, "rank") == clocks
    assert ranked.spacing(before, after, "other_rank") == 0


@pytest.mark.parametrize(
    ("before", "after", "clocks"),
    [
        ("RD", "RD", NBL + NRTRS),
        ("WR", "WR", NBL + NRTRS),
        ("RD", "WR", NCL + NBL + NRTRS - NCWL),
        ("WR", "RD", NCWL + NBL + NRTRS - NCL),
        ("ACT", "ACT", 0),
        ("PRE", "ACT", 0),
    ],
)
def test_ranks_share_only_the_data_bus(ranked, before, after, clocks):
    assert ranked.spacing(before, after, "other_rank") == clocks


def test_the_faw_window_slides(rules):
    for i, tick in enumerate((0, 10, 20, 30)):
        rules.issue(tick, "ACT", (0, 0, i, 0))
    assert rules.earliest("ACT", (0, 0, 0, 1)) == max(NFAW, 30 + NRRDS)
    rules.issue(34, "ACT", (0, 0, 0, 1))
    assert rules.earliest("ACT", (0, 0, 1, 1)) == 10 + NFAW


def test_the_faw_window_is_each_ranks_own(ranked):
    for i in range(4):
        ranked.issue(4 * i, "ACT", (0, 0, i, 0))
    assert ranked.earliest("ACT", (0, 1, 0, 0)) == 0


def test_three_activates_leave_the_window_open(rules):
    for i in range(3):
        rules.issue(4 * i, "ACT", (0, 0, i, 0))
    assert rules.earliest("ACT", (0, 0, 3, 0)) == 8 + NRRDS
