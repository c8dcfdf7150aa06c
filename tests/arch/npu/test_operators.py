from dataclasses import replace

import pytest

from bitline.arch.npu.bound import products_of, vector_unit
from bitline.arch.npu.energy import work_of
from bitline.arch.npu.jobs import AttentionJob, GemmJob, VectorJob
from bitline.arch.npu.lower import lower
from bitline.arch.npu.mapping import load_mapping
from bitline.arch.npu.memory_map import MemoryMap
from bitline.arch.npu.operators import jobs_of
from bitline.arch.npu.spec import load_npu
from bitline.base.errors import CapacityError, SpecError
from bitline.traces import Trace, build_trace, load_model

SPEC = load_npu("tpu-v4-like")
UNIT = vector_unit(SPEC.vector)
MODELS = ["gpt2-xl", "llama-2-7b", "mistral-7b", "mixtral-8x7b", "deepseek-v2-lite", "gemma-2-2b"]


def all_jobs(trace: Trace, *, fuse: bool = True) -> list:
    return [
        (one.operator, job)
        for block in trace.blocks
        for one in jobs_of(block.operators, fuse=fuse, kv_page=128)
        for job in one.jobs
    ]


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("phase", ["decode", "prefill"])
@pytest.mark.parametrize("attention", ["split", "fused"])
def test_every_operator_of_a_model_runs(name, phase, attention):
    trace = build_trace(load_model(name), phase, batch=2, context=300, attention=attention)
    memory, mapping = MemoryMap(1 << 45), load_mapping("traffic")
    for _, job in all_jobs(trace):
        lowered = lower(job, SPEC, mapping, memory, UNIT)
        assert any(lowered.programs)
        moved = lowered.counts.load_bytes + lowered.counts.store_bytes
        assert moved >= job.unique_bytes - SPEC.cores
        if not isinstance(job, VectorJob):
            assert lowered.counts.macs == job.macs
            assert work_of(lowered, SPEC).macs == job.macs


@pytest.mark.parametrize("name", ["gpt2-xl", "llama-2-7b", "mistral-7b", "gemma-2-2b"])
@pytest.mark.parametrize("attention", ["split", "fused"])
@pytest.mark.parametrize("fuse", [True, False])
def test_jobs_of_decode_have_the_products_of_the_trace(name, attention, fuse):
    trace = build_trace(load_model(name), "decode", batch=3, contexts=[10, 250, 77], attention=attention)
    made = sum(job.macs for _, job in all_jobs(trace, fuse=fuse) if not isinstance(job, VectorJob))
    assert made == pytest.approx(sum(products_of(op) for block in trace.blocks for op in block.operators))


def test_jobs_move_what_the_operators_say_where_nothing_is_fused():
    trace = build_trace(load_model("gpt2-xl"), "decode", batch=3, contexts=[10, 250, 77])
    by_operator: dict[str, int] = {}
    for operator, job in all_jobs(trace, fuse=False):
        by_operator[operator.name] = by_operator.get(operator.name, 0) + job.unique_bytes
    operators = {operator.name: operator for block in trace.blocks for operator in block.operators}
    for name, moved in by_operator.items():
        operator = operators[name]
        if operator.kind in ("matmul", "attention"):
            assert moved == operator.bytes


def test_queries_of_a_group_are_rows_of_one_product():
    trace = build_trace(load_model("mistral-7b"), "decode", batch=2, context=100)  # 32 heads, 8 of keys
    scores = [job for operator, job in all_jobs(trace) if operator.part == "score"]
    assert {(job.m, job.k, job.n, job.batch) for job in scores} == {(4, 128, 100, 8)}


def test_elementwise_operators_follow_in_the_accumulator():
    trace = build_trace(load_model("gpt2-xl"), "decode", batch=2, context=10)
    fused = all_jobs(trace, fuse=True)
    apart = all_jobs(trace, fuse=False)
    assert len(fused) < len(apart)
    epilogues = [job.epilogue for _, job in fused if isinstance(job, GemmJob) and job.epilogue]
    assert any("gelu" in step.function for steps in epilogues for step in steps)


def test_fused_attention_is_one_job_a_request():
    trace = build_trace(load_model("gpt2-xl"), "decode", batch=3, context=10, attention="fused")
    jobs = [job for operator, job in all_jobs(trace) if operator.kind == "attention"]
    layers = sum(len(block.operators) > 3 for block in trace.blocks)
    assert len(jobs) == 3 * layers
    assert all(isinstance(job, AttentionJob) for job in jobs)


def test_an_operator_that_an_npu_does_not_do_is_named():
    trace = build_trace(load_model("gpt2-xl"), "decode", batch=1, context=10)
    operator = replace(trace.blocks[0].operators[0], kind="all_reduce", name="layer0.reduce")
    with pytest.raises(SpecError, match=r"'layer0\.reduce' of kind 'all_reduce'"):
        jobs_of([operator], fuse=True)


def test_a_model_that_does_not_fit_says_what_is_missing():
    trace = build_trace(load_model("llama-2-7b"), "decode", batch=1, context=10)
    memory, mapping = MemoryMap(64 << 20), load_mapping("traffic")
    with pytest.raises(CapacityError, match=r"bytes .* are missing"):
        _ = [lower(job, SPEC, mapping, memory, UNIT) for _, job in all_jobs(trace)]
