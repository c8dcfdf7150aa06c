"""Parts of traces, and the stages that they are put in."""

from collections import Counter
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitline.base.errors import TraceError
from bitline.sim.schedule.iteration import Work, in_order, interleaved, npu_alone, serial
from bitline.sim.schedule.layer_parts import Part, layer_parts
from bitline.traces import build_trace, load_model

PLANS = {"npu_alone": npu_alone, "serial": serial, "interleaved": interleaved}
MODELS = [
    "gpt3-13b",
    "llama-3.2-1b",
    "gemma-2-2b",
    "gemma-3-1b",
    "gpt-j-6b",
    "falcon-40b",
    "deepseek-v2-lite",
    "bloom-7b1",
]


def parts_of(model, **options):
    return layer_parts(build_trace(model, batch=4, check_limit=False, **{"context": 100} | options))


def names(operators):
    return [operator.name.partition(".")[2] for operator in operators]


def test_parts_of_a_gpt_layer():
    parts = parts_of("gpt3-13b")
    assert names(parts.operators(Part("before", 0))) == ["attention.norm", "attention.qkv", "attention.kv_append"]
    assert names(parts.operators(Part("attention", 0))) == [
        f"attention.{part}" for part in ("score", "softmax", "context")
    ]
    after = [
        "attention.output",
        "attention.residual",
        "ffn.norm",
        "ffn.up",
        "ffn.activation",
        "ffn.down",
        "ffn.residual",
    ]
    assert names(parts.operators(Part("after", 0))) == after
    assert [operator.kind for operator in parts.entry] == ["embedding", "embedding", "elementwise"]
    assert [operator.name for operator in parts.exit] == ["head.norm", "head"]
    assert parts.layers == (0,) * 40


def test_a_network_beside_attention_comes_after():
    parts = parts_of("gpt-j-6b")
    assert "ffn.up" in names(parts.operators(Part("after", 0)))
    assert names(parts.operators(Part("before", 0)))[-1] == "attention.kv_append"


def test_fused_attention_is_one_operator():
    assert names(parts_of("gpt2", attention="fused").operators(Part("attention", 0))) == ["attention.fused"]


@pytest.mark.parametrize("model", MODELS)
def test_parts_are_the_trace(model):
    trace = build_trace(model, batch=4, context=5000, check_limit=False)
    parts = layer_parts(trace)
    rows = [operator.name for operator in parts.entry]
    for layer in range(len(parts.layers)):
        for place in ("before", "attention", "after"):
            rows += [operator.name for operator in parts.operators(Part(place, layer))]
    assert rows + [operator.name for operator in parts.exit] == [operator.name for operator in trace.operators()]


def test_layers_that_differ_are_told_apart():
    """Five layers with a window, one without; where no context is longer than the window all are alike."""
    long, short = parts_of("gemma-3-1b", context=5000), parts_of("gemma-3-1b", context=100)
    assert long.layers[:13] == (0, 0, 0, 0, 0, 5, 0, 0, 0, 0, 0, 5, 0)
    assert set(short.layers) == {0}
    # The parts of a plan for one are found in the other.
    assert short.operators(Part("after", 5))[0].name == "layer5.attention.output"


def test_stages_a_to_f():
    plan = interleaved(parts_of("gpt3-13b"))
    before, attention, after = (Part(place, 0) for place in ("before", "attention", "after"))
    assert [(stage.name, stage.count) for stage in plan] == [
        ("A", 1), ("B", 1), ("C", 39), ("D", 39), ("E", 1), ("F", 1),
    ]  # fmt: skip
    assert [stage.npu for stage in plan] == [
        (Work(Part("entry"), 0), Work(before, 0)),
        (Work(Part("entry"), 1), Work(before, 1)),
        (Work(after, 0), Work(before, 0)),
        (Work(after, 1), Work(before, 1)),
        (Work(after, 0), Work(Part("exit"), 0)),
        (Work(after, 1), Work(Part("exit"), 1)),
    ]
    halves = [[work.half for work in stage.pim] for stage in plan]
    assert halves == [[], [0], [1], [0], [1], []]
    assert {work.part for stage in plan for work in stage.pim} == {attention}


def test_serial_stages_and_the_npu_alone():
    parts = parts_of("gpt3-13b")
    assert [(stage.name, stage.count) for stage in serial(parts)] == [
        ("QKV", 1), ("MHA", 39), ("FFN+QKV", 39), ("MHA", 1), ("FFN", 1),
    ]  # fmt: skip
    assert all(bool(stage.npu) != bool(stage.pim) for stage in serial(parts))
    assert [(stage.name, stage.count) for stage in npu_alone(parts)] == [("entry", 1), ("layer", 40), ("exit", 1)]


def test_a_model_of_one_layer():
    plan = interleaved(parts_of(load_model("gpt3-13b", {"layers": 1})))
    assert [stage.name for stage in plan] == ["A", "B", "E", "F"]


def shares(plan):
    """Work in order of time, by (half, place)."""
    return [work for stage in in_order(plan) for work in (*stage.npu, *stage.pim)]


@given(st.sampled_from(MODELS), st.sampled_from(sorted(PLANS)), st.integers(1, 9000))
def test_every_part_of_every_layer_once_a_half(model, plan, context):
    parts = parts_of(model, context=context)
    halves = 2 if plan == "interleaved" else 1
    wanted = Counter({Work(Part(place), half): 1 for place in ("entry", "exit") for half in range(halves)})
    for layer in parts.layers:
        for place in ("before", "attention", "after"):
            wanted.update(Work(Part(place, layer), half) for half in range(halves))
    plan = PLANS[plan](parts)
    counted = Counter()
    for stage in plan:
        for work in (*stage.npu, *stage.pim):
            counted[work] += stage.count
    assert counted == wanted == Counter(shares(plan))


@given(st.sampled_from(MODELS), st.integers(1, 9000))
def test_a_half_waits_for_its_own_attention(model, context):
    """Of one half: entry, then before, attention, after of each layer in turn, each in a stage of its own side."""
    parts = parts_of(model, context=context)
    for plan, halves in ((interleaved(parts), 2), (serial(parts), 1)):
        for half in range(halves):
            mine = [
                (stage, work.part, at)
                for at, stage in enumerate(in_order(plan))
                for work in (*stage.npu, *stage.pim)
                if work.half == half
            ]
            expected = [Part("entry")]
            for layer in parts.layers:
                expected += [Part(place, layer) for place in ("before", "attention", "after")]
            assert [part for _, part, _ in mine] == [*expected, Part("exit")]
            for (_, part, at), (_, following, then) in pairwise(mine):
                if "attention" in (part.place, following.place):
                    assert then > at


def test_a_trace_that_cannot_be_cut():
    trace = build_trace("gpt2")
    with pytest.raises(TraceError, match="gpt2: layer: has no layers"):
        layer_parts(replace(trace, blocks=trace.blocks[:1]))
    with pytest.raises(TraceError, match="operators of no layer between its layers"):
        layer_parts(replace(trace, blocks=(*trace.blocks[:2], trace.blocks[0], *trace.blocks[1:])))
