"""Parts of the library: sound, sourced, found by name, alias or file; and derived timings."""

from fractions import Fraction

import pytest

from bitline.arch.dram.part import PARTS, load_part
from bitline.arch.dram.standard import evaluate, expression_names, load_standard, standard_names
from bitline.arch.dram.table import build_table
from bitline.base.errors import SpecError


@pytest.mark.parametrize("name", PARTS.names())
def test_every_part_says_where_its_numbers_come_from(name):
    part = load_part(name)
    assert part.source
    assert part.energy.source
    assert PARTS.source(name).data["source"] == part.source


@pytest.mark.parametrize("name", PARTS.names())
def test_every_rule_of_a_part_has_a_value(name):
    table = build_table(load_part(name))
    assert (table.updates["delay"] > 0).all()
    assert len(table.commands) == len(table.command_rows)
    assert table.bank_path.shape == (table.part.organisation.n_banks, len(table.level_nodes))


@pytest.mark.parametrize("name", standard_names())
def test_every_standard_is_complete(name):
    standard = load_standard(name)
    assert standard.source
    assert {"PRE", "RD", "WR", "REFab", "PREab"} <= {command.name for command in standard.commands}
    assert all(rule.level in standard.levels for rule in standard.rules)


def test_every_standard_has_a_part():
    assert {load_part(name).standard for name in PARTS.names()} == set(standard_names())


def test_a_part_is_found_by_the_name_that_another_simulator_gives_it():
    assert load_part("configs/DDR4_8Gb_x8_3200.ini") == load_part("dramsim3-ddr4-3200")
    assert load_part("HBM3_16Gb_8hi/HBM3_6400Mbps") == load_part("hbm3-6400")


def test_no_alias_names_two_parts():
    aliases = [alias for name in PARTS.names() for alias in PARTS.source(name).data.get("aliases") or ()]
    own = [alias for alias in aliases if aliases.count(alias) == 1 or alias]
    assert len(own) >= 10
    assert sorted(set(aliases)) == sorted(aliases)


def test_a_part_inherits_what_it_does_not_change():
    slow, fast = load_part("ddr5-4800bn"), load_part("ddr5-4800")
    assert slow.timing["tCL"] == 36
    assert slow.timing["tFAW"] == fast.timing["tFAW"]
    assert slow.energy == fast.energy


def test_timings_that_a_part_leaves_out_are_derived():
    timing = load_part("ddr4-3200").timing
    assert (timing["tRCDRD"], timing["tRCDWR"]) == (22, 22)
    assert timing["tRTW"] == 22 + 4 + 2 - 16
    assert timing["tCCDLWR"] == timing["tCCDL"]


def test_a_timing_that_is_given_beats_the_derived_one():
    assert load_part("ddr4-3200", {"timing_ck.tRTW": 40}).timing["tRTW"] == 40


def test_clocks_are_exact():
    assert load_part("ddr4-3200").clock_ps == 625
    assert load_part("ddr4-3200", {"tck_ps": None, "clock_mhz": 1500}).clock_ps == Fraction(2000, 3)
    assert load_part("hbm3-6400").tick_ps == Fraction(625, 2)


def test_sizes():
    organisation = load_part("hbm3-6400").organisation
    assert organisation.access_bytes == 32
    assert organisation.row_bytes == 1024
    assert organisation.n_banks == 64
    assert load_part("ddr4-3200").organisation.devices == 8


@pytest.mark.parametrize(
    ("text", "value"),
    [("tA + tB", 7), ("max(tA, tB) - 1", 3), ("2 * tA", 6), ("min(tA, tB, 1)", 1), ("tA + tB - tA * 2", 1)],
)
def test_rule_expressions(text, value):
    assert evaluate(text, {"tA": 3, "tB": 4}) == value


@pytest.mark.parametrize(
    "text", ["__import__('os')", "tA.real", "tA / 2", "tA ** 9", "[tA]", "1.5", "tA if tA else 0", "-tA"]
)
def test_a_rule_expression_is_no_program(text):
    with pytest.raises(SpecError, match="is not a timing expression"):
        evaluate(text, {"tA": 3})


def test_names_in_an_expression():
    assert expression_names("max(tA, tB) + 2 * tC") == {"tA", "tB", "tC"}


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"energy.vdd_v": None}, "give vdd_v and idd_ma, or the events in pJ, not a mixture"),
        ({"energy.activate_pj": 5}, "not a mixture"),
        ({"energy.idd_ma": None, "energy.vdd_v": None}, "give either vdd_v and idd_ma, or all of activate_pj"),
        ({"energy.idd_ma.IDD0": -1}, "energy.idd_ma.IDD0: input should be greater than or equal to 0"),
        ({"organisation.device_bits": 128}, "device_bits is wider than channel_bits"),
        ({"organisation.burst_length": 2048}, "burst_length is longer than a row"),
        ({"organisation.banks": 0}, "organisation.banks"),
        ({"clock_mhz": 1600}, "give either tck_ps or clock_mhz"),
        ({"timing_ck.tREFI": 700}, "refresh leaves no time for accesses"),
    ],
)
def test_a_part_that_cannot_be_is_refused(settings, says):
    with pytest.raises(SpecError) as caught:
        load_part("ddr4-3200", settings)
    assert says in str(caught.value)


def test_refreshes_by_bank_need_room_between_them():
    with pytest.raises(SpecError, match="refresh by bank leaves no time for accesses"):
        load_part("hbm2-2000", {"timing_ck.tREFIpb": 8})
