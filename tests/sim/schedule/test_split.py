"""Models over several devices: shapes of a share, stages, and what is exchanged."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitline.arch.link.bound import LinkSpec, all_gather_s, all_reduce_s, send_s
from bitline.base.errors import SpecError
from bitline.sim.schedule.layer_parts import layer_parts
from bitline.sim.schedule.split import (
    Split,
    check_split,
    collectives,
    default_split,
    pipeline_round_s,
    pipeline_stage,
    shard_model,
    stage_bytes,
)
from bitline.traces import build_trace, load_model, model_names

LINK = LinkSpec(source="test", bandwidth_gb_s=100.0, latency_us=2.0)


def matmuls(model, **options):
    """(n, k) by name."""
    trace = build_trace(model, check_limit=False, **options)
    return {
        operator.name.partition(".")[2] if operator.layer >= 0 else operator.name: (operator.n, operator.k)
        for block in trace.blocks
        for operator in block.operators
        if operator.kind == "matmul"
    }


def test_shapes_of_gpt3_13b_on_four_devices():
    assert matmuls(shard_model(load_model("gpt3-13b"), 4)) == {
        "attention.qkv": (3 * 1280, 5120),
        "attention.output": (5120, 1280),
        "ffn.up": (5120, 5120),
        "ffn.down": (5120, 5120),
        "head": (12565, 5120),  # 50257 rows over four, padded
    }


def test_key_heads_of_llama_over_more_devices_than_heads():
    share = shard_model(load_model("llama-3-8b"), 16)
    assert (share.heads, share.kv_heads, share.head_dim, share.hidden) == (2, 1, 128, 4096)
    assert share.kv_elements_per_token == 2 * 32 * 128


# Held whole on every device.
REPLICATED = {"project", "router", "query_down", "kv_down"}


@pytest.mark.parametrize("model", model_names())
def test_products_are_cut_or_held_whole(model):
    spec = load_model(model)
    tensor = next((n for n in (8, 4, 2) if fits(spec, n)), 1)
    share = shard_model(spec, tensor)
    assert share.layer_kinds == spec.layer_kinds
    whole, mine = (build_trace(one, batch=8, context=64) for one in (spec, share))
    assert len(whole) == len(mine)
    for block, of_share in zip(whole.blocks, mine.blocks):
        for one, other in zip(block.operators, of_share.operators):
            assert (one.name, one.kind, one.contexts) == (other.name, other.kind, other.contexts)
            if one.kind not in ("matmul", "attention"):
                continue
            times = 1 if one.name.rpartition(".")[2] in REPLICATED else tensor
            padded = -spec.vocab % tensor if one.name == "head" else 0
            more_keys = share.kv_heads * tensor - spec.kv_heads if one.name.endswith("attention.qkv") else 0
            extra = 2 * one.m * one.k * (padded + 2 * more_keys * spec.head_dim)
            assert other.flops * times == one.flops + extra


def fits(spec, tensor):
    try:
        check_split(spec, Split(tensor=tensor))
    except SpecError:
        return False
    return True


@pytest.mark.parametrize(
    ("model", "split", "message"),
    [
        ("gpt3-13b", (3, 1), "tensor: 3 does not divide heads 40 and ffn 20480; expected one of 1, 2, 4, 5, 8, 10, 20"),
        ("mixtral-8x7b", (3, 1), "tensor: 3 does not divide heads 32 and moe.ffn 14336; expected one of 1, 2, 4"),
        ("phi-3-medium", (4, 1), "tensor: 10 KV heads do not go over 4 devices; expected one of 1, 2, 5, 10, 20, 40"),
        ("gpt3-13b", (4, 3), "pipeline: 3 does not divide layers 40; expected one of 1, 2, 4, 5, 8, 10, 20, 40"),
    ],
)  # fmt: skip
def test_what_does_not_divide(model, split, message):
    with pytest.raises(SpecError) as caught:
        check_split(load_model(model), Split(tensor=split[0], pipeline=split[1]))
    assert str(caught.value).startswith(message)


def test_the_splits_of_the_paper():
    """NeuPIMs, arXiv 2403.00579: tensor x pipeline."""
    found = {name: default_split(name) for name in ("gpt3-7b", "gpt3-13b", "gpt3-30b", "gpt3-175b", "llama-3-8b")}
    assert {name: (split.tensor, split.pipeline) for name, split in found.items()} == {
        "gpt3-7b": (4, 1),
        "gpt3-13b": (4, 1),
        "gpt3-30b": (4, 2),
        "gpt3-175b": (8, 4),
        "llama-3-8b": (1, 1),
    }
    assert found["gpt3-175b"].devices == 32
    for name, split in found.items():
        check_split(load_model(name), split)


@pytest.mark.parametrize(
    ("model", "pipeline"), [("gpt3-175b", 4), ("gemma-2-2b", 2), ("gemma-3-1b", 2), ("deepseek-v2-lite", 3)]
)
def test_pipeline_stages_are_the_trace(model, pipeline):
    trace = build_trace(model, batch=4, context=5000, check_limit=False)
    stages = [pipeline_stage(trace, pipeline, stage) for stage in range(pipeline)]
    rows = [operator for stage in stages for operator in stage.operators()]
    assert [row.name for row in rows] == [row.name for row in trace.operators()]
    assert sum(row.flops for row in rows) == sum(row.flops for row in trace.operators())
    start = 0
    for stage in stages:
        mine = stage.operators()
        assert [row.id for row in mine] == list(range(len(mine)))
        whole = trace.operators()[start : start + len(mine)]
        assert [tuple(d + start for d in row.dependencies) for row in mine] == [row.dependencies for row in whole]
        start += len(mine)
    cut = [layer_parts(stage) for stage in stages]
    assert [bool(one.entry) for one in cut] == [True] + [False] * (pipeline - 1)
    assert [bool(one.exit) for one in cut] == [False] * (pipeline - 1) + [True]
    assert len({len(one.layers) for one in cut}) == 1


def test_a_stage_of_alike_layers_is_one_block():
    trace = build_trace("gpt3-175b", batch=4)
    middle = pipeline_stage(trace, 4, 1)
    assert [(block.repeats, block.first_layer) for block in middle.blocks] == [(24, 24)]
    with pytest.raises(SpecError, match="stage: is 4; expected 0 to 3"):
        pipeline_stage(trace, 4, 4)


def test_exchanges_of_gpt3_13b():
    """Two all-reduces of m x hidden x 2 B a layer (Megatron-LM, section 3)."""
    found = collectives(load_model("gpt3-13b"), 4, 256, "fp16")
    assert [(one.kind, one.name, one.place, one.bytes) for one in found] == [
        ("all_reduce", "embedding", "entry", 256 * 5120 * 2),
        ("all_reduce", "attention.output", "after", 256 * 5120 * 2),
        ("all_reduce", "ffn", "after", 256 * 5120 * 2),
        ("all_gather", "head", "exit", 256 * 50260 * 2),
    ]
    assert collectives(load_model("gpt3-13b"), 1, 256, "fp16") == ()
    beside = collectives(load_model("gpt-j-6b"), 4, 1, "fp16")
    assert [one.name for one in beside if one.place == "after"] == ["residual"]
    assert stage_bytes(load_model("gpt3-13b"), 256, "fp16") == 256 * 5120 * 2


def test_times_of_exchanges():
    """Four ranks, 100 GB/s, 2 us a hop, 1 MB: 2 x 3/4 x 10 us + 6 x 2 us."""
    assert all_reduce_s(LINK, 4, 10**6) == pytest.approx(27e-6)
    assert all_gather_s(LINK, 4, 10**6) == pytest.approx(13.5e-6)
    assert send_s(LINK, 10**6) == pytest.approx(12e-6)
    assert all_reduce_s(LINK, 1, 10**6) == 0
    exchange = collectives(load_model("gpt3-13b"), 4, 256, "fp16")[1]
    assert exchange.time_s(LINK, 4) == all_reduce_s(LINK, 4, exchange.bytes)


def test_a_round_of_alike_stages():
    assert pipeline_round_s([3.0]) == 3.0
    assert pipeline_round_s([3.0] * 4) == 12.0
    assert pipeline_round_s([3.0, 3.0, 4.0, 3.0]) == 16.0
    assert pipeline_round_s([3.0, 3.0], [1.0, 0.5]) == 7.5


times = st.lists(st.integers(1, 50), min_size=1, max_size=5)


@given(times, st.data())
def test_rounds_against_a_pipeline_step_by_step(stages, data):
    """P micro-batches go round; each stage takes one at a time, in order of coming. Mean over many rounds."""
    n = len(stages)
    sends = data.draw(st.lists(st.integers(0, 50), min_size=n, max_size=n)) if n > 1 else [0]
    ready, free, rounds = [0] * n, [0] * n, 40 * n
    at = []
    for _ in range(rounds):
        for batch in range(n):
            for stage in range(n):
                free[stage] = max(free[stage], ready[batch]) + stages[stage]
                ready[batch] = free[stage] + sends[stage]
        at.append(ready[n - 1])
    half = rounds // 2
    mean = (at[-1] - at[half - 1]) / (rounds - half)
    assert mean == pytest.approx(pipeline_round_s(stages, sends), rel=1e-3)
