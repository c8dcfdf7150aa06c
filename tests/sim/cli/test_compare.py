import csv
import json

import pytest

GPT2 = ("--model", "gpt2", "--context", "40")


@pytest.fixture(scope="module")
def runs(tmp_path_factory, process):
    """Folders of two runs, and of a sweep of both."""
    folder = tmp_path_factory.mktemp("runs")
    for channels in (8, 16):
        setting = ("--set", f"memory.channels={channels}")
        process("run", "pim-gpt", *GPT2, *setting, "--out", folder / f"run{channels}")
    process("sweep", "pim-gpt", *GPT2, "--set", "memory.channels=8,16", "--out", folder / "study")
    return folder


def said(text, title):
    """The cells of the line of a table that begins with a title."""
    line = next(line for line in text.splitlines() if line.startswith(f"{title}  "))
    return line.removeprefix(title).split("  ")


def test_folders_of_runs(bitline, runs):
    ended = bitline("compare", runs / "run8", runs / "run16")
    assert (ended.status, ended.err) == (0, "")
    times = [json.loads((runs / run / "result.json").read_text())["time_s"] for run in ("run8", "run16")]
    assert f"B takes {times[1] / times[0]:.3g} x the time of A" in ended.out
    assert [cell.strip() for cell in said(ended.out, "memory.channels") if cell] == ["8", "16"]
    assert "memory.pim" not in ended.out
    assert any(line.startswith("sum ") for line in ended.out.splitlines())


def test_a_file_a_point_and_a_system_say_the_same(bitline, runs):
    expected = None
    quoted = "pim-gpt --set memory.channels=16"
    pairs = [
        (runs / "run8", runs / "run16/result.json"),
        (f"{runs}/study:1", f"{runs}/study:2"),
        ("pim-gpt", quoted, *GPT2),
        (runs / "run8", quoted, *GPT2),
    ]
    for arguments in pairs:
        ended = bitline("compare", *arguments, "--json")
        assert ended.status == 0, ended.err
        data = json.loads(ended.out)
        for side in ("a", "b"):
            del data[side]["name"]
        expected = expected or data
        assert data == expected
    assert [change["path"] for change in expected["configuration"]] == ["memory.channels"]


def test_options_of_a_side_win_over_common_ones(bitline):
    ended = bitline("compare", "pim-gpt", "pim-gpt --context 50 --policy serial", *GPT2, "--level", "bound", "--json")
    data = json.loads(ended.out)
    assert (data["a"]["policy"], data["b"]["policy"]) == ("pim-gpt", "serial")
    assert data["workload"] == [{"path": "context", "a": 40, "b": 50}]
    assert data["a"]["level"] == data["b"]["level"] == "bound"
    assert data["warnings"] == ["the workloads differ: context"]


def test_common_settings_and_those_of_a_side_add_up(bitline):
    side = "pim-gpt --set asic.clock_mhz=500"
    ended = bitline("compare", "pim-gpt", side, *GPT2, "--set", "memory.channels=16", "--level", "bound", "--json")
    data = json.loads(ended.out)
    assert data["configuration"] == [{"path": "asic.clock_mhz", "a": 1000, "b": 500}]


def test_a_folder_called_as_a_system_is_no_result(bitline, tmp_path, monkeypatch):
    (tmp_path / "pim-gpt").mkdir()
    monkeypatch.chdir(tmp_path)
    assert bitline("compare", "pim-gpt", "pim-gpt --policy serial", *GPT2, "--level", "bound").status == 0


def test_warnings_stand_before_the_numbers(bitline):
    ended = bitline("compare", "pim-gpt", "pim-gpt --context 50", *GPT2, "--level", "bound")
    assert ended.out.index("!  the workloads differ: context") < ended.out.index("B takes")


def test_the_figure_and_its_data(bitline, runs, tmp_path):
    figure = tmp_path / "cmp.svg"
    ended = bitline("compare", runs / "run8", runs / "run16", "-o", figure, "--json")
    assert ended.status == 0
    data = json.loads(ended.out)
    assert "attention.qkv" in figure.read_text()
    with (tmp_path / "cmp.data.csv").open() as file:
        rows = list(csv.DictReader(file))
    difference = sum(float(row["difference_s"]) for row in rows)
    assert difference == pytest.approx(data["totals"][0]["difference"], rel=1e-9)


BAD = {
    "no work": (("pim-gpt", "neupims"), "nothing to run; expected one of --model"),
    "no such system": (("pim-gtp", "pim-gpt", *GPT2), "unknown system 'pim-gtp'; expected did you mean 'pim-gpt'?"),
    "no such file": (("a.json", "pim-gpt", *GPT2), "a.json: cannot be read (No such file or directory)"),
    "an unknown option of a side": (("pim-gpt", "pim-gpt --contxt 3", *GPT2), "--contxt"),
    "an open quote": (("pim-gpt", "pim-gpt --set 'a", *GPT2), "cannot be read (No closing quotation)"),
    "only options": (("pim-gpt", "--set", "memory.channels=16", *GPT2), "Missing argument 'B'"),
    "an empty side": (("pim-gpt", "", *GPT2), "names no system"),
    "a wrong setting of a side": (("pim-gpt", "pim-gpt --set memory.chanels=3", *GPT2), "did you mean 'channels'"),
    "a figure in no folder": (("pim-gpt", "neupims", "-o", "no/x.png"), "no: there is no such folder"),
    "a figure of no known kind": (("pim-gpt", "neupims", "-o", "x.gif"), "cannot tell the format from '.gif'"),
}


@pytest.mark.parametrize("arguments", BAD, ids=str)
def test_wrong_input_is_one_line(refused, arguments):
    words, message = BAD[arguments]
    assert message in refused("compare", *words)


def test_wrong_results_are_one_line(refused, runs, tmp_path):
    assert "is a sweep of many points; expected one of them" in refused("compare", runs / "run8", runs / "study")
    assert "has 2 points" in refused("compare", runs / "run8", f"{runs}/study:3")
    assert "has no point 0" in refused("compare", runs / "run8", f"{runs}/study:0")
    assert "is not the folder of a sweep" in refused("compare", runs / "run8", f"{runs}/run16:1")
    assert "holds no result.json" in refused("compare", runs / "run8", tmp_path)
    assert "--context: says nothing where nothing is run" in refused(
        "compare", runs / "run8", runs / "run16", "--context", "3"
    )
    for text in ("{", "[]", '{"schema": 1}', '{"schema": 1, "schema": 1}'):
        (tmp_path / "bad.json").write_text(text)
        assert "bad.json" in refused("compare", tmp_path / "bad.json", runs / "run8", "-o", tmp_path / "x.png")
    assert not (tmp_path / "x.png").exists()
