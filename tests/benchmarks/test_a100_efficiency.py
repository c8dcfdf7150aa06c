"""The efficiencies of `gpu-only` are those that the measured kernels give, by the fit that its source names."""

import numpy as np
import pytest

from benchmarks import a100_efficiency as fit
from bitline.arch.roofline.bound import kernel_time_s
from bitline.arch.roofline.spec import KernelEfficiency, ProcessorSpec
from bitline.arch.systems.system import load_system
from bitline.traces import build_trace

GPU = load_system("gpu-only").processor
# The measured card with the efficiencies of gpu-only.
MEASURED_CARD = ProcessorSpec(
    peak_tflops=fit.PEAK_FLOPS / 1e12,
    bandwidth_gb_s=fit.PEAK_BYTES_PER_S / 1e9,
    memory_gb=80,
    power_w=400,
    efficiency=GPU.efficiency,
)
OPERATOR_OF = {
    "attention.qkv": "attn_pre_proj",
    "attention.output": "attn_post_proj",
    "ffn.gate_up": "mlp_up_proj",
    "ffn.down": "mlp_down_proj",
}


@pytest.fixture(scope="module")
def fitted():
    return fit.all_efficiencies()


@pytest.fixture(scope="module")
def errors():
    found = fit.errors(fit.kernels(), GPU.efficiency)
    return {(kind, source): error for kind, source, _, error in found}


def test_the_spec_holds_what_the_fit_gives(fitted):
    assert GPU.efficiency == fitted


def test_the_fit_finds_the_efficiency_of_made_up_kernels():
    true = KernelEfficiency(compute=0.6, bandwidth=0.7, overhead_us=4)
    shapes = [(m, 4096, k) for m in (1, 64, 512, 4096) for k in (256, 4096, 16384)]
    made = [fit.gemm("", *shape, 1.0) for shape in shapes]
    measured = [fit.gemm("", *shape, fit.model_s(row, true)) for shape, row in zip(shapes, made)]
    assert fit.fit(measured) == true


def test_errors_of_the_fit_are_as_stated(errors):
    """Median without sign; a median of 20 to 26% too slow at the large square GEMMs is known."""
    medians = {key: float(np.median(np.abs(error))) for key, error in errors.items()}
    assert medians["matmul", "Llama-2 layers"] < 0.07
    assert medians["elementwise", "residual add"] < 0.06
    assert medians["norm", "layer norm"] < 0.10
    assert medians["softmax", "softmax"] < 0.08
    assert medians["rope", "rotation"] < 0.12
    assert medians["activation", "SiLU times gate"] < 0.19
    assert 0.15 < np.median(errors["matmul", "GEMM, n = k = 12288"]) < 0.25


def test_attention_reads_no_faster_than_the_memory(fitted):
    assert fitted["attention"].bandwidth == pytest.approx(64 * 4096 * 8 * 128 * 4 / 818.838e-6 / 1555e9, abs=0.005)


def test_operators_of_a_trace_take_the_time_that_was_measured():
    """Llama-2 7B on one card: shapes, bytes and FLOPs come from the trace here, from the table's shapes in the fit."""
    ratios = []
    for row in fit.read("a100_llama2_ops.csv"):
        if (row["model"], row["tensor_parallel"]) == ("Llama-2-7b-hf", "1"):
            trace = build_trace("llama-2-7b", phase="decode", batch=int(row["tokens"]), context=16, dtype="fp16")
            for operator in trace.blocks[1].operators:
                name = OPERATOR_OF.get(operator.name.removeprefix("layer0."))
                if name:
                    time, _ = kernel_time_s(MEASURED_CARD, operator)
                    ratios.append(time / (float(row[f"{name}_ms"]) * 1e-3))
    assert len(ratios) == 9 * 4
    assert np.median(ratios) == pytest.approx(1, abs=0.03)
    assert np.abs(np.log(ratios)).max() < np.log(1.4)


def test_all_reduce_is_slower_than_its_links():
    start_s, bus = fit.all_reduce()
    assert 10e-6 < start_s < 60e-6
    assert 100e9 < bus < 300e9


def test_it_prints_the_spec_and_the_errors(capsys):
    fit.main()
    text = capsys.readouterr().out
    assert "matmul: {compute: 0.71, bandwidth: 0.79, overhead_us: 6}" in text
    assert "held out" in text
