"""Every part of the library against what arithmetic says of it: a lone read, back-to-back reads, refresh, capacity."""

import numpy as np
import pytest

from bitline.arch.dram.bound import (
    peak_spacing_ticks,
    stream_bound_ns,
    unloaded_read_latency_ns,
    unloaded_read_latency_ticks,
)
from bitline.arch.dram.memory import Memory
from bitline.arch.dram.part import PARTS, load_part

ALL_PARTS = PARTS.names()
# Counted by hand from the data sheet numbers: arrival to first look 1, then tRCD, CL, burst (all in ticks).
BY_HAND = {
    "ddr4-3200": 1 + 22 + 22 + 4,
    "ddr5-4800": 1 + 34 + 34 + 8,
    "lpddr5-6400": 1 + 15 + 1 + 17 + 2,  # and a CAS, one clock before the read
    "gddr6-14": 1 + 27 + 24 + 2,
    "hbm2-2000": 1 + (14 + 1) + 14 + 2,  # ACT takes two cycles, tRCD counts from the second
    "hbm3-6400": 1 + 2 * (31 + 1) + 2 * (20 + 2),  # half clocks; ACT takes one and a half, RD the next rising edge
}


def lone_read(memory, address=0):
    done = []
    memory.callback = lambda _tag, tick: done.append(tick)
    memory.core.keep_completions()
    assert memory.send(address, tick=2)
    memory.drain()
    return done[0] - 2


@pytest.mark.parametrize("name", ALL_PARTS)
def test_a_lone_read_takes_row_to_column_delay_plus_read_latency(name, memory_of):
    memory = memory_of(name)
    assert lone_read(memory) == unloaded_read_latency_ticks(memory.part)


@pytest.mark.parametrize(("name", "ticks"), BY_HAND.items())
def test_the_closed_form_of_a_lone_read_by_hand(name, ticks):
    part = load_part(name)
    assert unloaded_read_latency_ticks(part) == ticks
    assert unloaded_read_latency_ns(part) == pytest.approx(ticks * float(part.tick_ps) / 1000)


@pytest.mark.parametrize("name", ALL_PARTS)
def test_a_lone_read_costs_the_same_at_every_corner_of_the_memory(name, memory_of):
    size = memory_of(name).size_bytes
    line = memory_of(name).line_bytes
    for address in (0, size - line, size // 2, size - size // 3 // line * line):
        memory = memory_of(name)
        assert lone_read(memory, address) == unloaded_read_latency_ticks(memory.part)


@pytest.mark.parametrize("name", ALL_PARTS)
def test_reads_that_alternate_bank_groups_fill_the_data_bus(name, memory_of):
    ticks = []
    for requests in (8_000, 24_000):
        memory = memory_of(name, channels=1)
        organisation = memory.part.organisation
        banks = organisation.pseudo_channels * organisation.bank_groups * organisation.banks
        addresses = np.arange(requests, dtype=np.int64) * memory.line_bytes % (banks * organisation.row_bytes)
        zeros = np.zeros(requests, np.int64)
        ticks.append(memory.run_blocks([(addresses, zeros, zeros)]).ticks)
    assert (ticks[1] - ticks[0]) * organisation.pseudo_channels == 16_000 * peak_spacing_ticks(memory.part)


@pytest.mark.parametrize("name", ALL_PARTS)
def test_peak_bandwidth_is_access_bytes_over_burst_spacing(name):
    part = load_part(name)
    per_bus = part.organisation.access_bytes / (peak_spacing_ticks(part) * float(part.tick_ps)) * 1e3
    one_group_pace = part.organisation.bank_groups == 1
    if not one_group_pace:
        assert part.peak_bandwidth_gb_s == pytest.approx(per_bus * part.organisation.pseudo_channels)


@pytest.mark.parametrize(
    ("name", "gb_s"),
    [
        ("ddr4-3200", 25.6),  # 64 bit x 3200 MT/s
        ("ddr5-6400", 25.64),  # 32 bit x 6410 MT/s (tCK 312 ps)
        ("lpddr5-6400", 12.8),  # 16 bit x 6400 MT/s
        ("gddr6-16", 32.0),  # 16 bit x 16 Gb/s
        ("hbm2-2000", 32.0),  # 128 bit x 2 Gb/s
        ("hbm3-6400", 51.2),  # 64 bit x 6.4 Gb/s
    ],
)
def test_peak_bandwidth_is_what_the_data_sheet_says(name, gb_s):
    assert load_part(name).peak_bandwidth_gb_s == pytest.approx(gb_s, rel=1e-3)


@pytest.mark.parametrize("name", ALL_PARTS)
@pytest.mark.parametrize("pattern", ["stream", "random", "mix", "copy"])
def test_no_run_is_faster_than_its_bound(name, pattern):
    memory = Memory(name)
    result = memory.run_pattern(pattern, 2_000)
    moved = result.commands["RD"] + result.commands["RDA"] + result.commands["WR"] + result.commands["WRA"]
    assert result.time_ns >= stream_bound_ns(memory.part, memory.channels, moved * memory.line_bytes)
    assert result.bandwidth_gb_s <= memory.part.peak_bandwidth_gb_s * memory.channels
    assert 0 < result.bus_utilisation <= 1


@pytest.mark.parametrize("name", ALL_PARTS)
def test_every_rank_is_refreshed_once_in_trefi(name):
    memory = Memory(name, channels=1)
    rules, organisation = memory.part.rules_of, memory.part.organisation
    units = {"rank": organisation.pseudo_channels * organisation.ranks, "pseudo_channel": organisation.pseudo_channels}
    interval = memory.table.ticks("tREFI")
    memory.tick_until(20 * interval + interval // 2)
    memory.drain()
    result = memory.result(memory.now, 0)
    assert result.refreshes == 20 * units.get(rules.refresh_scope, 1)
    assert result.energy_pj["refresh"] > 0


@pytest.mark.parametrize("name", ALL_PARTS)
def test_idle_memory_pays_precharge_standby_and_nothing_else(name, memory_of):
    from bitline.arch.dram.energy import event_energy

    memory = memory_of(name, channels=1)
    memory.tick_until(10_000)
    memory.drain()
    energy = memory.result(memory.now, 0).energy_pj
    organisation = memory.part.organisation
    ranks = organisation.pseudo_channels * organisation.ranks
    if memory.part.standard == "hbm2_neupims":
        ranks *= 2  # a second row buffer stands by like the first
    time_ns = 10_000 * float(memory.tick_ps) / 1000
    assert energy["background"] == pytest.approx(event_energy(memory.part).precharge_standby_mw * time_ns * ranks)
    assert energy["total"] == energy["background"]


def test_capacities_of_known_devices():
    assert Memory("ddr4-3200").size_bytes == 8 << 30  # eight 8 Gb devices
    assert Memory("ddr5-4800").size_bytes == 8 << 30  # four 16 Gb devices
    assert Memory("lpddr5-6400").size_bytes == 1 << 30  # one 8 Gb device
    assert Memory("gddr6-14").size_bytes == 512 << 20  # half an 8 Gb device
    assert Memory("hbm2-2000").size_bytes == 2 * (1 << 30)
    assert Memory("hbm3-6400").size_bytes == 1 << 30  # 16 GB over 16 channels
