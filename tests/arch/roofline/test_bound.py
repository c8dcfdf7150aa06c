"""The bound of a processor."""

import pytest

import bitline
from bitline.arch.roofline.bound import bound_time_s
from bitline.arch.systems.system import load_system
from bitline.traces import build_trace

T4 = load_system("t4").processor


def operator(name, batch):
    trace = build_trace("gpt2", phase="decode", batch=batch, context=100, dtype="bf16")
    return next(o for block in trace.blocks for o in block.operators if o.name == name)


def test_one_token_is_limited_by_bandwidth():
    found = operator("layer0.ffn.up", 1)
    assert bound_time_s(T4, found) == (pytest.approx(found.bytes / 320e9), "memory bandwidth")
    assert found.bytes > 768 * 3072 * 2


def test_a_large_batch_is_limited_by_compute():
    found = operator("layer0.ffn.up", 4096)
    assert bound_time_s(T4, found) == (pytest.approx(2 * 4096 * 768 * 3072 / 65e12, rel=0.01), "compute")


def test_a_token_on_a_processor_reads_its_weights_once():
    result = bitline.run("t4", model="gpt2", context=1, level="bound")
    # Nearly all of 124.4 M parameters, two bytes each; of the position table one row.
    assert result.time_s == pytest.approx(2 * 123.7e6 / 320e9, rel=0.02)
    assert result.energy_j == pytest.approx(result.time_s * 70)
    assert sum(one.time_s for one in result.operators) == pytest.approx(result.time_s)
    assert result.utilisation["memory bandwidth"] == pytest.approx(1, rel=0.01)
