"""`bitline run`, as a user meets it."""

import csv
import json

import pytest

KEYS = {
    *("time_s", "bound_time_s", "energy_j", "tokens_per_s", "bottleneck", "operators", "provenance"),
    *("system", "policy", "workload", "level", "energy_parts_j", "traffic_bytes", "utilisation", "counts"),
}
GPT2 = ("run", "pim-gpt", "--model", "gpt2")


@pytest.fixture(scope="session")
def whole(process, tmp_path_factory):
    """One run that writes all that a run can write: (CompletedProcess, folder)."""
    folder = tmp_path_factory.mktemp("run")
    options = ["--context", 60, "--out", folder / "out", "--commands", folder / "all.csv"]
    return process(*GPT2, *options, "--timeline", folder / "timeline.json", "--json"), folder


def test_the_table(process):
    ended = process(*GPT2, "--context", "64")
    assert (ended.returncode, ended.stderr) == (0, "")
    head, table = ended.stdout.split("\n\n")
    assert [line.split()[0] for line in head.splitlines()] == [
        *("run", "time", "tokens", "bottleneck", "energy", "traffic", "busy", "row")
    ]
    rows = table.splitlines()[2:]
    assert len(rows) == 18
    assert {row.split()[0] for row in rows} >= {"head", "attention.qkv", "ffn.down", "attention.softmax"}


def test_json_has_the_keys(whole):
    ended, _folder = whole
    assert (ended.returncode, ended.stderr) == (0, "")
    result = json.loads(ended.stdout)
    assert set(result) >= KEYS
    assert set(result["provenance"]["resolved"]) == {"system", "policy", "workload"}
    assert {"name", "kind", "unit", "time_s", "bound_time_s", "energy_j", "bottleneck"} <= set(result["operators"][0])


def test_out_has_the_result_its_table_and_the_figures(whole):
    ended, folder = whole
    names = {path.name for path in (folder / "out").iterdir()}
    assert names >= {"result.json", "operators.csv", "commands.csv"}
    for figure in ("breakdown", "energy", "gantt"):
        assert (folder / "out" / f"{figure}.png").read_bytes().startswith(b"\x89PNG")
        assert b"<svg" in (folder / "out" / f"{figure}.svg").read_bytes()
        assert (folder / "out" / f"{figure}.data.csv").read_text().count("\n") > 2
    assert json.loads((folder / "out" / "result.json").read_text()) == json.loads(ended.stdout)
    with (folder / "out" / "operators.csv").open() as stream:
        times = [float(row["time_s"]) for row in csv.DictReader(stream)]
    assert sum(times) == pytest.approx(json.loads(ended.stdout)["time_s"])


def test_the_timeline_parses(whole):
    _ended, folder = whole
    events = json.loads((folder / "timeline.json").read_text())["traceEvents"]
    tracks = {event["args"]["name"].split(" (")[0] for event in events if event["name"] == "thread_name"}
    assert {"asic", "pim channel 0"} <= tracks
    assert sum(event["ph"] == "X" for event in events) > 300


def test_the_commands_pass_the_check(whole, process):
    _ended, folder = whole
    ended = process("check", folder / "all.csv", "--spec", "gddr6-aim")
    assert ended.returncode == 0, ended.stdout
    assert ended.stdout.startswith(f"{folder / 'all.csv'}: pass")


def test_the_command_in_the_result_gives_it_again(bitline):
    options = [*("--context", "33", "--policy", "serial"), *("--set", "memory.channels=10")]
    first = json.loads(bitline(*GPT2, *options, "--json").out)
    again = json.loads(bitline(*first["provenance"]["command"].split()[1:], "--json").out)
    assert again == first


@pytest.mark.parametrize(
    "options",
    [
        ["pim-gpt", "--phase", "generate", "--prompt", "3", "--tokens", "2"],
        ["pim-gpt", "--phase", "prefill", "--context", "5"],
        ["pim-gpt", "--batch", "2", "--context", "9", "--no-fast-forward"],
        ["pim-gpt", "--level", "bound"],
        ["t4", "--level", "bound"],
        ["xeon-6154", "--level", "bound", "--phase", "generate", "--prompt", "3", "--tokens", "2"],
        ["hbm-pim", "--context", "5"],
    ],
    ids=" ".join,
)
def test_other_runs(bitline, options):
    ended = bitline("run", *options, "--model", "gpt2", "--json")
    assert (ended.status, ended.err) == (0, "")
    assert json.loads(ended.out)["time_s"] > 0


def test_out_at_the_bound_level_has_what_there_is(bitline, tmp_path):
    assert bitline(*GPT2, "--level", "bound", "--out", tmp_path / "out").status == 0
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert "result.json" in names
    assert "commands.csv" not in names


