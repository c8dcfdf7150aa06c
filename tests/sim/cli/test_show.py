import dataclasses
import json

import pytest

from bitline.arch.dram.part import load_part
from bitline.sim.cli.catalogue import KINDS
from bitline.sim.run.result import OperatorResult, Result
from bitline.traces import build_trace

QKV = OperatorResult("qkv", "matmul", "pim", "cycle", 12, 3e-3, 2e-3, 0.0, 0.2, "pim bandwidth", 1e9, 2e9, {"ACT": 5})
RESULT = Result(
    system="pim-gpt",
    policy="pim-gpt",
    workload={"model": "gpt2", "phase": "decode", "batch": 1, "context": 64, "prompt": None},
    level="cycle",
    time_s=4e-3,
    bound_time_s=2.5e-3,
    tokens=1,
    tokens_per_s=250.0,
    time_per_token_s=4e-3,
    energy_j=0.25,
    power_w=62.5,
    energy_parts_j={"activate": 0.2, "asic": 0.05},
    bottleneck="pim bandwidth",
    traffic_bytes={"off_chip": 1e6},
    utilisation={"pim": 0.8},
    row_hit_rate=0.98,
    counts={"ACT": 5},
    fast_forward={"on": True},
    operators=(QKV, dataclasses.replace(QKV, name="gelu", unit="asic", time_s=1e-3)),
    provenance={},
)


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind in KINDS for name in kind.names()[:3]])
def test_a_document_is_shown_with_every_field_and_its_origin(bitline, kind, name):
    ended = bitline("show", name, "--kind", kind.name, "--json")
    shown = json.loads(ended.out)
    assert (shown["kind"], shown["name"], ended.err) == (kind.name, name, "")
    fields = {row["field"]: row for row in shown["fields"]}
    assert fields["source"]["value"]
    assert fields["source"]["from"].startswith(shown["file"]) or ".yaml:" in fields["source"]["from"]
    text = bitline("show", name, "--kind", kind.name).out
    assert all(field in text for field in fields)


def test_a_part_is_shown_with_units_and_what_follows_from_it(bitline):
    part = load_part("ddr4-3200")
    fields = {row["field"]: row for row in json.loads(bitline("show", "ddr4-3200", "--json").out)["fields"]}
    assert (fields["timing_ck.tRCD"]["value"], fields["timing_ck.tRCD"]["unit"]) == (22, "clocks")
    assert fields["timing_ck.tRCD"]["from"].startswith("ddr4-3200.yaml:")
    assert fields["tck_ps"]["unit"] == "ps"
    assert fields["energy.idd_ma.IDD0"]["unit"] == "mA"
    assert fields["energy.interface_pj_per_bit"]["unit"] == "pJ/bit"
    assert fields["organisation.pseudo_channels"]["from"] == "default"
    assert fields["peak_bandwidth_gb_s"]["value"] == part.peak_bandwidth_gb_s
    assert {f"timing_ck.{name}" for name in part.timing} <= set(fields)


def test_a_name_of_several_kinds_shows_the_hardware_and_names_the_others(bitline):
    out = bitline("show", "pim-gpt").out
    assert out.startswith("system pim-gpt")
    assert "bitline show pim-gpt --kind policy" in out
    assert bitline("show", "pim-gpt", "--kind", "policy").out.startswith("policy pim-gpt")


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("schema: 1\nbase: pim-gpt\nmemory: {channels: 16}\n", "system"),
        ("schema: 1\nbase: serial\nmapping: {softmax: asic}\n", "policy"),
        ("schema: 1\nbase: ddr4-3200\n", "spec"),
        ("schema: 1\nbase: fcfs\npooled: {reads: 8}\n", "controller"),
        ("schema: 1\nbase: gpt2\nlayers: 3\n", "model"),
    ],
)
def test_a_users_file_is_recognised_by_its_fields(bitline, tmp_path, text, kind):
    file = tmp_path / "mine.yaml"
    file.write_text(text)
    ended = bitline("show", file, "--json")
    assert json.loads(ended.out)["kind"] == kind


def test_a_study_file_is_shown_with_its_number_of_points(bitline, tmp_path):
    file = tmp_path / "study.yaml"
    file.write_text("schema: 1\nsystem: pim-gpt\nmodels: [gpt2]\ncontexts: [1, 2, 3]\n")
    assert "3 points" in bitline("show", file).out
    assert json.loads(bitline("show", file, "--json").out)["points"] == 3


@pytest.mark.parametrize("suffix", ["parquet", "json", "csv"])
def test_a_trace_file_is_shown_by_its_summary(bitline, tmp_path, suffix):
    if suffix == "parquet":
        pytest.importorskip("pyarrow")
    trace = build_trace("gpt2", context=64)
    trace.write(tmp_path / f"t.{suffix}")
    assert "gpt2 decode, batch 1, context 64" in bitline("show", tmp_path / f"t.{suffix}").out
    assert json.loads(bitline("show", tmp_path / f"t.{suffix}", "--json").out)["operators"] == len(trace)


