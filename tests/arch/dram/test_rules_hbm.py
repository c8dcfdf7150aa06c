"""JESD235D and JESD238A: pseudo channels, stack ids, two command buses. HBM2 in clocks, HBM3 in half clocks."""

import pytest


@pytest.fixture
def hbm2(rules_of):
    return rules_of("hbm2-2000")


@pytest.fixture
def hbm2e(rules_of):
    return rules_of("hbm2e-3200")


@pytest.fixture
def hbm3(rules_of):
    return rules_of("hbm3-6400")


# --- HBM2 ---


def test_pseudo_channels_share_no_timing(hbm2):
    for before, after in (("RD", "RD"), ("WR", "RD"), ("PRE", "ACT"), ("REFab", "PREab")):
        assert hbm2.spacing(before, after, "other_pseudo_channel") == 0


def test_pseudo_channels_share_the_row_command_bus(hbm2):
    """ACT takes two cycles on it; column commands go over their own bus meanwhile."""
    assert hbm2.spacing("ACT", "ACT", "other_pseudo_channel") == 2
    assert hbm2.spacing("ACT", "PRE", "other_pseudo_channel") == 2
    assert hbm2.spacing("ACT", "RD", "other_pseudo_channel") == 0


def test_delays_from_an_activate_count_from_its_second_cycle(hbm2):
    assert hbm2.spacing("ACT", "RD") == 14 + 1
    assert hbm2.spacing("ACT", "WR") == 12 + 1
    assert hbm2.spacing("PRE", "ACT") == 14 - 1
    assert hbm2.spacing("ACT", "ACT") == 48


def test_row_and_column_commands_issue_in_one_clock(memory_of, trace_commands):
    memory = memory_of("hbm2-2000")
    requests = [
        {"pseudo_channel": i % 2, "bank_group": i // 2 % 4, "row": i // 32, "bank": i // 8 % 4} for i in range(128)
    ]
    ticks = {}
    for tick, name, _place in trace_commands(memory, requests):
        ticks.setdefault(tick, []).append("column" if name in ("RD", "WR") else "row")
    pairs = [names for names in ticks.values() if len(names) > 1]
    assert pairs
    assert all(sorted(names) == ["column", "row"] for names in pairs)


def test_four_activates_fill_the_faw_window_of_a_pseudo_channel(memory_of, trace_commands, ticks_of):
    memory = memory_of("hbm2-2000")
    activates = ticks_of(trace_commands(memory, [{"bank_group": i % 4, "bank": i // 4} for i in range(5)]), "ACT")
    assert [tick - activates[0] for tick in activates] == [0, 4, 8, 12, max(16, 15)]


def test_stack_ids_hand_the_data_pins_over_in_tccdr(hbm2e):
    assert hbm2e.spacing("RD", "RD", "other_rank") == 3
    assert hbm2e.spacing("RD", "RD", "rank") == 2
    assert hbm2e.spacing("RD", "RD", "bank_group") == 4


def test_per_bank_refresh(hbm2):
    assert hbm2.spacing("REFpb", "ACT") == 160 - 1
    assert hbm2.spacing("REFpb", "ACT", "rank") == 8 - 1
    assert hbm2.spacing("REFpb", "REFpb", "rank") == 8


def test_refresh_holds_the_pseudo_channel_for_trfc(hbm2):
    assert hbm2.spacing("REFab", "PREab", "rank") == 350
    assert hbm2.spacing("REFab", "REFab", "other_pseudo_channel") == 0


# --- HBM3, in half clocks ---


def test_column_spacing_depends_on_bank_group_and_stack_id(hbm3):
    assert hbm3.spacing("RD", "RD", "bank_group") == 2 * 4
    assert hbm3.spacing("RD", "RD", "rank") == 2 * 2
    assert hbm3.spacing("RD", "RD", "other_rank") == 2 * 3
    # Another pseudo channel's column command takes the next clock of the shared command bus.
    assert hbm3.spacing("RD", "RD", "other_pseudo_channel") == 2


def test_write_to_read_waits_for_the_burst_and_the_turnaround(hbm3):
    assert hbm3.spacing("WR", "RD", "bank_group") == 2 * (10 + 2 + 10)
    assert hbm3.spacing("WR", "RD", "rank") == 2 * (10 + 2 + 7)
    assert hbm3.spacing("RD", "WR", "rank") == 2 * 20


def test_an_activate_takes_three_half_clocks(hbm3):
    assert hbm3.spacing("ACT", "ACT", "other_pseudo_channel") == 3
    assert hbm3.spacing("ACT", "RD") == 2 * 31 + (3 - 2)
    assert hbm3.spacing("PRE", "ACT") == 2 * 26 - (3 - 1)
    assert hbm3.spacing("ACT", "PRE") == 2 * 45 + (3 - 1)


def test_only_precharges_start_on_a_falling_edge(memory_of, trace_commands):
    memory = memory_of("hbm3-6400")
    requests = [
        {"pseudo_channel": i % 2, "bank_group": i // 2 % 4, "bank": i // 8 % 4, "row": i // 32} for i in range(256)
    ]
    edges = {}
    for tick, name, _place in trace_commands(memory, requests):
        edges.setdefault(name, set()).add(tick % 2)
    assert edges["ACT"] == edges["RD"] == {1}
    assert edges["PRE"] == {0, 1}


def test_precharges_of_a_pseudo_channel_are_tppd_apart(hbm3):
    assert hbm3.spacing("PRE", "PRE", "rank") == 2 * 2
    assert hbm3.spacing("PRE", "PRE", "other_pseudo_channel") == 0


def test_both_pseudo_channels_refresh_the_same_bank_together(memory_of, trace_commands):
    memory = memory_of("hbm3-6400", settings={"refresh": "per_bank"})
    interval = memory.table.ticks("tREFIpb")
    commands = trace_commands(memory, [{"row": 1}, {"row": 2, "tick": 8 * interval}])
    refreshes = [(tick, place) for tick, name, place in commands if name == "REFpb"]
    assert len(refreshes) >= 12
    for (first_tick, first), (second_tick, second) in zip(refreshes[::2], refreshes[1::2]):
        assert (first["pseudo_channel"], second["pseudo_channel"]) == (0, 1)
        assert all(first[level] == second[level] for level in ("rank", "bank_group", "bank"))
        assert second_tick - first_tick <= 2
