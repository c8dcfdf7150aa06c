"""JESD250C for GDDR6 at 14 Gb/s, 1.35 V: one rank, refresh of a bank beside accesses of others. In tCK (570 ps)."""

import itertools

import pytest

NRCDRD, NRCDWR, NRP, NRAS, NRC, NCL, NCWL, NBL = 27, 16, 27, 53, 79, 24, 6, 2
NWR, NRTP, NFAW, NRRD, NCCDS, NCCDL, NWTRS, NWTRL, NRTW = 27, 4, 29, 8, 2, 4, 9, 11, 25
NRFC, NRFCPB, NRREFD, NREFIPB = 211, 106, 15, 208


@pytest.fixture
def rules(rules_of):
    return rules_of("gddr6-14")


def test_a_write_may_come_sooner_after_its_activate_than_a_read(rules, memory_of, trace_commands, ticks_of):
    assert (rules.spacing("ACT", "RD"), rules.spacing("ACT", "WR")) == (NRCDRD, NRCDWR)
    commands = trace_commands(memory_of("gddr6-14"), [{"row": 1, "write": 1}])
    assert ticks_of(commands, "WR")[0] - ticks_of(commands, "ACT")[0] == NRCDWR


def test_read_to_write_takes_the_given_turnaround(rules):
    assert rules.spacing("RD", "WR", "rank") == NRTW


def test_four_activates_fill_the_faw_window(memory_of, trace_commands, ticks_of):
    activates = ticks_of(
        trace_commands(memory_of("gddr6-14"), [{"bank_group": i % 4, "bank": i // 4} for i in range(5)]), "ACT"
    )
    # Four tRRD are longer than tFAW here, so the window never binds.
    assert 4 * NRRD > NFAW
    assert [b - a for a, b in itertools.pairwise(activates)] == [NRRD] * 4


def test_a_bank_refresh_counts_in_the_faw_window(rules_of):
    rules = rules_of("gddr6-14", {"timing_ck.tFAW": 60})
    rules.issue(0, "REFpb", (0, 0, 0, 0))
    for i in range(1, 4):
        rules.issue(15 * i, "ACT", (0, 0, i, 0))
    assert rules.earliest("ACT", (0, 0, 0, 1)) == 60


def test_activates_and_refreshes_together_fill_the_window(rules_of):
    """JESD250C: no more than four ACT or REFpb in tFAW, in any mixture."""
    rules = rules_of("gddr6-14", {"timing_ck.tFAW": 100})
    for i in range(4):
        rules.issue(16 * i, ("ACT", "REFpb")[i % 2], (0, 0, i, 0))
    assert rules.earliest("ACT", (0, 0, 0, 1)) == 100
    assert rules.earliest("REFpb", (0, 0, 0, 1)) == 100


def test_thirty_two_activates_fill_the_long_window(rules_of):
    rules = rules_of("dramsim3-gddr6")
    for i in range(32):
        rules.issue(9 * i, "ACT", (0, 0, 0, i % 16))
    assert rules.earliest("ACT", (0, 0, 0, 0)) == 420


def test_per_bank_refresh_leaves_other_banks_usable(rules):
    assert rules.spacing("REFpb", "ACT") == NRFCPB
    assert rules.spacing("REFpb", "ACT", "rank") == NRREFD
    assert rules.spacing("REFpb", "REFpb", "rank") == NRREFD
    assert rules.spacing("PRE", "REFpb") == NRP


def test_banks_are_refreshed_in_turn(memory_of, trace_commands):
    memory = memory_of("gddr6-14", settings={"refresh": "per_bank"})
    commands = trace_commands(memory, [{"row": 1}, {"row": 2, "tick": 17 * NREFIPB}])
    banks = [(place["bank_group"], place["bank"]) for _tick, name, place in commands if name == "REFpb"]
    assert banks[:16] == [(i // 4, i % 4) for i in range(16)]


def test_all_bank_refresh_holds_the_channel_for_trfc(rules):
    assert rules.spacing("REFab", "ACT", "rank") == NRFC
    assert rules.spacing("ACT", "REFab", "rank") == NRC


@pytest.mark.parametrize(("where", "spacing", "turnaround"), [("bank_group", NCCDL, NWTRL), ("rank", NCCDS, NWTRS)])
def test_column_spacing(rules, where, spacing, turnaround):
    assert rules.spacing("RD", "RD", where) == spacing
    assert rules.spacing("WR", "RD", where) == NCWL + NBL + turnaround


def test_row_cycle(rules):
    assert rules.spacing("ACT", "ACT") == NRC
    assert rules.spacing("ACT", "PRE") == NRAS
    assert rules.spacing("RD", "PRE") == NRTP
    assert rules.spacing("WR", "PRE") == NCWL + NBL + NWR
