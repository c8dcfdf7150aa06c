import csv
import importlib.util
import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from bitline.sim.cli import sweep_command
from bitline.sim.study import read_table, sweep

TOY = Path(__file__).parents[1] / "study" / "toy.py"


@pytest.fixture(scope="module")
def toy():
    spec = importlib.util.spec_from_file_location("toy_study", TOY)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def in_this_process(runner):
    """`sweep` with another runner, which is not to be found by the name of its module in other processes."""

    def run(study, folder, **options):
        return sweep(study, folder, **options | {"runner": runner, "jobs": 1})

    return run


@pytest.fixture
def here(tmp_path, monkeypatch, toy):
    """A folder with the toy's system; the command runs the toy in place of the simulator."""
    monkeypatch.setattr(sweep_command, "sweep", in_this_process(toy.run))
    (tmp_path / "toy.yaml").write_text(toy.SYSTEM)
    monkeypatch.chdir(tmp_path)
    return tmp_path


GRID = ["toy.yaml", "--model", "gpt2", "--model", "gpt2-xl", "--context", "512,1024", "--set", "memory.channels=8,16"]


def test_a_grid_of_options_gives_a_table_and_figures(bitline, here):
    ended = bitline("sweep", *GRID, "--out", "out")
    assert (ended.status, ended.err) == (0, "")
    assert "8: 8 done, 0 failed (8 run now)" in ended.out
    with (here / "out" / "table.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert [(row["model"], row["context"], row["memory.channels"]) for row in rows] == [
        (model, context, channels)
        for model in ("gpt2", "gpt2-xl")
        for context in ("512", "1024")
        for channels in ("8", "16")
    ]
    assert (here / "out" / "figure.png").read_bytes().startswith(b"\x89PNG")
    assert b"<svg" in (here / "out" / "figure.svg").read_bytes()


def test_the_simulator_itself_is_swept_alike_by_one_process_and_by_two(bitline, tmp_path):
    grid = ["pim-gpt", "--model", "gpt2", "--context", "64,128", "--set", "memory.channels=4,8", "--level", "bound"]
    grid += ["--set", "policy.softmax=whole"]
    tables = set()
    for jobs in ("1", "2"):
        out = tmp_path / jobs
        ended = bitline("sweep", *grid, "--jobs", jobs, "--out", out)
        assert (ended.status, ended.err) == (0, "")
        tables.add((out / "table.csv").read_bytes())
    assert len(tables) == 1
    times = {(row["context"], row["memory.channels"]): row["time_s"] for row in read_table(out / "table.csv")}
    point = ["pim-gpt", "--model", "gpt2", "--context", "128", "--set", "memory.channels=4", "--level", "bound"]
    alone = bitline("run", *point, "--set", "policy.softmax=whole", "--json")
    assert times[128, 4] == json.loads(alone.out)["time_s"]
    assert times[128, 4] > times[128, 8]


def test_the_same_command_goes_on_and_changes_no_byte(bitline, here):
    bitline("sweep", *GRID, "--out", "out")
    before = {path.name: path.read_bytes() for path in (here / "out").iterdir()}
    ended = bitline("sweep", *GRID, "--out", "out", "--json")
    summary = json.loads(ended.out)
    assert (summary["points"], summary["ran"], summary["done"]) == (8, 0, 8)
    assert {path.name: path.read_bytes() for path in (here / "out").iterdir()} == before


def test_a_study_file_is_the_same_grid_as_its_options(bitline, here):
    (here / "study.yaml").write_text(
        "schema: 1\nsystem: toy.yaml\nmodels: [gpt2-xl, gpt2]\ncontexts: [1024, 512]\n"
        "settings: {memory.channels: [16, 8]}\n"
    )
    bitline("sweep", *GRID, "--out", "options")
    assert bitline("sweep", "study.yaml", "--out", "file").status == 0
    assert (here / "file" / "table.csv").read_bytes() == (here / "options" / "table.csv").read_bytes()
    # What a sweep writes of its study runs the same points.
    assert json.loads(bitline("sweep", "file/study.yaml", "--out", "file", "--json").out)["ran"] == 0


def test_points_that_fail_give_status_1_and_the_first_error(bitline, here):
    ended = bitline("sweep", "toy.yaml", "--model", "gpt2", "--context", "6,7,8", "--out", "out")
    assert ended.status == 1
    assert ended.err == (
        "bitline: 1 of 3 points failed; the first: context: 7 tokens are too many; expected any other number\n"
    )
    assert bitline("sweep", "toy.yaml", "--model", "gpt2", "--context", "6,7,8", "--out", "out").status == 1
    again = bitline("sweep", "toy.yaml", "--model=gpt2", "--context=6,7,8", "--out=out", "--retry-failed", "--json")
    assert json.loads(again.out)["ran"] == 1


