import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bitline.arch.npu.bound import job_bound, operator_bound, products_of, vector_unit
from bitline.arch.npu.energy import Work, energy_of, operand_passes, work_of
from bitline.arch.npu.jobs import Epilogue, Operand, Rows, VectorJob
from bitline.arch.npu.lower import lower
from bitline.arch.npu.mapping import load_mapping
from bitline.arch.npu.memory_map import MemoryMap
from bitline.arch.npu.spec import load_npu
from bitline.arch.npu.vector import FUNCTIONS
from bitline.base.errors import SpecError
from bitline.traces import build_trace, load_model

from .conftest import make_gemm


def test_bound_of_a_product_is_its_macs_or_its_bytes():
    spec = load_npu("neupims-npu")
    bound = job_bound(make_gemm(256, 4096, 1024), spec, 1024.0)
    assert bound.compute_s == pytest.approx(8192e-9)  # facts: M K N / 131072 cycles at 1 GHz
    assert bound.memory_s == pytest.approx(2 * (256 * 4096 + 4096 * 1024 + 256 * 1024) / 1024e9)
    assert bound.limit == "memory bandwidth"
    assert bound.time_s == bound.memory_s


@settings(max_examples=30)
@given(st.sampled_from(sorted(FUNCTIONS)), st.integers(1, 500), st.integers(1, 5000))
def test_no_pass_is_faster_than_its_bound(function, rows, elements):
    spec = load_npu("neupims-npu")
    job = VectorJob("pass", function, rows, elements, (Rows("x", 16, elements),), (Rows("y", 16, elements),))
    cycles = vector_unit(spec.vector).cycles(function, rows, elements)
    assert job_bound(job, spec, 1e6).compute_s <= cycles * 1e-9 * (1 + 1e-12)


@pytest.mark.parametrize("phase", ["decode", "prefill"])
@pytest.mark.parametrize("attention", ["split", "fused"])
def test_every_operator_of_a_model_has_a_bound(phase, attention):
    trace = build_trace(load_model("gpt2-xl"), phase, batch=4, context=100, attention=attention)
    spec = load_npu("tpu-v4-like")
    for operator in trace.operators():
        bound = operator_bound(operator, spec, 600.0)
        assert bound.memory_s > 0
        assert bound.compute_s > 0 or operator.kind in ("embedding", "kv_append")


def test_products_of_attention_are_the_same_split_and_fused():
    def total(attention: str) -> float:
        trace = build_trace(load_model("gpt2-xl"), "decode", batch=4, context=100, attention=attention)
        return sum(products_of(operator) for operator in trace.operators())

    assert total("split") == pytest.approx(total("fused"))


def test_a_format_that_the_arrays_do_not_know_is_refused():
    trace = build_trace(load_model("gpt2-xl"), "decode", batch=1, context=10)
    matmul = next(operator for operator in trace.operators() if operator.kind == "matmul")
    with pytest.raises(SpecError, match=r"in (fp16|bf16), which the arrays do not compute"):
        operator_bound(matmul, load_npu("edge-npu"), 10.0)


def test_what_stands_still_is_read_once():
    # 64 x 64 x 96 on 32 x 32
    for dataflow, passes in (("output", (3, 2, 1)), ("weight", (3, 1, 2)), ("input", (1, 2, 2))):
        settings_ = {"array.dataflow": dataflow}
        assert operand_passes(load_npu("scale-sim-default", settings_), 64, 64, 96) == passes


def test_work_of_one_tile_by_hand():
    spec = load_npu("neupims-npu")
    job = make_gemm(128, 256, 128, epilogue=(Epilogue("add", Operand("second", 16)),))
    unit = vector_unit(spec.vector)
    lowered = lower(job, spec, load_mapping("neupims"), MemoryMap(1 << 30), unit)
    work = work_of(lowered, spec)
    moved = 2 * (128 * 256 + 256 * 128 + 2 * 128 * 128)
    array = 2 * (128 * 256 + 256 * 128) + 2 * 128 * 128 * 3  # two blocks of k: write, then read and write
    vector = 2 * 2 * 128 * 128 + 2 * 128 * 128
    assert work == Work(128 * 256 * 128, moved + array + vector, 128 * 128, moved)
    assert lowered.counts.load_bytes + lowered.counts.store_bytes == moved


def test_joules_add_up():
    spec = load_npu("neupims-npu")
    energy = energy_of(Work(10**12, 10**12, 10**12, 10**12), 2.0, spec)
    assert (energy.mac_j, energy.sram_j, energy.vector_j, energy.network_j) == pytest.approx((0.32, 1.28, 0.32, 0.8))
    assert energy.static_j == pytest.approx(40.0)
    assert energy.total_j == pytest.approx(0.32 + 1.28 + 0.32 + 0.8 + 40)
    assert Work(1, 2, 3, 4) + Work(1, 1, 1, 1).times(2) == Work(3, 4, 5, 6)
