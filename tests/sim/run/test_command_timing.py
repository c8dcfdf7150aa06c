import pytest

from bitline.arch.dram.part import PARTS, load_part
from bitline.sim.run.command_timing import command_timing

PART_NAMES = PARTS.names()


def test_ddr4_steps_of_a_row_cycle():
    part = load_part("ddr4-3200")
    timing, values = command_timing(part), part.timing
    assert timing.busy["ACT"] == values["tRCD"]
    assert timing.busy["PRE"] == timing.busy["PREab"] == values["tRP"]
    assert timing.busy["RD"] == max(values["tCCDL"], values["tBL"])
    assert timing.busy["REFab"] == values["tRFC"]
    assert timing.data["RD"] == (values["tCL"], values["tCL"] + values["tBL"])
    assert timing.data["WR"] == (values["tCWL"], values["tCWL"] + values["tBL"])
    assert timing.tick_ps == 625


def test_aim_opens_all_banks_for_a_multiply_and_moves_results_without_a_bank():
    part = load_part("gddr6-aim")
    timing, values = command_timing(part), part.timing
    assert timing.busy["ACT16"] == values["tRCDRDMAC"]
    assert timing.busy["MAC16"] == values["tCCDL"]
    assert timing.data["WRGB"] == (values["tCWLGB"], values["tCWLGB"] + values["tBL"])
    assert "MAC16" not in timing.data


def test_hbm3_counts_half_clocks():
    part = load_part("hbm3-6400")
    timing = command_timing(part)
    assert timing.busy["PRE"] == 2 * part.timing["tRP"]
    assert timing.tick_ps == float(part.clock_ps) / 2


def test_lpddr5_row_timings_count_from_the_first_half():
    part = load_part("lpddr5-6400")
    timing = command_timing(part)
    assert timing.busy["ACT1"] == part.timing["tRCDRD"]
    assert timing.busy["ACT2"] == 1


@pytest.mark.parametrize("name", PART_NAMES)
def test_every_command_of_every_part_has_a_length(name):
    part = load_part(name)
    timing = command_timing(part)
    assert set(timing.busy) == {command.name for command in part.rules_of.commands}
    assert all(0 < ticks < part.timing["tREFI"] * 2 for ticks in timing.busy.values())
    assert all(0 <= start < end for start, end in timing.data.values())
