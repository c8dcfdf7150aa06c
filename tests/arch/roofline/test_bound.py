"""The bound of a processor."""

import pytest

import bitline
from bitline.arch.roofline.bound import bound_time_s, kernel_time_s
from bitline.arch.systems.system import load_system
from bitline.base.errors import SpecError
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


GPU = load_system("gpu-only").processor
A100 = load_system("a100-40").processor


def test_without_efficiencies_a_kernel_takes_its_bound():
    for batch in (1, 4096):
        for name in ("layer0.ffn.up", "layer0.attention.softmax", "layer0.ffn.norm"):
            assert kernel_time_s(T4, operator(name, batch)) == bound_time_s(T4, operator(name, batch))


def test_the_gpu_with_efficiencies_has_the_peaks_of_the_roofline():
    assert GPU.efficiency
    assert not A100.efficiency
    assert GPU.model_dump(exclude={"efficiency"}) == A100.model_dump(exclude={"efficiency"})


def test_a_kernel_reaches_its_share_of_the_peak_that_limits_it():
    reached = GPU.efficiency["matmul"]
    for batch, share, limit in ((64, reached.bandwidth, "memory bandwidth"), (65536, reached.compute, "compute")):
        found = operator("head", batch)
        time, why = kernel_time_s(GPU, found)
        assert why == limit
        assert time - reached.overhead_us * 1e-6 == pytest.approx(bound_time_s(GPU, found)[0] / share)


def test_a_small_kernel_takes_its_overhead():
    time, limit = kernel_time_s(GPU, operator("layer0.ffn.norm", 1))
    assert limit == "kernel overhead"
    assert time == pytest.approx(GPU.efficiency["norm"].overhead_us * 1e-6, rel=0.01)


def test_the_cache_of_each_request_counts_with_its_own_length():
    """Requests of different contexts: the bytes of an operator, and so its time, are those of its requests' sum."""

    def score_s(contexts):
        trace = build_trace("gpt2", phase="decode", contexts=contexts, dtype="bf16")
        found = next(o for block in trace.blocks for o in block.operators if o.name == "layer0.attention.score")
        assert found.contexts == tuple(contexts)
        assert found.kv_read_bytes == 2 * 768 * sum(contexts)
        return kernel_time_s(GPU, found)[0]

    assert score_s([100, 300, 900]) == score_s([433, 434, 433])
    assert score_s([100, 300, 900]) > score_s([100, 300, 800])


def test_a_run_has_its_roofline_beside_its_time():
    result = bitline.run("gpu-only", model="gpt2", context=100, batch=8, level="bound")
    bound = bitline.run("a100-40", model="gpt2", context=100, batch=8, level="bound")
    assert bound.time_s == bound.bound_time_s
    assert result.bound_time_s == pytest.approx(bound.time_s)
    assert result.time_s > result.bound_time_s
    assert result.time_s == pytest.approx(sum(one.time_s for one in result.operators))
    assert all(one.time_s >= one.bound_time_s for one in result.operators)


@pytest.mark.parametrize(
    ("name", "value"),
    [("matmul.compute", 0), ("matmul.bandwidth", 1.01), ("norm.overhead_us", -1), ("matmull.compute", 0.5)],
)
def test_an_efficiency_that_cannot_be_is_refused(name, value):
    with pytest.raises(SpecError, match=name.split(".")[0]):
        load_system("gpu-only", {f"processor.efficiency.{name}": value})
