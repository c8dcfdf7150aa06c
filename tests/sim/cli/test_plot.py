import csv
import dataclasses
import json
import subprocess
import sys

import pytest
from click.testing import CliRunner

from bitline.arch.systems.system import load_system
from bitline.base.errors import BitlineError
from bitline.sim.cli.figures import FIGURES
from bitline.sim.cli.plot_command import FONTS, SIZES, command
from bitline.sim.run.result import OperatorResult, Result
from bitline.sim.study.table import columns, csv_lines

LOG = (
    "cycle,command,channel,pseudo_channel,rank,bank_group,bank,row,column\n"
    "1,ACT,0,0,0,0,1,7,\n23,RD,0,0,0,0,1,,3\n53,PRE,0,0,0,0,1,,\n60,ACT,1,0,0,0,1,7,\n"
)


def operator(name, time_s):
    values = {"kind": "matmul", "unit": "pim", "level": "cycle", "count": 1, "bound_time_s": 0.9 * time_s}
    more = {"overlapped_s": 0.0, "energy_j": 0.4 * time_s, "bottleneck": "pim bandwidth", "flops": 1.0, "bytes": 1.0}
    return OperatorResult(name=name, time_s=time_s, **values, **more)


RESULT = Result(
    **{"system": "pim-gpt", "policy": "pim-gpt", "workload": {"model": "gpt2"}, "level": "cycle"},
    **{"time_s": 3e-3, "bound_time_s": 2.7e-3, "tokens": 1, "tokens_per_s": 333.0, "time_per_token_s": 3e-3},
    **{"energy_j": 2e-3, "power_w": 0.7, "energy_parts_j": {"read": 1.5e-3, "activate": 0.5e-3}},
    **{"bottleneck": "pim bandwidth", "traffic_bytes": {}, "utilisation": {}, "row_hit_rate": None, "counts": {}},
    **{"fast_forward": {}, "operators": (operator("qkv", 1e-3), operator("head", 2e-3))},
    provenance={"resolved": {"system": load_system("pim-gpt").model_dump(mode="json", by_alias=True)}},
    lanes={
        **{"bin_s": 1e-3, "stages": [{"name": "MHA", "start_s": 0.0, "end_s": 3e-3}]},
        **{"lanes": {"npu": [0.1, 0.5, 1.0], "bandwidth": [1.0, 0.0, 0.5]}},
    },
    pipeline=tuple(
        {"stage": stage, "micro_batch": batch, "time_s": 1e-3, "send_s": 0.0} for stage in (0, 1) for batch in (0, 1)
    ),
)


VALIDATION = (
    "name,metric,origin,reference,simulated,error_pct,tolerance_pct,pass,inputs\n"
    "a row,cycles,closed form,100,100,0.0,0,True,x\na miss,cycles,closed form,200,300,50.0,5,False,x\n"
)


