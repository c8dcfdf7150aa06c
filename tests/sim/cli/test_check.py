"""`bitline check`: 0 for a legal log, 1 and the broken rule for another, 2 for what is no log."""

import gzip
from pathlib import Path

import pytest

LOGS = Path(__file__).parents[2] / "reference" / "dram" / "commands"
HEADER = "cycle,command,channel,pseudo_channel,rank,bank_group,bank,row,column\n"
LEGAL = HEADER + "1,ACT,0,0,0,0,0,5,\n23,RD,0,0,0,0,0,5,3\n"


def written(path, text):
    path.write_text(text)
    return path


def test_a_legal_log_passes(process, tmp_path):
    path = written(tmp_path / "c.csv", LEGAL)
    ended = process("check", path, "--spec", "ddr4-3200")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.startswith(f"{path}: pass: 2 commands obey ddr4-3200")


def test_a_read_a_clock_early_is_named_with_its_rule(process, tmp_path):
    path = written(tmp_path / "c.csv", LEGAL.replace("23,", "22,"))
    ended = process("check", path, "--spec", "ddr4-3200")
    assert (ended.returncode, ended.stderr) == (1, "")
    assert "violation of 'tRCD: activate to read' at 22" in ended.stdout
    assert ended.stdout.count("\n") == 1


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("dramsim3_DDR4_8Gb_x8_3200_mix400.trace", "dramsim3-ddr4-3200"),
        ("ramulator21_DDR4_3200AA_8Gbx8_mix380.csv", "ddr4-3200"),
        ("neupims_dual_1gw_2tiles_4heads_40reads.trace", "neupims"),
    ],
)
def test_the_logs_of_peers_pass(bitline, name, part):
    ended = bitline("check", LOGS / name, "--spec", part)
    assert (ended.status, ended.err) == (0, "")


def test_missing_refreshes_are_a_violation_unless_nobody_asks_for_them(bitline, tmp_path):
    path = written(tmp_path / "c.csv", LEGAL + "90000,RD,0,0,0,0,0,5,4\n")
    assert bitline("check", path, "--spec", "ddr4-3200").status == 1
    assert bitline("check", path, "--spec", "ddr4-3200", "--no-refresh").status == 0
    assert bitline("check", path, "--spec", "ddr4-3200", "--postponed", 9).status == 0


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "holds no commands"),
        ("garbage\n", "c.csv:1"),
        (HEADER + "1,ACT,0,0,0,0,0,5\n", "c.csv:2"),
        (HEADER + "1,ACTT,0,0,0,0,0,5,\n", "c.csv:2: unknown command 'ACTT'; expected did you mean 'ACT'?"),
        (HEADER + "-1,ACT,0,0,0,0,0,5,\n", "c.csv:2"),
        (HEADER + "9,ACT,0,0,0,0,0,5,\n3,RD,0,0,0,0,0,5,3\n", "c.csv:3: cycle 3 comes after cycle 9"),
        (HEADER + "1,ACT,0,0,0,7,0,5,\n", "bank group"),
        (HEADER + "1,ACT,0,0,0,0,0,99999999999,\n", "c.csv:2"),
        (HEADER + "99999999999999999999999,ACT,0,0,0,0,0,5,\n", "c.csv:2"),
        (HEADER + "1,ACT,0,0,0,0,0,5,\n23,RD,0,0,0,0,", "c.csv:3"),
        (HEADER + "1,MAC16,0,,,,,5,\n", "MAC16"),
    ],
)
def test_what_is_no_log_is_refused(refused, tmp_path, text, says):
    path = written(tmp_path / "c.csv", text)
    assert says.replace("bank group", "bank") in refused("check", path, "--spec", "ddr4-3200")


def test_a_log_that_was_cut_off_in_its_gzip_is_refused(refused, tmp_path):
    path = tmp_path / "c.csv.gz"
    path.write_bytes(gzip.compress(LEGAL.encode() * 100)[:-9])
    assert "c.csv.gz" in refused("check", path, "--spec", "ddr4-3200")


def test_unknown_names_are_refused(refused, tmp_path):
    path = written(tmp_path / "c.csv", LEGAL)
    assert "unknown part 'ddr4-3020'; expected did you mean 'ddr4-3200'?" in refused(
        "check", path, "--spec", "ddr4-3020"
    )
    assert "none.csv: cannot be read" in refused("check", tmp_path / "none.csv", "--spec", "ddr4-3200")
    assert "Missing option '--spec'" in refused("check", path)