@pytest.mark.parametrize("what", ["file", "folder"])
def test_a_result_is_shown_as_it_was_written(bitline, tmp_path, what):
    (tmp_path / "result.json").write_text(json.dumps(RESULT.to_dict()))
    thing = tmp_path / "result.json" if what == "file" else tmp_path
    out = bitline("show", thing).out
    assert "model gpt2, phase decode, batch 1, context 64" in out
    assert "prompt" not in out
    assert "4 ms (cycle); bound 2.5 ms, 1.6 x the bound" in out
    assert "activate 80.0%, asic 20.0%" in out
    assert [line.split()[0] for line in out.splitlines()[-2:]] == ["qkv", "gelu"]
    assert json.loads(bitline("show", thing, "--json").out) == json.loads(json.dumps(RESULT.to_dict()))


@pytest.mark.parametrize(
    ("thing", "text", "says"),
    [
        ("gddr6-aimm", None, "'gddr6-aimm' is nothing that can be shown; expected did you mean 'gddr6-aim'?"),
        ("xyzzyplugh", None, "'xyzzyplugh' is nothing that can be shown; expected a trace, result, sweep folder"),
        ("none.json", None, "none.json: cannot be read (no such file)"),
        ("other.json", '{"a": 1}', "other.json: is no trace, result or model configuration"),
        ("list.json", "[1]", "list.json: is no trace, result or model configuration"),
        ("cut.json", '{"a": ', "cut.json:1: is not JSON"),
        ("nan.json", '{"a": NaN}', "nan.json: NaN is not a number of JSON"),
        ("what.yaml", "schema: 1\n", "what.yaml: is no system, policy, spec, controller, model or study"),
        ("tag.yaml", "a: !!python/object x\n", "tag.yaml:1: tag 'tag:yaml.org,2002:python/object' is not accepted"),
        ("table.csv", "a,b\n1,2\n", "table.csv:1: is not the table of a sweep"),
        ("trace.csv", "a,b\n1,2\n", "trace.csv:1: is no trace"),
        ("notes.txt", "hello", "notes.txt: is nothing that can be shown"),
        (".", None, "holds nothing that can be shown; expected result.json or study.sqlite"),
    ],
)
def test_what_cannot_be_shown_is_one_error(refused, tmp_path, monkeypatch, thing, text, says):
    monkeypatch.chdir(tmp_path)
    if text is not None:
        (tmp_path / thing).write_text(text)
    assert says in refused("show", thing)


def test_a_result_with_a_wrong_field_is_one_error(refused, tmp_path):
    file = tmp_path / "result.json"
    file.write_text(json.dumps({**RESULT.to_dict(), "time_s": "soon"}))
    assert f"{file}: time_s: " in refused("show", file)


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """Eight points at the bound level."""
    from bitline.sim.study import make_study, sweep

    folder = tmp_path_factory.mktemp("study")
    settings = {"memory.channels": [8, 16]}
    sweep(
        make_study(system="pim-gpt", level="bound", models=["gpt2"], contexts=[1, 64, 512, 1024], settings=settings),
        folder,
    )
    return folder


def test_points_of_a_study_are_picked_and_put_in_order(bitline, study):
    asked = ("--where", "context >= 64 and memory.channels == 16", "--sort", "-time_s", "--limit", 2)
    shown = json.loads(bitline("show", study, *asked, "--json").out)["points"]
    assert [(row["context"], row["memory.channels"]) for row in shown] == [(1024, 16), (512, 16)]
    out = bitline("show", study, *asked).out
    assert "2 of them" in out
    assert out.splitlines()[-2].split()[:3] == [str(shown[0]["point"]), "1,024", "16"]
    again = bitline("show", study, "--point", shown[0]["point"], "--json")
    assert json.loads(again.out)["time_s"] == shown[0]["time_s"]


def test_columns_of_a_study_are_chosen(bitline, study):
    out = bitline("show", study, "--columns", "context,time_s", "--where", "context == 1").out
    assert [line.split()[0] for line in out.splitlines()] == ["context", "-------", "1", "1"]


def test_a_study_answers_sql(bitline, study):
    query = 'SELECT "memory.channels" AS channels, count(*) AS n FROM points GROUP BY 1'
    assert json.loads(bitline("show", study, "--sql", query, "--json").out) == [
        {"channels": 8, "n": 4},
        {"channels": 16, "n": 4},
    ]
    assert bitline("show", study, "--sql", query).out.splitlines()[-1].split() == ["16", "4"]


def test_a_study_is_exported(bitline, study, tmp_path):
    file = tmp_path / "out.csv"
    assert "8 rows" in bitline("show", study, "--export", file).out
    assert file.read_text().splitlines()[0].startswith("point,system,policy,model")


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        (("--where", "time < 3"), "--where: no column 'time'; expected did you mean 'time_s'?"),
        (("--where", "import os"), "is not a formula"),
        (("--sort", "tim_s"), "--sort: no column 'tim_s'; expected did you mean 'time_s'?"),
        (("--columns", "contxt"), "--columns: no column 'contxt'; expected did you mean 'context'?"),
        (("--sql", "DELETE FROM points"), "--sql: not authorized"),
        (("--export", "x.xlsx"), "x.xlsx: is no form to export to"),
        (("--sql", "SELECT 1", "--where", "context == 1"), "give one of --point, --sql, or --where"),
        (("--limit", "0"), "0 is not in the range"),
    ],
)
def test_a_wrong_question_to_a_study_is_one_error(refused, study, asked, says):
    assert says in refused("show", study, *asked)


def test_a_question_to_what_is_no_study_is_one_error(refused, tmp_path):
    assert "is not the folder of a sweep" in refused("show", tmp_path, "--where", "context == 1")
