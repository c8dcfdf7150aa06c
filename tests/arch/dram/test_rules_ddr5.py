"""JESD79-5 where it differs from DDR4, for DDR5-4800AN (x8): numbers in clocks."""

import itertools

import pytest

NRCD, NRP, NRAS, NRC, NCL, NCWL, NBL = 34, 34, 77, 111, 34, 32, 8
NWR, NRTP, NFAW, NRRDS, NRRDL = 72, 18, 48, 8, 12
NCCDS, NCCDL, NCCDL_WR, NWTRS, NWTRL, NPPD, NRFC = 8, 12, 48, 6, 24, 2, 710


@pytest.fixture
def rules(rules_of):
    return rules_of("ddr5-4800")


def test_write_to_write_in_a_bank_group_uses_its_own_spacing(rules):
    assert rules.spacing("WR", "WR", "bank_group") == NCCDL_WR
    assert rules.spacing("WR", "WR", "rank") == NCCDS
    assert rules.spacing("RD", "RD", "bank_group") == NCCDL


def test_the_core_keeps_the_write_spacing(memory_of, trace_commands, ticks_of):
    memory = memory_of("ddr5-4800")
    writes = ticks_of(trace_commands(memory, [{"column": i, "write": 1} for i in range(3)]), "WR")
    assert [b - a for a, b in itertools.pairwise(writes)] == [NCCDL_WR] * 2


def test_a_two_cycle_command_holds_the_command_bus(rules):
    assert rules.spacing("RD", "PRE", "rank") == 2
    assert rules.spacing("ACT", "RD", "rank") == 2
    assert rules.spacing("PRE", "ACT", "rank") == 0


def test_delays_count_between_last_cycles(rules):
    """PRE takes one cycle and ACT two: between their first cycles tRP is one clock shorter, tRAS one longer."""
    assert rules.spacing("PRE", "ACT") == NRP - 1
    assert rules.spacing("ACT", "PRE") == NRAS + 1
    assert rules.spacing("ACT", "RD") == NRCD
    assert rules.spacing("RD", "PRE") == NRTP + 1
    assert rules.spacing("ACT", "ACT") == NRC


def test_the_command_bus_is_free_for_others_after_two_cycles(memory_of, trace_commands):
    memory = memory_of("ddr5-4800")
    places = [{"bank_group": i % 8, "bank": i // 8, "row": i} for i in range(32)]
    commands = trace_commands(memory, places)
    for (tick, name, _), (following, _, _) in itertools.pairwise(commands):
        assert following - tick >= (1 if name in ("PRE", "PREab", "REFab") else 2)


def test_precharges_are_tppd_apart(rules):
    assert rules.spacing("PRE", "PRE", "rank") == NPPD
    assert rules.spacing("PREab", "PRE", "rank") == NPPD


def test_read_to_write_leaves_room_for_postamble_and_preamble(rules):
    assert rules.spacing("RD", "WR", "rank") == NCL + NBL + 4 - NCWL


@pytest.mark.parametrize(("where", "turnaround"), [("bank_group", NWTRL), ("rank", NWTRS)])
def test_write_to_read_waits_for_the_burst_and_the_turnaround(rules, where, turnaround):
    assert rules.spacing("WR", "RD", where) == NCWL + NBL + turnaround


def test_four_activates_fill_the_faw_window(memory_of, trace_commands, ticks_of):
    memory = memory_of("ddr5-4800")
    activates = ticks_of(trace_commands(memory, [{"bank_group": i} for i in range(5)]), "ACT")
    assert [tick - activates[0] for tick in activates] == [0, NRRDS, 2 * NRRDS, 3 * NRRDS, NFAW]


def test_activates_of_one_bank_group_are_trrdl_apart(memory_of, trace_commands, ticks_of):
    activates = ticks_of(trace_commands(memory_of("ddr5-4800"), [{"bank": 0}, {"bank": 1}]), "ACT")
    assert activates[1] - activates[0] == NRRDL


def test_refresh_holds_the_rank_for_trfc(rules):
    assert rules.spacing("REFab", "PREab", "rank") == NRFC
    assert rules.spacing("REFab", "ACT", "rank") == NRFC - 1
    assert rules.spacing("WRA", "REFab", "rank") == NCWL + NBL + NWR + NRP + 1