def test_a_sweep_without_any_result_has_a_table_and_no_figure(bitline, here):
    assert bitline("sweep", "toy.yaml", "--model", "gpt2", "--context", "7", "--out", "out").status == 1
    assert (here / "out" / "table.csv").exists()
    assert not (here / "out" / "figure.png").exists()


def test_a_sweep_of_one_point_has_no_figure_and_says_so(bitline, here):
    ended = bitline("sweep", "toy.yaml", "--model", "gpt2", "--out", "out")
    assert ended.status == 0
    assert ended.err.startswith("bitline: no figure: ")


def test_an_interrupt_keeps_what_is_finished_and_says_how_to_go_on(bitline, here, toy, monkeypatch):
    def interrupted(point):
        if point.context == 1024:
            raise KeyboardInterrupt
        return toy.run(point)

    monkeypatch.setattr(sweep_command, "sweep", in_this_process(interrupted))
    ended = bitline("sweep", *GRID, "--out", "out")
    assert (ended.status, ended.out) == (130, "")
    assert ended.err == "bitline: interrupted; finished points are kept in out, the same command goes on\n"
    monkeypatch.setattr(sweep_command, "sweep", in_this_process(toy.run))
    assert json.loads(bitline("sweep", *GRID, "--out", "out", "--json").out)["ran"] == 6


def test_the_folder_of_a_sweep_is_shown_whole_or_broken_off(bitline, here, toy):
    bitline("sweep", "toy.yaml", "--model", "gpt2", "--context", "6,7,8", "--out", "out")
    out = bitline("show", "out").out
    assert "out: 3 points, 1 failed" in out
    assert "7 tokens are too many" in out
    assert "system toy.yaml, model gpt2" in out
    rows = json.loads(bitline("show", "out", "--json").out)["points"]
    assert [row["context"] for row in rows] == [6, 7, 8]
    (here / "out" / "table.csv").unlink()
    assert {row["context"] for row in json.loads(bitline("show", "out", "--json").out)["points"]} == {6, 7, 8}


def test_one_point_of_a_sweep_is_shown_as_a_result(bitline, here, refused):
    bitline("sweep", "toy.yaml", "--model", "gpt2", "--context", "6,7,8", "--out", "out")
    result = json.loads(bitline("show", "out", "--point", "3", "--json").out)
    assert result["counts"] == {"ACT": 8}
    assert "bottleneck  pim bandwidth" in bitline("show", "out", "--point", "3").out
    assert "point 2 failed: context: 7 tokens" in refused("show", "out", "--point", "2")
    assert "--point: has 3 points; expected 1 to 3" in refused("show", "out", "--point", "4")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["toy.yaml"], "the grid is empty: give at least one --model"),
        (["toy.yaml", "--model", "gpt2"], "give --out DIR"),
        (["toy.yaml", "--model", "gtp2", "--out", "o"], "unknown model 'gtp2'; expected did you mean 'gpt2'?"),
        (["pim-gtp", "--model", "gpt2", "--out", "o"], "unknown system 'pim-gtp'; expected did you mean 'pim-gpt'?"),
        (["none.yaml", "--model", "gpt2", "--out", "o"], "none.yaml: cannot be read"),
        (["toy.yaml", "--model", "gpt2", "--policy", "x", "--out", "o"], "unknown policy 'x'"),
        (["toy.yaml", "--model", "gpt2", "--context", "1k", "--out", "o"], "--context: '1k' is not a count"),
        (["toy.yaml", "--model", "gpt2", "--context", "-1", "--out", "o"], "--context: '-1' is not a count"),
        (["toy.yaml", "--model", "gpt2", "--context", "0", "--out", "o"], "contexts[0]: input should be greater than"),
        (["toy.yaml", "--model", "gpt2", "--phase", "decod", "--out", "o"], "phases[0]: input should be 'prefill'"),
        (["toy.yaml", "--model", "gpt2", "--set", "channels", "--out", "o"], "'channels' is not a setting"),
        (
            ["toy.yaml", "--model", "gpt2", "--set", "a.b=", "--out", "o"],
            "settings.a.b: has no values: the grid",
        ),
        (["toy.yaml", "--model", "gpt2", "--set", "a.b=nan", "--out", "o"], "--set: a.b: nan is not a finite number"),
        (["toy.yaml", "--model", "gpt2", "--set", "a.b=1", "--set", "a.b=2"], "--set: a.b: is set twice"),
        (["toy.yaml", "--model", "gpt2", "--set", "memory.chanels=8", "--out", "o"], "did you mean 'channels'?"),
        (["toy.yaml", "--model", "gpt2,gpt2", "--out", "o"], 'models: has the value "gpt2" twice'),
        (["toy.yaml", "--model", "gpt2", "--level", "rtl", "--out", "o"], "level: input should be 'cycle' or 'bound'"),
        (["toy.yaml", "--model", "gpt2", "--out", "toy.yaml/o"], "toy.yaml/o: cannot be created"),
        (["toy.yaml", "--model", "gpt2", "--out", "o", "--jobs", "0"], "--jobs"),
    ],
)
def test_a_wrong_grid_is_one_error_and_writes_nothing(refused, here, arguments, says):
    assert says in refused("sweep", *arguments)
    assert [path.name for path in here.iterdir()] == ["toy.yaml"]


