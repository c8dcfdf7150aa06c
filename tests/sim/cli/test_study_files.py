"""Study files through `bitline sweep`: what they run, what a dry run says of them, and how they are refused."""

import json
from pathlib import Path

import pytest

from bitline.sim.study import read_table

BASE = "schema: 1\nsystem: pim-gpt\nmodels: [gpt2]\nlevel: bound\n"


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(text):
    Path("study.yaml").write_text(BASE + text)


def test_links_conditions_derived_columns_and_constraints_come_out_in_the_table(bitline, here):
    write(
        "contexts: [64]\n"
        "settings:\n  memory.channels: {from: 2, to: 16, factor: 2}\n  asic.adders: {expr: memory.channels * 16}\n"
        "conditions: ['memory.channels >= 4']\n"
        "derived: {time_per_channel_s: time_s / memory.channels}\n"
        "constraints: ['time_per_channel_s < 1e9', memory.channels < 16]\n"
    )
    ended = bitline("sweep", "study.yaml", "--out", "out", "--jobs", "1")
    assert ended.status == 0
    rows = read_table("out/table.csv")
    assert [(row["memory.channels"], row["asic.adders"], row["feasible"]) for row in rows] == [
        (4, 64, True),
        (8, 128, True),
        (16, 256, False),
    ]
    assert all(row["time_per_channel_s"] == row["time_s"] / row["memory.channels"] for row in rows)


@pytest.mark.parametrize(
    "choice",
    [
        "sample: {method: sobol, points: 8}",
        "search: {method: tpe, evaluations: 8, round: 4}",
        "search: {method: nsga2, evaluations: 8, round: 4}\nobjectives: {time_s: min, c: min}\n"
        "derived: {c: memory.channels * 1}",
    ],
)
def test_chosen_points_are_run_and_found_again(bitline, here, choice):
    write(f"contexts: [64]\nsettings:\n  memory.channels: {{from: 2, to: 64, integer: true, log: true}}\n{choice}\n")
    summaries = [
        json.loads(bitline("sweep", "study.yaml", "--out", out, "--jobs", jobs, "--json").out)
        for out, jobs in (("one", "1"), ("one", "1"), ("two", "2"))
    ]
    assert [(summary["points"], summary["ran"]) for summary in summaries] == [(8, 8), (8, 0), (8, 8)]
    assert (here / "one" / "table.csv").read_bytes() == (here / "two" / "table.csv").read_bytes()


def test_a_dry_run_says_how_many_how_long_and_which_first(bitline, here):
    write("contexts: [64]\nsettings:\n  memory.channels: [4, 8]\n  asic.adders: {expr: memory.channels * 16}\n")
    out = bitline("sweep", "study.yaml", "--dry-run", "--jobs", "2").out
    assert out.startswith("points  2\ntime    about ")
    assert " in 2 processes, if all points are like one from the middle, which took " in out
    command = "bitline run pim-gpt --model gpt2 --phase decode --batch 1 --context 64 --set asic.adders=64 "
    assert f"\nfirst   {command}--set memory.channels=4 --level bound\n" in out
    assert out.endswith("        asic.adders = 64\n        memory.channels = 4\n")
    said = json.loads(bitline("sweep", "study.yaml", "--dry-run", "--jobs", "1", "--json").out)
    assert (said["points"], said["exact"], said["is_lower_limit"]) == (2, True, False)
    assert said["expected_s"] == pytest.approx(2 * said["timed"]["time_s"])
    assert said["timed"]["command"].endswith("--set asic.adders=128 --set memory.channels=8 --level bound")
    assert [path.name for path in here.iterdir()] == ["study.yaml"]


def test_the_first_command_of_a_dry_run_runs(bitline, here):
    write("contexts: [64]\nsettings: {memory.channels: [4, 8]}\n")
    first = json.loads(bitline("sweep", "study.yaml", "--dry-run", "--json").out)["first"]["command"]
    assert bitline(*first.split()[1:]).status == 0


def test_a_dry_run_gives_a_slow_point_up(bitline, here, monkeypatch):
    from bitline.sim.study import dry_run

    monkeypatch.setattr(dry_run.dry_run, "__defaults__", (1, 0.0))
    write("contexts: [1024]\nphases: [prefill]\n")
    assert "more than 0 s" in bitline("sweep", "study.yaml", "--dry-run", "--jobs", "1").out


def test_a_dry_run_says_why_its_point_failed(bitline, here):
    write("contexts: [64]\nbatches: [1000000]\n")
    out = bitline("sweep", "study.yaml", "--dry-run").out
    assert "time    unknown: the point that was tried failed (" in out


def test_a_billion_points_are_counted_at_once_and_need_a_word(bitline, refused, here):
    write("settings:\n  memory.channels: {from: 1, to: 60000, step: 1}\n  asic.adders: {from: 1, to: 60000, step: 1}\n")
    assert bitline("sweep", "study.yaml", "--dry-run").out.startswith("points  3,600,000,000\n")
    says = "the grid has 3,600,000,000 points; expected fewer than 1,000,000, or --yes"
    assert says in refused("sweep", "study.yaml", "--out", "out")
    assert not (here / "out").exists()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            "settings: {memory.chanels: [8]}",
            "study.yaml: settings.memory.chanels: unknown field; expected did you mean 'channels'?",
        ),
        ("settings: {memory.channels: []}", "study.yaml:5: settings.memory.channels: has no values: the grid is empty"),
        ("settings: {memory.channels: {from: 8, to: 4, step: 1}}", "runs from 8 down to 4: the grid is empty"),
        ("conditions: [batch > 1]", "no point of 1 meets batch > 1"),
        ("conditions: [batch > 4, batch < 2]", "batch > 4 and batch < 2 contradict each other"),
        ("constraints: [time_s < 3, time_s > 4]", "time_s > 4 and time_s < 3 contradict each other"),
        ("constraints: ['exec(\"1\")']", "unknown function 'exec'"),
        ("sample: {points: 8}", "sample.points: 1 of 8 different designs found"),
        ("search: {}", "search: nothing is free"),
    ],
)
def test_a_wrong_study_file_is_one_line(refused, here, text, says):
    write(text + "\n")
    assert says in refused("sweep", "study.yaml", "--out", "out", "--jobs", "1")


def test_several_systems_and_policies_are_axes_of_the_command_line_too(bitline, here):
    grid = ["pim-gpt,hbm-pim", "--model", "gpt2", "--context", "64", "--level", "bound", "--jobs", "1"]
    assert bitline("sweep", *grid, "--out", "out").status == 0
    assert [row["system"] for row in read_table("out/table.csv")] == ["hbm-pim", "pim-gpt"]


def test_batches_of_drawn_lengths_are_axes_of_the_command_line_too(bitline, here):
    grid = ["npu-only", "--model", "gpt3-7b", "--batch", "8", "--lengths", "alpaca", "--seed", "1,2", "--tensor", "4"]
    assert bitline("sweep", *grid, "--level", "bound", "--jobs", "1", "--out", "out").status == 0
    rows = read_table("out/table.csv")
    assert [(row["lengths"], row["seed"], row["tensor"], row["status"]) for row in rows] == [
        ("alpaca", 1, 4, "done"),
        ("alpaca", 2, 4, "done"),
    ]