def test_a_window_of_ones_own(bitline, tmp_path):
    assert bitline(*GPT2, "--context", "60", "--out", tmp_path, "--window", "2000:2600").status == 0
    cycles = [int(line.split(",", 1)[0]) for line in (tmp_path / "commands.csv").read_text().splitlines()[1:]]
    assert cycles
    assert 2000 <= min(cycles) <= max(cycles) < 2600


# --- what cannot be run ---

REFUSED = {
    "unknown model": (["pim-gpt", "--model", "gpt2-xxl"], "gpt2-xl"),
    "unknown system": (["pim-gtp", "--model", "gpt2"], "pim-gpt"),
    "unknown policy": ([*GPT2[1:], "--policy", "pim-gtp"], "pim-gpt"),
    "a model that does not fit": (["pim-gpt", "--model", "gpt3-6.7b"], " GB more than the 4.29 GB of 8 channels"),
    "a model that does not fit a processor": (["t4", "--model", "gpt3-13b", "--level", "bound"], " GB more than"),
    "context beyond the model": ([*GPT2[1:], "--context", "1025"], "1024"),
    "context beyond the reserved rows": (
        [*GPT2[1:], "--context", "300", "--set", "policy.reserved_tokens=256"],
        "policy.reserved_tokens: a context of 300 tokens, with rows reserved for 256",
    ),
    "no context": ([*GPT2[1:], "--context", "0"], "context"),
    "no requests": ([*GPT2[1:], "--batch", "0"], "batch"),
    "prompt beyond the model": ([*GPT2[1:], "--phase", "generate", "--prompt", "2000"], "prompt of 2000"),
    "tokens without generation": ([*GPT2[1:], "--tokens", "5"], "phase generate"),
    "SRAM too small": ([*GPT2[1:], "--set", "asic.sram_bytes=4096"], "asic.sram_bytes"),
    "a path that is not there": ([*GPT2[1:], "--set", "memory.chanels=9"], "channels"),
    "a part of the path that is not there": ([*GPT2[1:], "--set", "asci.clock_mhz=9"], "asic"),
    "a policy path that is not there": ([*GPT2[1:], "--set", "policy.softmx=whole"], "softmax"),
    "a value out of range": ([*GPT2[1:], "--set", "memory.channels=0"], "memory.channels"),
    "a clock that is none": ([*GPT2[1:], "--set", "asic.clock_mhz=.nan"], "asic.clock_mhz"),
    "a part without compute": ([*GPT2[1:], "--set", "memory.part=ddr4-3200"], "no compute"),
    "a bad override": ([*GPT2[1:], "--set", "memory.override={timing_ck: {tRPX: 3}}"], "tRP"),
    "matmul on the ASIC": ([*GPT2[1:], "--set", "policy.mapping.matmul=asic"], "maps matmul to 'asic'"),
    "softmax in the banks": ([*GPT2[1:], "--set", "policy.mapping.softmax=pim"], "maps softmax to 'pim'"),
    "cycles of a roofline": (["t4", "--model", "gpt2"], "--level bound"),
    "commands of a bound": ([*GPT2[1:], "--level", "bound", "--commands", "x.csv"], "--commands"),
    "a window that ends before it starts": ([*GPT2[1:], "--out", "out", "--window", "9:3"], "START:END"),
    "a window of words": ([*GPT2[1:], "--out", "out", "--window", "a:b"], "START:END"),
    "a window without a folder": ([*GPT2[1:], "--window", "1:3"], "--out"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_run(refused, tmp_path, monkeypatch, case):
    monkeypatch.chdir(tmp_path)
    options, says = REFUSED[case]
    assert says in refused("run", *options)
    assert list(tmp_path.iterdir()) == []


def test_a_model_that_does_not_fit_says_how_much_is_missing_and_what_would_do(refused, bitline):
    told = refused("run", "pim-gpt", "--model", "gpt3-2.7b")
    channels = int(told.split("at least ")[1].split()[0])
    again = ["run", "pim-gpt", "--model", "gpt3-2.7b", "--level", "bound", "--set"]
    assert "more than" in refused(*again, f"memory.channels={channels - 1}")
    assert bitline(*again, f"memory.channels={channels}").status == 0


@pytest.mark.parametrize("option", ["--out", "--commands", "--timeline"])
def test_a_place_that_cannot_be_written(refused, tmp_path, option):
    (tmp_path / "file").write_text("in the way")
    told = refused(*GPT2, "--context", "5", option, tmp_path / "file" / "below")
    assert "file" in told
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("case", ["unknown model", "a model that does not fit", "SRAM too small", "a window of words"])
def test_as_a_user_meets_it(process, tmp_path, case):
    ended = process("run", *REFUSED[case][0], cwd=tmp_path)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith("bitline: ")
    assert ended.stderr.count("\n") == 1
