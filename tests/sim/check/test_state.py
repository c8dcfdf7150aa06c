"""Rules about open rows, the data clock, clock edges and modes: a log that keeps each rule and one that breaks it."""

import pytest

from bitline.base.errors import TraceError
from bitline.sim.check import Checker

CLOSED = "state: an activate finds its banks closed"
OPEN = "state: an access finds its banks open"
ROW = "state: an access names the open row"
REFRESH = "state: a refresh finds its banks closed"
HALF = "state: ACT2 completes an ACT1 of its bank and row"
WCK = "WCK: an access finds the data clock running"
CAS = "WCK: a CAS is followed by its access at the next clock"
HAB = "HAB: an all-bank command names bank 0 or 1 of bank group 0"

# part, rule, a log that keeps it, a log that breaks it
CASES = [
    ("ddr4-3200", CLOSED, "0 ACT; 52 PRE; 90 ACT", "0 ACT; 90 ACT row2"),
    ("ddr4-3200", CLOSED, "0 ACT; 22 RDA; 90 ACT", "0 ACT; 22 RD; 90 ACT"),
    ("ddr4-3200", CLOSED, "0 ACT; 90 PREab; 180 ACT", "0 ACT; 90 PRE b1; 180 ACT"),
    ("ddr4-3200", OPEN, "0 ACT; 22 RD", "22 RD"),
    ("ddr4-3200", OPEN, "0 ACT; 22 WRA; 200 ACT; 222 WR", "0 ACT; 22 WRA; 200 WR"),
    ("ddr4-3200", ROW, "0 ACT row7; 22 RD row7", "0 ACT row7; 22 RD row8"),
    ("ddr4-3200", ROW, "0 ACT row7; 22 RD", "0 ACT row7; 22 WRA row0"),
    ("ddr4-3200", REFRESH, "0 ACT; 60 PRE; 90 REFab", "0 ACT g3 b3; 90 REFab"),
    ("gddr6-14", REFRESH, "0 ACT; 90 REFpb b1", "0 ACT; 90 REFpb"),
    ("hbm3-6400", REFRESH, "0 ACT p1; 200 REFab p0", "0 ACT p1 r1; 200 REFab p1"),
    ("gddr6-aim", CLOSED, "0 ACT; 60 PRE; 120 ACT16", "0 ACT g2 b1; 120 ACT16"),
    ("gddr6-aim", CLOSED, "0 ACT g0; 60 ACT4 g1", "0 ACT g1 b2; 120 ACT4 g1"),
    ("gddr6-aim", OPEN, "0 ACT16; 60 MAC16", "0 ACT4; 20 ACT4 g1; 40 ACT4 g2; 120 MAC16"),
    ("gddr6-aim", OPEN, "0 ACT16; 60 WRA16; 200 ACT", "0 ACT16; 60 WRA16; 200 RD"),
    ("gddr6-aim", OPEN, "0 ACT16; 60 MAC16; 80 PRE4 g1; 120 RDMAC16", "0 ACT16; 60 MAC16; 80 PRE4 g1; 120 MAC16"),
    ("gddr6-aim", ROW, "0 ACT16 row5; 60 MAC16 row5", "0 ACT16 row5; 60 MAC16 row6"),
    ("gddr6-aim", OPEN, "0 ACT; 66 RDCP", "66 RDCP"),
    ("hbm-pim", OPEN, "0 ACT_AB b1; 30 RD_AB b1", "0 ACT_AB b0; 30 RD_AB b1"),
    ("hbm-pim", CLOSED, "0 ACT g2 b1; 90 ACT_AB b0", "0 ACT g2 b2; 90 ACT_AB b0"),
    ("hbm-pim", CLOSED, "0 ACT_AB b0; 90 PRE_AB b0; 180 ACT g3 b2", "0 ACT_AB b0; 90 PRE_AB b1; 180 ACT g3 b2"),
    ("hbm-pim", HAB, "0 ACT_AB b1", "0 ACT_AB b2"),
    ("hbm-pim", HAB, "0 PRE_AB b0", "0 PRE_AB g1"),
    ("lpddr5-6400", HALF, "0 ACT1 row3; 4 ACT2 row3", "0 ACT1 row3; 4 ACT2 row4"),
    ("lpddr5-6400", HALF, "0 ACT1; 4 ACT2", "0 ACT1; 4 ACT2 b1; 5 ACT2"),
    ("lpddr5-6400", OPEN, "0 ACT1; 4 ACT2; 29 CAS_RD; 30 RD", "0 ACT1; 5 CAS_RD; 6 RD b1; 7 ACT2"),
    (
        "lpddr5-6400",
        "state: one ACT1 of a rank waits for its ACT2",
        "0 ACT1; 5 ACT2; 6 ACT1 b1; 7 ACT2 b1",
        "0 ACT1; 5 ACT1 b1; 6 ACT2; 7 ACT2 b1",
    ),
    (
        "lpddr5-6400",
        "state: no precharge between ACT1 and ACT2",
        "0 ACT1; 4 PRE b1; 5 ACT2",
        "0 ACT1; 4 PRE; 5 ACT2",
    ),
    # the clock runs until 30 + 17 + 2 + 1 = 50
    ("lpddr5-6400", WCK, "0 ACT1; 1 ACT2; 29 CAS_RD; 30 RD; 49 RD", "0 ACT1; 1 ACT2; 29 CAS_RD; 30 RD; 50 RD"),
    ("lpddr5-6400", WCK, "0 ACT1; 1 ACT2; 29 CAS_WR; 30 WR; 41 WR", "0 ACT1; 1 ACT2; 29 CAS_WR; 30 WR; 42 WR"),
    ("lpddr5-6400", WCK, "0 ACT1; 1 ACT2; 29 CAS_RD; 30 RD", "0 ACT1; 1 ACT2; 30 RD"),
    ("lpddr5-6400", WCK, "0 ACT1; 1 ACT2; 29 CAS_RD; 30 RDA", "0 ACT1; 1 ACT2; 29 CAS_WR; 30 RD"),
    ("lpddr5-6400", CAS, "0 ACT1; 1 ACT2; 29 CAS_RD; 30 RD", "0 ACT1; 1 ACT2; 29 CAS_RD; 31 RD"),
    ("lpddr5-6400", CAS, "0 ACT1; 1 ACT2; 30 CAS_RD", "0 ACT1; 1 ACT2; 30 CAS_RD; 80 PRE"),
    ("lpddr5-6400", CAS, "0 ACT1; 1 ACT2; 29 CAS_RD; 30 RD", "0 ACT1; 1 ACT2; 28 CAS_RD; 29 CAS_RD; 30 RD"),
    ("hbm3-6400", "clock edge: starts on the rising edge", "1 ACT; 65 RD; 94 PRE", "1 ACT; 66 RD; 125 RD; 129 RD"),
    ("neupims", OPEN, "0 ACT; 20 RD", "0 G_ACT; 40 RD"),
    ("neupims", CLOSED, "0 ACT; 30 G_ACT", "0 G_ACT; 90 G_ACT row3"),
    ("neupims", REFRESH, "0 G_ACT r1; 90 REFab r0", "0 G_ACT r1; 90 REFab r1"),
    ("neupims", OPEN, "0 G_ACT; 20 PWRITE b2", "0 G_ACT; 20 PWRITE g1"),
]