def sweep_csv():
    rows = [
        {
            **{"system": "pim-gpt", "policy": "pim-gpt", "model": model, "phase": "decode", "batch": 1},
            **{"context": context, "level": "cycle", "status": "done", "time_per_token_s": scale * 1e-6 * context},
            **{"tokens_per_s": 1e6 / scale / context, "energy_j": 1e-6 * scale / context},
        }
        for scale, model in ((1, "gpt2"), (3, "gpt2-xl"))
        for context in (128, 256, 512)
    ]
    return "".join(csv_lines(rows, columns([])))


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The folder of a run, in which the command runs."""
    (tmp_path / "result.json").write_text(json.dumps(RESULT.to_dict()))
    (tmp_path / "commands.csv").write_text(LOG)
    (tmp_path / "table.csv").write_text(sweep_csv())
    (tmp_path / "validation.csv").write_text(VALIDATION)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def plot(*arguments):
    """(exit status, what was printed or the error's line)."""
    done = CliRunner().invoke(command, [str(argument) for argument in arguments])
    if isinstance(done.exception, BitlineError):
        return done.exception.exit_status, str(done.exception)
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.output


def data(path):
    with path.open() as stream:
        return list(csv.DictReader(stream))


@pytest.mark.parametrize(
    ("source", "figure"),
    [
        ("result.json", "breakdown"),
        (".", "breakdown"),
        ("table.csv", "sweep"),
        ("commands.csv", "gantt"),
        ("validation.csv", "validation"),
    ],
)
def test_the_figure_suits_what_is_drawn(folder, source, figure):
    status, output = plot(source)
    assert (status, output) == (0, f"wrote {figure}.png\nwrote {figure}.data.csv\n")
    assert (folder / f"{figure}.png").read_bytes().startswith(b"\x89PNG")


def test_a_folder_gives_every_figure_that_its_files_can(folder):
    (folder / "table.csv").write_text("".join(row for row in sweep_csv().splitlines(True) if ",512," not in row))
    for figure in FIGURES:
        written = plot(".", "--figure", figure, "-o", f"{figure}.svg", "--size", "page")
        assert written == (0, f"wrote {figure}.svg\nwrote {figure}.data.csv\n")
        assert data(folder / f"{figure}.data.csv")


def test_the_data_beside_a_figure_is_the_results(folder):
    plot("result.json")
    rows = data(folder / "breakdown.data.csv")
    assert [(row["operator"], float(row["time_s"])) for row in rows] == [("qkv", 1e-3), ("head", 2e-3)]
    plot("result.json", "--figure", "energy", "-o", "e.pdf")
    assert [(row["part"], float(row["energy_j"])) for row in data(folder / "e.data.csv")] == [
        *(("read", 1.5e-3), ("activate", 0.5e-3))
    ]


def test_the_same_input_gives_the_same_bytes(folder):
    for name in ("a", "b"):
        assert plot("result.json", "-o", f"{name}.svg", "--size", "page")[0] == 0
    assert (folder / "a.svg").read_bytes() == (folder / "b.svg").read_bytes()


def test_a_window_and_a_channel_choose_the_commands(folder):
    plot("commands.csv", "--window", "20:60")
    assert [row["command"] for row in data(folder / "gantt.data.csv") if row["lane"] == "commands"] == ["RD", "PRE"]
    plot("commands.csv", "--channel", "1")
    assert {row["start_tick"] for row in data(folder / "gantt.data.csv")} == {"60"}


def test_a_part_gives_the_length_of_commands(folder):
    plot("commands.csv", "--spec", "ddr4-3200")
    bars = {(row["lane"], row["command"]): row for row in data(folder / "gantt.data.csv")}
    assert float(bars["bank", "ACT"]["end_tick"]) == 1 + 22  # tRCD of DDR4-3200AA
    assert (float(bars["data bus", "RD"]["start_tick"]), float(bars["data bus", "RD"]["end_tick"])) == (45, 49)


def test_a_sweep_is_drawn_over_the_axes_that_are_named(folder):
    plot("table.csv", "--x", "model", "--series", "context")
    assert list(data(folder / "sweep.data.csv")[0]) == ["context", "model", "time_per_token_s"]


def test_series_that_are_named_are_lines_over_what_is_left(folder):
    plot("table.csv", "--series", "context")
    assert list(data(folder / "sweep.data.csv")[0]) == ["context", "model", "time_per_token_s"]


def test_sizes_and_fonts_are_those_of_the_style():
    from bitline.plots import style

    assert (tuple(style.SIZES), tuple(style.FONTS)) == (SIZES, FONTS)


def test_a_font_is_what_the_figure_is_lettered_in(folder):
    plot("result.json", "-o", "a.pdf", "--font", "serif")
    assert b"STIXGeneral" in (folder / "a.pdf").read_bytes()


@pytest.mark.parametrize(("figure", "column"), [("breakdown", "run"), ("energy", "run"), ("roofline", "system")])
def test_several_results_stand_beside_each_other_by_what_tells_them_apart(folder, figure, column):
    (folder / "b.json").write_text(replaced(workload={"model": "gpt2-xl"}))
    (folder / "c.json").write_text(replaced(system="hbm-pim", workload={"model": "gpt2-xl"}))
    assert plot("result.json", "b.json", "c.json", "--figure", figure)[0] == 0
    names = dict.fromkeys(row[column] for row in data(folder / f"{figure}.data.csv"))
    assert list(names) == ["pim-gpt, gpt2", "pim-gpt, gpt2-xl", "hbm-pim, gpt2-xl"]


def test_results_that_nothing_tells_apart_are_called_by_their_files(folder):
    (folder / "twice").mkdir()
    (folder / "twice/result.json").write_text(replaced())
    plot("twice", ".", "--figure", "breakdown")
    names = dict.fromkeys(row["run"] for row in data(folder / "breakdown.data.csv"))
    assert len(names) == 2
    assert "pim-gpt (twice)" in names


def test_objectives_are_those_of_the_study_beside_the_table(folder):
    (folder / "study.yaml").write_text('{"schema": 1, "objectives": {"tokens_per_s": "max", "energy_j": "max"}}')
    plot("table.csv", "--figure", "pareto")
    rows = data(folder / "pareto.data.csv")
    assert list(rows[0])[-5:-3] == ["tokens_per_s", "energy_j"]
    assert {(row["model"], row["context"]) for row in rows if row["front"] == "True"} == {
        ("gpt2", "128"),
        ("gpt2-xl", "128"),
    }


def test_screened_points_are_those_of_the_bound_level_beside_the_table(folder):
    (folder / "screen.csv").write_text(sweep_csv().replace(",cycle,", ",bound,"))
    plot("table.csv", "--figure", "pareto")
    assert [row["level"] for row in data(folder / "pareto.data.csv")] == ["cycle"] * 6 + ["bound"] * 6


def test_a_base_point_is_what_a_tornado_turns_around(folder):
    plot("table.csv", "--figure", "tornado", "--base", "context=256,model=gpt2-xl")
    assert {float(row["base"]) for row in data(folder / "tornado.data.csv")} == {3e-6 * 256}


def replaced(**changes):
    return json.dumps(dataclasses.replace(RESULT, **changes).to_dict())


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "is not JSON"),
        ("[" * 100_000, "is nested too deep"),
        ('{"schema": 1, "time_s": NaN}', "NaN is not a number"),
        ('{"schema": 1, "time_s": 1e999}', "1e999 is out of range"),
        ('{"schema": 9}', "is not a result of `bitline run`"),
        ('{"schema": 1}', "bad.json: system"),
        (replaced(operators=()), "holds nothing to draw as breakdown"),
    ],
)
def test_a_damaged_result_is_one_line_and_status_2(folder, content, message):
    (folder / "bad.json").write_text(content)
    status, text = plot("bad.json")
    assert status == 2
    assert message in text
    assert "\n" not in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["absent.json"], "absent.json: cannot be read"),
        (["absent.csv"], "absent.csv: cannot be read"),
        (["result.json", "-o", "figure.jpg"], "a .png, .svg or .pdf"),
        (["result.json", "-o", "absent/figure.png"], "cannot be written"),
        (["result.json", "--figure", "gantt"], "gives no figure 'gantt'; expected --figure breakdown or energy"),
        (["result.json", "--figure", "pie"], "'pie' is not one of"),
        (["result.json", "--window", "1:2"], "goes with --figure gantt"),
        (["result.json", "--x", "batch"], "goes with --figure sweep"),
        (["table.csv", "--base", "batch=1"], "goes with --figure tornado, not with sweep"),
        (["table.csv", "--figure", "tornado", "--base", "batch"], "'batch' is not COLUMN=VALUE"),
        (["table.csv", "--figure", "tornado", "--base", "context=7"], "table.csv: base: no point has these values"),
        (["table.csv", "--figure", "pareto", "--y", "energy"], "did you mean 'energy_j'"),
        (["table.csv", "--figure", "scaling", "--x", "model"], "table.csv: x: 'model' holds no positive numbers"),
        (
            ["table.csv", "table.csv"],
            "sweep is drawn from one file; several go with --figure breakdown, energy",
        ),
        (["result.json", "table.csv"], "table.csv: gives no figure 'breakdown'"),
        (["old.json", "--figure", "lanes"], "old.json: holds no utilisation over time"),
        (["old.json", "--figure", "pipeline"], "old.json: the run of pim-gpt has no pipeline"),
        (["old.json", "--figure", "roofline"], "provenance: does not hold the system that ran"),
        (["bad.csv"], "bad.csv:2: simulated: 'x' is no number"),
        (["--size", "page"], "Missing argument"),
        (["commands.csv", "--window", "9:3"], "is not START:END"),
        (["commands.csv", "--window", "a:b"], "is not START:END"),
        (["commands.csv", "--window", "500:600"], "holds no commands in cycles 500 to 600"),
        (["commands.csv", "--spec", "ddr4-320"], "ddr4-320"),
        (["table.csv", "--x", "contxt"], "did you mean 'context'"),
        (
            ["empty"],
            "expected a file result.json or table.csv or commands.csv or validation.csv in it",
        ),
        (["empty", "--figure", "sweep"], "expected a file table.csv in it"),
        (["other.csv"], "is not the table of a sweep"),
        (["commands.csv", "-o", "gantt.png", "--channel", "-1"], "-1"),
    ],
)
def test_wrong_input_is_status_2_and_writes_nothing(folder, arguments, message):
    (folder / "empty").mkdir()
    (folder / "other.csv").write_text("a,b\n1,2\n")
    (folder / "old.json").write_text(replaced(lanes=None, pipeline=(), provenance={}))
    (folder / "bad.csv").write_text(VALIDATION.replace("100,100", "100,x"))
    before = sorted(folder.iterdir())
    status, text = plot(*arguments)
    assert status == 2
    assert message in text
    assert sorted(folder.iterdir()) == before


def test_the_input_is_never_overwritten(folder):
    (folder / "x.data.csv").write_text(LOG)
    status, text = plot("x.data.csv", "-o", "x.png")
    assert (status, "is the input" in text) == (2, True)
    assert (folder / "x.data.csv").read_text() == LOG
    assert not (folder / "x.png").exists()


def test_the_command_runs_as_a_process_and_fails_in_one_line(folder):
    bitline = [sys.executable, "-c", "from bitline.sim.cli.main import main; main()", "plot"]
    done = subprocess.run([*bitline, "result.json", "-o", "a.pdf"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "wrote a.pdf\nwrote a.data.csv\n", "")
    assert (folder / "a.pdf").read_bytes().startswith(b"%PDF")
    failed = subprocess.run([*bitline, "absent.csv"], capture_output=True, text=True, check=False)
    assert failed.returncode == 2
    assert failed.stderr == "bitline: absent.csv: cannot be read (No such file or directory)\n"
