"""Finding repeats, number formats, names of layers, summaries."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitline.traces import BITS, build_trace, summarise
from bitline.traces.dtypes import accumulator_dtype, size_bytes
from bitline.traces.operator import layer_of, shift_layer
from bitline.traces.repeats import group_repeats
from bitline.traces.transformer.workload import _pairs


@pytest.mark.parametrize(
    ("keys", "groups"),
    [
        ("", []),
        ("a", [(0, 1, 1)]),
        ("aaaa", [(0, 1, 4)]),
        ("dmmmm", [(0, 1, 1), (1, 1, 4)]),
        ("lglglg", [(0, 2, 3)]),
        ("lllllglllllglllllgll", [(0, 6, 3), (18, 1, 2)]),
        ("abc", [(0, 1, 1), (1, 1, 1), (2, 1, 1)]),
    ],
)
def test_groups(keys, groups):
    assert group_repeats(keys) == groups


@given(st.lists(st.integers(0, 2), max_size=60))
def test_groups_cover_the_sequence_and_repeat_it(keys):
    rebuilt = []
    for start, period, repeats in group_repeats(keys):
        assert start == len(rebuilt)
        rebuilt += keys[start : start + period] * repeats
    assert rebuilt == keys


def test_sizes_are_packed():
    assert [size_bytes(3, dtype) for dtype in ("fp32", "bf16", "fp8", "int4")] == [12, 6, 3, 2]
    assert BITS["int4"] == 4
    assert accumulator_dtype("int8", "int4") == "int32"
    assert accumulator_dtype("fp16", "int4") == "fp32"


def test_names_of_layers():
    assert shift_layer("layer3.ffn.up", 10) == "layer13.ffn.up"
    for unchanged in ("head", "layer03.x", "layers.3", "xlayer3.x", "layer3"):
        assert shift_layer(unchanged, 2) == unchanged
        assert layer_of(unchanged) == -1
    assert layer_of("layer13.ffn.up") == 13


@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 50))
def test_pairs_of_queries_and_keys(queries, before, window):
    context = queries + before - 1
    expected = sum(min(position, window) for position in range(context - queries + 1, context + 1))
    assert _pairs(queries, context, window) == expected


def test_a_summary_is_plain_data_that_adds_up():
    trace = build_trace("mixtral-8x7b", contexts=[100, 300], dtype="fp16")
    total = summarise(trace)
    rows = trace.operators()
    assert total["operators"] == len(rows) == sum(row["operators"] for row in total["by_kind"])
    for count in ("flops", "weight_bytes", "activation_read_bytes", "kv_read_bytes", "kv_write_bytes"):
        assert total[count] == sum(getattr(row, count) for row in rows)
        assert total[count] == sum(row[count] for row in total["by_kind"])
    assert total["context"] == {"shortest": 100, "longest": 300, "total": 400}
    assert (total["tokens"], total["kv_bytes_per_token"]) == (2, 2 * 32 * 8 * 128 * 2)
    assert total["held_bytes"]["kv"] == 400 * total["kv_bytes_per_token"]
    assert total["flops_per_byte"] == pytest.approx(total["flops"] / sum(row.bytes for row in rows))


def test_a_summary_of_prefill_counts_all_tokens():
    total = summarise(build_trace("gpt2", "prefill", batch=3, context=50))
    assert (total["tokens"], total["context"]["total"]) == (150, 150)
    assert total["kv_write_bytes"] == 150 * total["kv_bytes_per_token"]
