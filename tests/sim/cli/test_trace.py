import json

import pytest

from bitline.traces import model_names, read_trace
from bitline.traces.models.published import published_count


def test_the_summary_has_operators_work_bytes_and_the_published_count(bitline):
    ended = bitline("trace", "gpt2-xl", "--context", "512")
    assert (ended.status, ended.err) == (0, "")
    assert "gpt2-xl decode, batch 1, context 512" in ended.out
    assert "1,557,611,200; published 1,557,611,200 (exact, +0.000%)" in ended.out
    kinds = {line.split()[0] for line in ended.out.splitlines() if line}
    assert {"matmul", "attention", "softmax", "norm", "embedding", "kv_append"} <= kinds


@pytest.mark.parametrize("suffix", ["parquet", "json", "csv"])
def test_the_written_trace_is_the_one_that_was_printed(bitline, tmp_path, suffix):
    if suffix == "parquet":
        pytest.importorskip("pyarrow")
    file = tmp_path / f"trace.{suffix}"
    ended = bitline("trace", "llama-2-7b", "--phase", "prefill", "--prompt", "64", "--batch", "2", "-o", file, "--json")
    summary = json.loads(ended.out)
    trace = read_trace(file)
    assert (trace.model, trace.phase, trace.batch, trace.contexts) == ("llama-2-7b", "prefill", 2, (64,))
    assert len(trace) == summary["operators"]
    assert sum(operator.flops for operator in trace.operators()) == summary["flops"]
    assert summary["parameters"] == 6_738_415_616  # of the released checkpoint


def test_settings_change_the_model(bitline):
    summary = json.loads(bitline("trace", "gpt2", "--set", "layers=1", "--json").out)
    assert summary["by_kind"][0]["operators"] < 10


def test_a_hugging_face_configuration_is_a_model(bitline, tmp_path):
    config = {"model_type": "gpt2", "n_embd": 768, "n_layer": 12, "n_head": 12, "vocab_size": 50257}
    config |= {"n_positions": 1024, "n_ctx": 1024}
    (tmp_path / "config.json").write_text(json.dumps(config))
    summary = json.loads(bitline("trace", f"hf:{tmp_path}/config.json", "--json").out)
    assert summary["parameters"] == 124_439_808
    assert summary["published_parameters"] is None


def test_published_counts_are_of_known_models():
    counts = {name: published_count(name) for name in model_names()}
    known = {name for name, count in counts.items() if count is not None}
    assert len(known) >= 60
    assert all(counts[name].source and counts[name].kind in ("exact", "rounded", "nominal") for name in known)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["gpt2-xxl"], "unknown model 'gpt2-xxl'; expected did you mean 'gpt2-xl'?"),
        (["gpt2", "--phase", "decod"], "phase: 'decod' is no phase of inference; expected did you mean 'decode'?"),
        (["gpt2", "--context", "2000"], "context: 2000 tokens do not fit in gpt2"),
        (["gpt2", "--batch", "0"], "--batch"),
        (["gpt2", "--dtype", "fp17"], "dtype: unknown number format 'fp17'; expected did you mean 'fp16'?"),
        (["gpt2", "--prompt", "8"], "--prompt goes with --phase prefill"),
        (["gpt2", "-o", "trace.xml"], "trace.xml: '.xml' is no form of a trace"),
        (["gpt2", "-o", "no/such/folder/trace.json"], "cannot be written"),
        (["gpt2", "--set", "layer=1"], "--set: layer: unknown field; expected did you mean 'layers'?"),
        (["hf:none.json"], "none.json: cannot be read"),
        (["t5-11b"], "an encoder and decoder"),
    ],
)
def test_wrong_input_is_one_error(refused, tmp_path, monkeypatch, arguments, says):
    monkeypatch.chdir(tmp_path)
    assert says in refused("trace", *arguments)
    assert list(tmp_path.iterdir()) == []


def test_a_context_beyond_the_models_positions_can_be_asked_for(bitline):
    assert bitline("trace", "gpt2", "--context", "2000", "--no-limit").status == 0
