"""JESD209-5B for LPDDR5-6400 (x16): split activation, a data clock that stops, two precharge times. Numbers in CK."""

import pytest

from bitline.arch.dram.memory import Memory
from bitline.arch.dram.part import load_part

NRCD, NRP, NRPAB, NRAS, NRC, NCL, NCWL, NBL, NBLMAX = 15, 15, 17, 34, 49, 17, 9, 2, 4
NWR, NRTP, NFAW, NRRD, NCCDS, NCCDL, NWTRS, NWTRL = 28, 8, 16, 4, 2, 4, 5, 10
NAAD, NWCKPST, NRFC, NRFCPB, NPBR2PBR, NPBR2ACT, NPPD = 8, 1, 168, 96, 72, 6, 2


@pytest.fixture
def rules(rules_of):
    return rules_of("lpddr5-6400")


@pytest.fixture
def memory(memory_of):
    return memory_of("lpddr5-6400")


def test_a_row_is_opened_by_act1_and_act2(memory, trace_commands):
    commands = trace_commands(memory, [{"row": 3}])
    assert [name for _tick, name, _place in commands] == ["ACT1", "ACT2", "CAS_RD", "RD"]


def test_act2_follows_act1_within_taad(memory, trace_commands):
    requests = [{"bank": i % 4, "bank_group": i // 4 % 4, "row": i // 16} for i in range(96)]
    opened = {}
    for tick, name, place in trace_commands(memory, requests):
        bank = (place["bank_group"], place["bank"])
        if name == "ACT1":
            assert not opened, "one activation is under way at a time"
            opened[bank] = tick
        elif name == "ACT2":
            assert 1 <= tick - opened.pop(bank) <= NAAD


def test_row_timings_count_from_act1(rules):
    assert rules.spacing("ACT1", "RD") == NRCD
    assert rules.spacing("ACT1", "PRE") == NRAS
    assert rules.spacing("ACT1", "ACT1") == NRC
    assert rules.spacing("ACT2", "RD") == 0


def test_the_data_clock_is_started_one_clock_before_the_first_access(memory, trace_commands, ticks_of):
    commands = trace_commands(memory, [{"column": 0}])
    assert ticks_of(commands, "RD")[0] - ticks_of(commands, "CAS_RD")[0] == 1


def test_the_data_clock_keeps_running_between_accesses_that_follow_soon(memory, trace_commands, ticks_of):
    commands = trace_commands(memory, [{"column": i} for i in range(8)])
    assert len(ticks_of(commands, "CAS_RD")) == 1


def test_the_data_clock_is_started_again_after_it_stopped(memory, trace_commands, ticks_of):
    commands = trace_commands(memory, [{"column": 0}, {"column": 1, "tick": 200}])
    assert len(ticks_of(commands, "CAS_RD")) == 2


def test_the_data_clock_stops_its_postamble_after_the_last_burst(memory, trace_commands, ticks_of):
    """Running until RD + CL + BL + WCKPST: the last read that needs no CAS issues in the tick before that."""
    first_read = ticks_of(trace_commands(memory, [{"column": 0}]), "RD")[0]
    running_until = first_read + NCL + NBL + NWCKPST

    def syncs(tick, memory):
        # A request that arrives in tick t is looked at in tick t + 1.
        commands = trace_commands(memory, [{"column": 0}, {"column": 1, "tick": tick}])
        return len(ticks_of(commands, "CAS_RD"))

    fresh = [Memory("lpddr5-6400", memory.controller) for _ in range(2)]
    assert [syncs(running_until - 2, fresh[0]), syncs(running_until - 1, fresh[1])] == [1, 2]


def test_write_to_read_in_a_bank_group_counts_the_full_burst(rules):
    assert rules.spacing("WR", "RD", "bank_group") == NCWL + NBLMAX + NWTRL
    assert rules.spacing("WR", "RD", "rank") == NCWL + NBL + NWTRS


def test_precharge_all_takes_longer_than_precharge(rules):
    assert rules.spacing("PRE", "ACT1") == NRP
    assert rules.spacing("PREab", "ACT1") == NRPAB
    assert rules.spacing("PREab", "REFab") == NRPAB
    assert rules.spacing("PRE", "REFab") == NRP
    assert rules.spacing("PRE", "PRE", "rank") == NPPD


def test_four_activates_fill_the_faw_window(rules, memory_of, trace_commands, ticks_of):
    for i in range(4):
        rules.issue(NRRD * i, "ACT1", (0, 0, i, 0))
    assert rules.earliest("ACT1", (0, 0, 0, 1)) == NFAW == 4 * NRRD
    # A longer window, that ends while no access needs the command bus.
    memory = memory_of(load_part("lpddr5-6400", {"timing_ck.tFAW": 21}))
    activates = ticks_of(trace_commands(memory, [{"bank_group": i % 4, "bank": i // 4} for i in range(5)]), "ACT1")
    assert [tick - activates[0] for tick in activates] == [0, NRRD, 2 * NRRD, 3 * NRRD, 21]


def test_per_bank_refresh_holds_its_bank_for_trfcpb(rules):
    assert rules.spacing("REFpb", "ACT1") == NRFCPB
    assert rules.spacing("REFpb", "ACT1", "rank") == NPBR2ACT
    assert rules.spacing("REFpb", "REFpb", "rank") == NPBR2PBR
    assert rules.spacing("REFpb", "REFab", "rank") == NRFCPB
    assert rules.spacing("REFab", "REFpb", "rank") == NRFC


def test_column_spacing(rules):
    assert rules.spacing("RD", "RD", "bank_group") == NCCDL
    assert rules.spacing("RD", "RD", "rank") == NCCDS
    assert rules.spacing("RD", "PRE") == NRTP
    assert rules.spacing("WR", "PRE") == NCWL + NBL + NWR
