"""What the checker says: the first violation in time with both commands, the count of each rule, and the slack."""

import pytest

from bitline.base.errors import SpecError, TraceError
from bitline.sim.check import Checker, CommandLog, Slack, run_check
from bitline.sim.check.part import PARTS

HEADER = "cycle,command,channel,pseudo_channel,rank,bank_group,bank,row,column\n"


def test_the_first_violation_in_time_is_told_with_its_distance(log_of):
    # two breaches of tRAS, after an earlier one of tRCD
    report = Checker("ddr4-3200").check(log_of("0 ACT; 8 ACT b1; 21 RD; 40 PRE; 50 PRE b1"))
    first = report.violation
    assert first.rule == "tRCD: activate to read"
    assert (first.time, first.before, first.after, first.required, first.actual) == (21, 0, 2, 22, 21)
    assert report.violations["tRAS: activate to precharge"] == 2
    assert not report.passed
    text = report.text()
    assert "violation of 'tRCD: activate to read' at 21" in text
    assert "RD channel 0" in text
    assert "at 21 (line 3), after ACT channel 0" in text
    assert "distance 21, rule 22" in text
    assert "\n" not in text


def test_distances_are_told_from_issue_to_issue(log_of):
    # DDR5: ACT takes two clocks of the bus, PRE one: 77 + 1 from issue to issue
    report = Checker("ddr5-4800").check(log_of("0 ACT; 70 PRE"))
    assert (report.violation.required, report.violation.actual) == (78, 70)


def test_slack_of_each_rule_and_command(log_of):
    report = Checker("ddr4-3200").check(log_of("0 ACT; 25 RD; 60 PRE; 82 ACT; 104 RD"))
    assert report.slack["tRCD: activate to read"] == Slack(minimum=0, exercised=2, reached=1)
    assert report.slack["tRP: precharge to activate"] == Slack(minimum=0, exercised=1, reached=1)
    assert report.slack["tRTP: read to precharge"] == Slack(minimum=23, exercised=1, reached=0)
    assert report.slack["tWR: write to precharge"] == Slack(minimum=None, exercised=0, reached=0)
    assert report.command_slack.tolist()[1:] == [3, 8, 0, 0]
    names = list(report.slack)
    assert [names[index] for index in report.tightest[1:]] == [
        "tRCD: activate to read",
        "tRAS: activate to precharge",
        "tRP: precharge to activate",
        "tRCD: activate to read",
    ]
    assert "4 of them" not in report.text()
    assert report.text().startswith("pass: 5 commands obey ddr4-3200 (ddr4); ")


def test_an_empty_log_passes():
    assert Checker("lpddr5-6400").check(CommandLog.from_columns([], [])).passed


def test_run_check_gives_status_and_text(tmp_path):
    path = tmp_path / "commands.csv"
    path.write_text(HEADER + "0,ACT,0,,0,0,0,5,\n22,RD,0,,0,0,0,5,1\n")
    status, text = run_check(path, "ddr4-3200")
    assert status == 0
    assert text.startswith(f"{path}: pass: 2 commands")
    path.write_text(HEADER + "0,ACT,0,,0,0,0,5,\n21,RD,0,,0,0,0,5,1\n")
    status, text = run_check(path, "ddr4-3200")
    assert status == 1
    assert "violation of 'tRCD: activate to read'" in text
    assert "at 21 (line 3), after ACT" in text
    path.write_text(HEADER + "0,ACT,0,,0,0,0,5,\n99999,RD,0,,0,0,0,5,1\n")
    assert run_check(path, "ddr4-3200")[0] == 1
    assert run_check(path, "ddr4-3200", postponed=8)[0] == 0
    assert run_check(path, "ddr4-3200", refresh=False)[0] == 0


def test_a_late_refresh_is_told_with_the_time_when_it_was_due(log_of):
    report = Checker("ddr4-3200").check(log_of("0 REFab; 37440 REFab; 49921 REFab"))
    assert report.violations == {"tREFI: all banks are refreshed in time": 1}
    assert "due at 49920" in report.text()


def test_wrong_input_of_run_check(tmp_path):
    path = tmp_path / "commands.csv"
    with pytest.raises(TraceError):
        run_check(path, "ddr4-3200")
    with pytest.raises(SpecError, match="unknown part 'ddr4-3201'; expected did you mean 'ddr4-3200'"):
        run_check(path, "ddr4-3201")


PART = """
schema: 1
standard: ddr4
organisation: {bank_groups: 4, banks: 4, rows: 1024, columns: 1024, burst_length: 8}
timing_ck: {tBL: 4, tCL: 22, tCWL: 16, tRCD: 22, tRP: 22, tRAS: 52, tRC: 74, tWR: 24, tRTP: 12, tCCDS: 4, tCCDL: 8,
  tRRDS: 4, tRRDL: 8, tWTRS: 4, tWTRL: 12, tFAW: 34, tRFC: 576, tREFI: 12480}
"""


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("", "", None),
        ("tRP: 22, ", "", r"timing_ck.tRP: is missing; expected a whole number"),
        ("tRCD: 22, ", "", r"timing_ck.tRCD: is missing; expected a whole number"),
        ("tRP: 22, ", "tRP: -1, ", r"part.yaml:5: timing_ck.tRP: cannot be '-1'"),
        ("tRP: 22, ", "tRP: 1.5, ", r"timing_ck.tRP: cannot be '1.5'"),
        ("banks: 4", "banks: 0", r"part.yaml:4: organisation.banks: cannot be '0'"),
        ("banks: 4", "banks: 99999", r"organisation: are too many; expected at most 65536 banks"),
        ("banks: 4", "banks: many", r"organisation.banks: cannot be 'many'"),
        ("rows: 1024, ", "", r"organisation.rows: is missing"),
        ("standard: ddr4", "standard: ddr9", r"no rules for standard 'ddr9'; expected did you mean 'ddr"),
        ("standard: ddr4", "", r"standard: is missing"),
        ("schema: 1", "command_ck: {ACT: 0}", r"command_ck.ACT: cannot be '0'"),
        ("schema: 1", "command_ck: 3", r"command_ck: cannot be '3'"),
        ("organisation: {", "organization: {", r"organisation: is missing"),
        ("timing_ck: {", "timings: {", r"timing_ck: is missing"),
    ],
)
def test_a_part_of_ones_own(tmp_path, before, after, message, log_of):
    path = tmp_path / "part.yaml"
    path.write_text(PART.replace(before, after, 1) if before else PART)
    if message is None:
        assert Checker(path).check(log_of("0 ACT; 22 RD")).passed
        return
    with pytest.raises(SpecError, match=message):
        Checker(path)


def test_a_part_may_change_how_long_a_command_holds_the_bus(log_of):
    text = "0 ACT p0; 1 ACT p1"
    slow = Checker("hbm2-2000")
    assert slow.check(log_of(text)).violations == {"row command bus: one command at a time": 1}
    assert Checker("hbm2-2000", settings={"command_ck.ACT": 1}).check(log_of(text)).passed


def test_every_part_that_comes_with_bitline_has_its_rules(log_of):
    assert len(PARTS.names()) >= 20
    for name in PARTS.names():
        assert Checker(name).check(log_of("5 PREab")).passed