def test_a_huge_grid_asks_first(refused, bitline, here):
    contexts = ",".join(map(str, range(1, 1001)))
    grid = ["toy.yaml", "--model", "gpt2", "--context", contexts, "--batch", contexts]
    assert "the grid has 1,000,000 points; expected fewer than 1,000,000, or --yes" in refused("sweep", *grid)
    assert bitline("sweep", *grid, "--dry-run", "--jobs", "1").out.startswith("points  1,000,000\n")


def test_a_study_takes_no_axes_from_options(refused, here):
    (here / "study.yaml").write_text("schema: 1\nsystem: toy.yaml\nmodels: [gpt2]\n")
    assert "its axes stand in the file, not in --batch" in refused("sweep", "study.yaml", "--batch", "1", "--out", "o")


def test_a_folder_without_permission_is_one_error(refused, here):
    if os.geteuid() == 0:
        pytest.skip("root may write everywhere")
    (here / "locked").mkdir(mode=0o500)
    assert "cannot be written to" in refused("sweep", *GRID, "--out", "locked")


def test_a_bar_is_drawn_on_a_terminal_and_nothing_in_a_pipe(here):
    script = (
        "import functools, sys; sys.path.insert(0, sys.argv.pop(1)); import toy\n"
        "from bitline.sim.cli import main, sweep_command\n"
        "from bitline.sim.study import sweep\n"
        "sweep_command.sweep = functools.partial(sweep, runner=toy.run)\n"
        "main.main()"
    )
    command = [sys.executable, "-c", script, str(TOY.parent), "sweep", *GRID]
    terminal, other_end = pty.openpty()
    process = subprocess.Popen([*command, "--out", "a"], stderr=other_end, stdout=subprocess.DEVNULL)
    os.close(other_end)
    shown = b""
    while chunk := read_terminal(terminal):
        shown += chunk
    os.close(terminal)
    assert process.wait() == 0
    assert b"8/8" in shown
    assert b"0 failed" in shown
    piped = subprocess.run([*command, "--out", "b"], capture_output=True, check=True)
    assert piped.stderr == b""


def read_terminal(terminal):
    try:
        return os.read(terminal, 4096)
    except OSError:  # how Linux says that the other end is closed
        return b""


@pytest.mark.parametrize("jobs", ["0", "-1", "many", "257", "1.5"])
def test_a_wrong_number_of_workers_is_one_error(refused, here, jobs):
    assert f"--jobs: '{jobs}' is no number of workers; expected 1 to 256, or auto" in refused(
        "sweep", *GRID, "--out", "out", f"--jobs={jobs}"
    )


def test_a_scheduler_that_does_not_answer_is_one_error(process, tmp_path):
    pytest.importorskip("distributed")
    grid = ["pim-gpt", "--model", "gpt2", "--level", "bound", "--out", "out"]
    ended = process("sweep", *grid, "--scheduler", "127.0.0.1:1", cwd=tmp_path, timeout=60)
    assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (2, "", 1)
    assert "--scheduler: no scheduler at '127.0.0.1:1'" in ended.stderr
    assert list(tmp_path.iterdir()) == []


def test_the_bar_tells_rate_time_left_and_the_best_of_what_is_feasible():
    from bitline.sim.cli.sweep_progress import Best, Rate
    from bitline.sim.study import make_study

    seconds = iter([0.0, 1.0, 2.0, 4.0])
    rate = Rate(lambda: next(seconds))
    assert rate.text(10) == ""
    for _ in range(3):
        rate.count()
    assert rate.text(2700) == "0.75 points/s, 1:00:00 left"
    study = make_study(system="s", models=["m"], objectives={"tokens_per_s": "max"}, constraints=["power_w < 300"])
    best = Best(study)
    assert str(best) == ""
    for speed, power in ((10.0, 100), (50.0, 301), (20.0, 299), (None, 1)):
        row = {"system": "pim-gpt", "policy": "pim-gpt", "status": "done", "tokens_per_s": speed, "power_w": power}
        best.see(row | {"settings": {}})
    assert str(best) == "best tokens_per_s 20"
