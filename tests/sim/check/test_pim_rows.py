"""Rules between the row buffers of a PIM channel: a log that keeps each rule and one that breaks it, to the command."""

from pathlib import Path

import pytest

from bitline.base.errors import SpecError, TraceError
from bitline.sim.check import Checker

PARTS = Path(__file__).parent / "parts"
ONE_ROW = "PIM: all banks compute on one row"
ANNOUNCED = "PIM: a group activate opens the announced row"
HEADER = "PIM: a header finds the PIM row buffers closed or on its row"
HELD_TWICE = "PIM: no row is open in both buffers of a bank"
RESERVED = "PIM: an activate leaves the row of the running GEMV alone"
UNANNOUNCED = "PIM: a header comes before what it announces"
LOCKED = "PIM: ordinary commands wait from a header to its last READRES"
CLOSED = "state: an activate finds its banks closed"
OPEN = "state: an access finds its banks open"
ROW = "state: an access names the open row"
REFRESH = "state: a refresh finds its banks closed"


def groups(row=2, last=2, start=1):
    """Open `row` in all groups of both ranks, `last` in the last one."""
    places = [(start + 30 * group + rank, rank, group) for group in range(4) for rank in range(2)]
    return "; ".join(
        f"{cycle} G_ACT r{rank} g{group} row{last if (rank, group) == (1, 3) else row}" for cycle, rank, group in places
    )


def close(bank_of, start, ranks=(0, 1)):
    places = [(rank, group, bank) for rank in ranks for group in range(4) for bank in range(4)]
    return "; ".join(
        f"{start + at} {bank_of} r{rank} g{group} b{bank}" for at, (rank, group, bank) in enumerate(places)
    )


OPENED = f"0 P_HEADER row2; {groups()}"

# rule, a log that keeps it, a log that breaks it
DUAL = [
    (OPEN, f"{OPENED}; 110 COMP", "0 P_HEADER row2; 1 G_ACT; 110 COMP"),
    (OPEN, f"{OPENED}; 110 COMP; 130 PIM_PRECHARGE", f"{OPENED}; 130 PIM_PRECHARGE; 140 COMPS_READRES n8"),
    (OPEN, "0 ACT; 14 GWRITE", "0 G_ACT; 20 GWRITE"),
    (ROW, "0 ACT row7; 14 GWRITE row7", "0 ACT row7; 14 GWRITE row8"),
    (ROW, f"{OPENED}; 110 COMP row2", f"{OPENED}; 110 COMP row3"),
    (ONE_ROW, f"{groups()}; 110 COMP", f"{groups(last=3)}; 110 COMP"),
    (ANNOUNCED, OPENED, f"0 P_HEADER row2; {groups(last=3)}"),
    (HEADER, f"{OPENED}; 110 COMP; 120 P_HEADER row2", f"{OPENED}; 110 COMP; 120 P_HEADER row3"),
    (
        HEADER,
        f"{OPENED}; 110 COMP; {close('PIM_PRECHARGE', 130)}; 170 P_HEADER row3",
        f"{OPENED}; 110 COMP; {close('PIM_PRECHARGE', 130, ranks=(1,))}; 170 P_HEADER row3",
    ),
    (HELD_TWICE, "0 ACT row3; 40 P_HEADER row2", "0 ACT row2; 40 P_HEADER row2"),
    (HELD_TWICE, "0 ACT row2; 40 PRE; 60 P_HEADER row2", "0 ACT row2 b1; 40 PRE b0; 60 P_HEADER row2"),
    (HELD_TWICE, "0 ACT row2; 20 RDA; 40 G_ACT row2", "0 ACT row2; 20 RD; 40 G_ACT row2"),
    (RESERVED, "0 P_HEADER row2; 1 ACT row3", "0 P_HEADER row2; 1 ACT r1 g2 b1 row2"),
    (RESERVED, f"{OPENED}; 140 ACT row1", f"{OPENED}; 110 COMPS_READRES n8; 140 ACT row2"),
    (
        RESERVED,
        f"{OPENED}; 110 COMP; 130 PIM_PRECHARGE; 140 ACT row2",
        f"{OPENED}; 110 COMP; 130 PIM_PRECHARGE b1; 140 ACT row2",
    ),
    (REFRESH, "0 G_ACT r1; 90 REFab r0", "0 G_ACT r1 g3; 90 REFab r1"),
    (REFRESH, "0 ACT; 50 PRE; 90 REFab", "0 ACT; 50 PIM_PRECHARGE; 90 REFab"),
]
SINGLE = [
    (OPEN, f"{OPENED}; 110 COMP", "0 P_HEADER row2; 1 G_ACT; 110 COMP"),
    (CLOSED, f"{OPENED}; 110 READRES; 130 PIM_PRECHARGE; 150 ACT", f"{OPENED}; 110 READRES; 150 ACT"),
    (CLOSED, "0 ACT; 50 PRE; 64 P_HEADER row2; 65 G_ACT", "0 ACT row2; 64 P_HEADER row2; 65 G_ACT"),
    (ROW, f"{OPENED}; 110 COMP row2", f"{OPENED}; 110 COMP row3"),
    (ONE_ROW, f"{OPENED}; 110 COMP", f"0 P_HEADER row2; {groups(last=3)}; 110 COMP"),
    (ANNOUNCED, OPENED, f"0 P_HEADER row2; {groups(last=3)}"),
    (HEADER, "0 ACT row2; 1 P_HEADER row2", "0 ACT row3; 1 P_HEADER row2"),
    (HEADER, "0 ACT row3; 34 PRE; 35 P_HEADER row2", "0 ACT row3; 34 PRE b1; 35 P_HEADER row2"),
    (UNANNOUNCED, "0 P_HEADER row2; 1 G_ACT", "1 G_ACT"),
    (UNANNOUNCED, f"{OPENED}; 110 COMP", f"{groups()}; 110 COMP"),
    (LOCKED, f"{OPENED}; 110 READRES; 120 RD row2", f"{OPENED}; 120 RD row2; 130 READRES"),
    (LOCKED, "0 ACT; 40 PRE; 60 P_HEADER row2", "0 ACT; 59 P_HEADER row2; 60 PRE"),
    (
        LOCKED,
        f"{OPENED}; 110 READRES; 112 READRES; 120 RD row2; 130 P_HEADER row2; 131 READRES",
        f"{OPENED}; 110 READRES; 120 RD row2; 131 READRES",
    ),
    (LOCKED, f"{OPENED}; 110 READRES; 130 ACT c1; 150 READRES", f"{OPENED}; 110 READRES; 130 PRE; 150 READRES"),
    (LOCKED, "0 P_HEADER row2; 9 ACT c1", "0 P_HEADER row2; 9 ACT"),
    (REFRESH, "0 P_HEADER row2; 1 G_ACT r1; 90 REFab r0", "0 P_HEADER row2; 1 G_ACT r1; 90 REFab r1"),
]
CASES = [("neupims-hbm2", *case) for case in DUAL] + [("newton-hbm2", *case) for case in SINGLE]


