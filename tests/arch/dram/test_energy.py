"""Energy from data-sheet currents, worked by hand for DDR4-3200 x8: V x mA x ns = pJ, over eight devices."""

import pytest

from bitline.arch.dram.energy import energy_of, event_energy
from bitline.arch.dram.memory import Memory
from bitline.arch.dram.part import PARTS, load_part

VDD, CLOCK_NS, DEVICES = 1.2, 0.625, 8
IDD0, IDD2N, IDD3N, IDD4R, IDD4W, IDD5AB = 57, 37, 52, 168, 150, 250


@pytest.fixture
def event():
    return event_energy(load_part("ddr4-3200"))


def test_an_activate_costs_what_a_row_cycle_draws_above_standby(event):
    charge = IDD0 * 74 - (IDD3N * 52 + IDD2N * 22)
    assert event.activate_pj == pytest.approx(VDD * DEVICES * charge * CLOCK_NS)


def test_a_burst_costs_what_it_draws_above_active_standby(event):
    assert event.read_array_pj == pytest.approx(VDD * DEVICES * (IDD4R - IDD3N) * 4 * CLOCK_NS)
    assert event.write_array_pj == pytest.approx(VDD * DEVICES * (IDD4W - IDD3N) * 4 * CLOCK_NS)
    assert event.interface_pj == pytest.approx(11 * 512)


def test_a_refresh_costs_what_trfc_draws(event):
    assert event.refresh_pj == pytest.approx(VDD * DEVICES * (IDD5AB - IDD3N) * 576 * CLOCK_NS)
    assert event.refresh_bank_pj == pytest.approx(event.refresh_pj / 16)


def test_standby_is_current_times_voltage(event):
    assert event.active_standby_mw == pytest.approx(VDD * DEVICES * IDD3N)
    assert event.precharge_standby_mw == pytest.approx(VDD * DEVICES * IDD2N)


def test_a_run_is_its_counts_times_its_events(event):
    memory = Memory("ddr4-3200")
    result = memory.run_pattern("mix", 5_000)
    commands, energy = result.commands, result.energy_pj
    assert energy["activate"] == pytest.approx(commands["ACT"] * event.activate_pj)
    assert energy["read"] == pytest.approx(commands["RD"] * (event.read_array_pj + event.interface_pj))
    assert energy["write"] == pytest.approx(commands["WR"] * (event.write_array_pj + event.interface_pj))
    assert energy["refresh"] == pytest.approx(commands["REFab"] * event.refresh_pj)
    counts, _ = memory.core.counts(0)
    standby = counts["open_standby"] * event.active_standby_mw + counts["closed_standby"] * event.precharge_standby_mw
    assert energy["background"] == pytest.approx(standby * CLOCK_NS)


@pytest.mark.parametrize("name", PARTS.names())
def test_every_part_pays_for_every_event(name):
    event = event_energy(load_part(name))
    assert min(event.activate_pj, event.read_array_pj, event.write_array_pj, event.refresh_pj) > 0
    assert event.active_standby_mw > event.precharge_standby_mw > 0
    assert event.interface_pj >= 0


@pytest.mark.parametrize(
    ("name", "low", "high"),
    # pJ/bit of a stream: DDR4 15-25, LPDDR5 4-8, HBM2 about 4-7 (O'Connor et al., MICRO 2017), GDDR6 7-12.
    [("ddr4-3200", 12, 25), ("ddr5-4800", 10, 20), ("lpddr5-6400", 4, 8), ("hbm2-2000", 3.5, 7), ("gddr6-14", 6, 14)],
)
def test_energy_per_bit_of_a_stream_is_in_the_published_range(name, low, high):
    memory = Memory(name)
    result = memory.run_pattern("stream", 50_000)
    bits = 8 * memory.line_bytes * (result.commands["RD"] + result.commands["RDA"])
    assert low <= result.energy_pj["total"] / bits <= high


def test_a_refresh_of_all_banks_is_shared_by_the_banks_it_reaches():
    part = load_part("hbm2-2000")
    both = energy_of(part, {"REFab": 2}, 0, 0)["refresh"]
    assert both == pytest.approx(2 * event_energy(part).refresh_pj)


def test_nothing_costs_nothing():
    assert energy_of(load_part("ddr4-3200"), {}, 0, 0)["total"] == 0


def test_pim_commands_cost_multiples_of_activates_and_reads():
    # NewtonSim configuration.cc: GWRITE is a row of reads, G_ACT four activates, COMP four reads, the results of 32
    # banks are one read's bits. A read is 1.2 V x 335 mA x 2 ns = 804 pJ.
    part = load_part("neupims-hbm2")
    read, pins = 1.2 * (390 - 55) * 2, 2.03 * 512
    event = event_energy(part)
    assert event.read_array_pj == pytest.approx(read)
    assert energy_of(part, {"GWRITE": 1}, 0, 0)["total"] == pytest.approx(16 * read)
    assert energy_of(part, {"G_ACT": 1}, 0, 0)["total"] == pytest.approx(4 * event.activate_pj)
    assert energy_of(part, {"COMP": 1}, 0, 0)["total"] == pytest.approx(4 * read)
    assert energy_of(part, {"READRES": 1}, 0, 0)["total"] == pytest.approx(read + pins)


def test_a_composite_costs_its_columns_and_its_result():
    part = load_part("neupims-hbm2")
    separate = energy_of(part, {"COMP": 8, "READRES": 1}, 0, 0)
    assert energy_of(part, {"COMPS_READRES": 1}, 0, 0, composite_columns=8) == separate


def test_a_second_row_buffer_stands_by_like_the_first():
    part = load_part("neupims-hbm2")
    one = energy_of(part, {}, 100, 50)["background"]
    assert energy_of(part, {}, 100, 50, pim_open_standby_ns=100, pim_closed_standby_ns=50)["background"] == 2 * one