@pytest.mark.parametrize(("part", "rule", "kept", "broken"), CASES)
def test_state_rule(part, rule, kept, broken, log_of):
    checker = Checker(part)
    assert checker.check(log_of(kept)).violations == {}
    assert rule in checker.check(log_of(broken)).violations


def test_precharge_of_a_closed_bank_is_legal(log_of):
    assert Checker("ddr4-3200").check(log_of("0 PRE; 40 PREab; 80 PRE b2")).passed


def test_the_violation_names_the_command_that_set_the_state(log_of):
    report = Checker("ddr4-3200").check(log_of("0 ACT b1; 10 ACT g1 row4; 90 RD b1; 200 ACT g1 row9"))
    assert (report.violation.before, report.violation.after) == (1, 3)
    assert report.violation.required is None


@pytest.mark.parametrize(
    ("part", "text", "words"),
    [
        ("ddr4-3200", "0 MAC16", "MAC16 is no command of ddr4"),
        ("ddr4-3200", "0 REFpb", "REFpb is no command"),
        ("lpddr5-6400", "0 ACT", "ACT is no command of lpddr5"),
        ("ddr4-3200", "0 ACT; 9 ACT g4", "bank_group does not exist"),
        ("ddr4-3200", "0 ACT; 9 ACT b4", "bank does not exist"),
        ("ddr4-3200", "0 ACT r1", "rank does not exist"),
        ("hbm3-6400", "0 ACT p2", "pseudo_channel does not exist"),
        ("ddr4-3200", "0 ACT row65536", "row does not exist"),
        ("ddr4-3200", "0 ACT; 30 RD n128", "column does not exist"),
        ("ddr4-3200", "0 ACT row-1", "row is missing"),
        ("ddr4-3200", "0 PRE b-1", "bank is missing"),
        ("hbm3-6400", "0 PRE r-1", "rank is missing"),
        ("hbm3-6400", "0 PRE c-1", "channel is missing"),
    ],
)
def test_what_the_part_does_not_have_is_wrong_input(part, text, words, log_of):
    with pytest.raises(TraceError, match=words):
        Checker(part).check(log_of(text))


def test_cells_that_do_not_apply_may_be_empty(log_of):
    assert Checker("ddr4-3200").check(log_of("0 REFab r-1 g-1 b-1 row-1 n-1; 600 ACT p-1 r-1")).passed
    assert Checker("hbm3-6400").check(log_of("0 PREab r-1 g-1 b-1; 60 REFab r-1 g-1 b-1")).passed
    assert Checker("gddr6-aim").check(log_of("0 ACT16 g-1 b-1; 60 MAC16 g-1 b-1 row-1; 70 WRGB g-1 b-1 n-1")).passed