@pytest.mark.parametrize(("part", "rule", "kept", "broken"), CASES)
def test_pim_row_rule(part, rule, kept, broken, log_of):
    checker = Checker(PARTS / f"{part}.yaml")
    assert checker.check(log_of(kept)).violations == {}
    assert rule in checker.check(log_of(broken)).violations


def test_the_violation_names_header_and_ordinary_command(log_of):
    report = Checker(PARTS / "newton-hbm2.yaml").check(log_of("0 P_HEADER c1 row2; 5 P_HEADER row2; 9 ACT b3"))
    assert report.violations == {LOCKED: 1}
    assert (report.violation.before, report.violation.after) == (1, 2)


def test_careful_is_a_field_of_the_part():
    name = "tFAW: activate to group activate (four rows at once)"
    for part in ("neupims-hbm2", "newton-hbm2"):
        assert name not in {rule.name for rule in Checker(PARTS / f"{part}.yaml").rules.rules}
        assert name in {rule.name for rule in Checker(PARTS / f"{part}-careful.yaml").rules.rules}
        set_here = Checker(PARTS / f"{part}-careful.yaml", settings={"pim.careful": False})
        assert name not in {rule.name for rule in set_here.rules.rules}
    with pytest.raises(SpecError, match=r"pim\.careful"):
        Checker(PARTS / "newton-hbm2-careful.yaml", settings={"pim.careful": "very"})


def test_built_in_numbers_and_part_file_are_the_same_rules():
    built_in = {rule.name: rule for rule in Checker("neupims").rules.rules}
    of_file = {rule.name: rule for rule in Checker(PARTS / "neupims-hbm2.yaml").rules.rules}
    assert built_in.keys() == of_file.keys()
    # the part file gives no tRTPA: its RDA to ACT is tRTP + tRP
    assert {name for name in built_in if built_in[name] != of_file[name]} == {"tRTP + tRP: RDA to activate"}


def test_a_single_buffer_has_no_write_into_a_pim_row(log_of):
    with pytest.raises(TraceError, match="PWRITE is no command of hbm2_newton"):
        Checker(PARTS / "newton-hbm2.yaml").check(log_of("0 PWRITE"))


def test_a_time_that_pim_needs_has_to_be_there():
    with pytest.raises(SpecError, match="tGWRITE"):
        Checker("dramsim3-hbm2", rule_set="hbm2_newton", settings={"timing_ck.tRTRS": 2})
