"""`python -m benchmarks.a100_efficiency`: what A100 kernels reach of the card's peaks, fitted to measured times.

Prints the `efficiency` of `arch/systems/gpu-only.yaml`, and the error of the fit by operator. The model of a kernel is
`overhead + max(flops / (compute peak), bytes / (bandwidth peak))` with bytes as a trace counts them; for each kind of
operator the mean of |ln(model / measured)| is least over a grid: shares in steps of 0.01, overhead in steps of 0.5 us.

Kernels other than matmuls whose data may still lie in the L2 cache from the repeat before say nothing about the memory,
and are held out: those of 4 MB or less show the overhead, those above twice the cache show the bandwidth. Held out as
well are sources of another kernel than the fitted one. All stand in the table with their error.
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bitline.arch.roofline.spec import KernelEfficiency

REFERENCE = Path(__file__).parent.parent / "tests/reference/gpu"

# The measured card: A100 SXM4 80 GB (NVIDIA data sheet).
PEAK_FLOPS = 312e12
PEAK_BYTES_PER_S = 2039e9
L2_BYTES = 40e6
SMALL_BYTES = L2_BYTES / 10
BYTES = 2

# Time of the framework inside LLMCompass's figures, as the same repository measured it.
HOST_S = {"matmul": 21e-6, "softmax": 12e-6, "norm": 45e-6, "activation": 45e-6}

SHARES = np.arange(10, 101) / 100
OVERHEADS_S = np.arange(0, 21) * 0.5e-6


@dataclass(frozen=True)
class Kernel:
    """One measured kernel. `fitted`: the fit sees it; the others are held out."""

    kind: str
    source: str
    flops: float
    bytes: float
    time_s: float
    fitted: bool = True


def read(name: str) -> Iterator[dict[str, str]]:
    with (REFERENCE / name).open() as file:
        yield from csv.DictReader(file)


def gemm(source: str, m: float, n: float, k: float, time_s: float, fitted: bool = True) -> Kernel:
    return Kernel("matmul", source, 2 * m * n * k, BYTES * (m * k + k * n + m * n), time_s, fitted)


def vector(kind: str, source: str, moved: float, time_s: float, fitted: bool = True) -> Kernel:
    cached = SMALL_BYTES < moved < 2 * L2_BYTES
    return Kernel(kind, f"{source}, in L2" if cached else source, 0, moved, time_s, fitted and not cached)


def llama_kernels() -> Iterator[Kernel]:
    """Device times of Llama-2 layers: everything but softmax and layer norm is fitted to them."""
    for row in read("a100_llama2_ops.csv"):
        names = ("tokens", "tensor_parallel", "hidden", "ffn", "heads", "kv_heads")
        t, p, hidden, ffn, heads, kv_heads = (int(row[name]) for name in names)
        dim, source, wide = hidden // heads, "Llama-2 layers", BYTES * t * hidden
        measured_s = {name.removesuffix("_ms"): float(row[name]) * 1e-3 for name in row if name.endswith("_ms")}
        yield gemm(source, t, (heads + 2 * kv_heads) * dim / p, hidden, measured_s["attn_pre_proj"])
        yield gemm(source, t, hidden, heads * dim / p, measured_s["attn_post_proj"])
        yield gemm(source, t, 2 * ffn / p, hidden, measured_s["mlp_up_proj"])
        yield gemm(source, t, hidden, ffn / p, measured_s["mlp_down_proj"])
        rotated = t * (heads + kv_heads) * dim / p
        yield vector("activation", "SiLU times gate", 3 * BYTES * t * ffn / p, measured_s["mlp_act"])
        yield vector("elementwise", "residual add", 3 * wide, measured_s["add"])
        yield vector("rope", "rotation", 2 * BYTES * rotated, measured_s["attn_rope"])
        yield vector("embedding", "look-up", 2 * wide, measured_s["emb"])
        for name in ("input_layernorm", "post_attention_layernorm"):
            yield vector("norm", "RMS norm", 2 * wide, measured_s[name], fitted=False)


def framework_kernels() -> Iterator[Kernel]:
    """Host times of PyTorch operators, less the framework's own: softmax and layer norm are fitted to them."""
    for row in read("a100_matmul.csv"):
        m, n, k = (int(row[name]) for name in "mnk")
        yield gemm("GEMM, n = k = 12288", m, n, k, float(row["latency_ms"]) * 1e-3 - HOST_S["matmul"], fitted=False)
    for kind, name, source in (("softmax", "softmax", "softmax"), ("norm", "layernorm", "layer norm")):
        for row in read(f"a100_{name}.csv"):
            moved = BYTES * 2 * int(row["m"]) * int(row["n"])
            yield vector(kind, source, moved, float(row["latency_ms"]) * 1e-3 - HOST_S[kind])


def gpt3_kernels() -> Iterator[Kernel]:
    """GPT-3 175B over four cards, 8 x 2048 tokens: held out."""
    tokens, hidden, heads, keys, source = 8 * 2048, 12288, 96 // 4, 2048, "GPT-3 175B, prefill"
    measured_s = {row["op"]: float(row["latency_ms"]) * 1e-3 for row in read("a100_gpt3_layer_prefill.csv")}
    shapes = {"qkv_proj": (3 * hidden // 4, hidden), "wo_proj": (hidden, hidden // 4), "w1_proj": (hidden, hidden)}
    shapes["w2_proj"] = (hidden, hidden)
    for name, (n, k) in shapes.items():
        yield gemm(source, tokens, n, k, measured_s[name] - HOST_S["matmul"], fitted=False)
    rows = {
        ("norm", "layernorm_mha"): tokens * hidden,
        ("activation", "gelu"): tokens * hidden,
        ("softmax", "softmax"): tokens * heads * keys,
    }
    for (kind, name), elements in rows.items():
        yield vector(kind, source, BYTES * 2 * elements, measured_s[name] - HOST_S[kind], fitted=False)


def kernels() -> list[Kernel]:
    return [*llama_kernels(), *framework_kernels(), *gpt3_kernels()]


def fit(rows: list[Kernel]) -> KernelEfficiency:
    """The best point of the grid. Kernels without FLOPs say nothing about compute: that share stays 1."""
    flops, moved, time_s = (np.array([getattr(row, name) for row in rows]) for name in ("flops", "bytes", "time_s"))
    compute = SHARES[:, None, None, None] if flops.any() else np.ones((1, 1, 1, 1))
    bandwidth = SHARES[:, None, None]
    work = np.maximum(flops / (PEAK_FLOPS * compute), moved / (PEAK_BYTES_PER_S * bandwidth))
    errors = [np.abs(np.log((overhead + work) / time_s)).mean(axis=-1)[..., 0] for overhead in OVERHEADS_S]
    overhead, at, share = np.unravel_index(int(np.argmin(errors)), np.shape(errors))
    return KernelEfficiency(
        compute=float(compute.ravel()[at]),
        bandwidth=float(SHARES[share]),
        overhead_us=float(OVERHEADS_S[overhead] * 1e6),
    )


def attention(like: KernelEfficiency) -> KernelEfficiency:
    """Attention of one new token: the fastest measured read of a KV cache that the card's memory can explain.

    One card and one kernel. The rest is assumed to be as in `like`.
    """
    shares = []
    for row in read("a100_decode_attention.csv"):
        numbers = [int(row[name]) for name in ("batch", "kv_heads", "head_dim", "context")]
        reached = 2 * BYTES * float(np.prod(numbers)) / (float(row["latency_us"]) * 1e-6)
        shares.append(reached / (float(row["peak_gb_s"]) * 1e9))
    best = max(share for share in shares if share <= 1)
    return KernelEfficiency(compute=like.compute, bandwidth=round(best, 2), overhead_us=like.overhead_us)


def all_efficiencies() -> dict[str, KernelEfficiency]:
    rows = kernels()
    kinds = dict.fromkeys(row.kind for row in rows)
    found = {kind: fit([row for row in rows if row.fitted and row.kind == kind]) for kind in kinds}
    # Not measured: a kernel that scatters rows, as small as the rotation before it.
    return found | {"attention": attention(found["matmul"]), "kv_append": found["rope"]}


def model_s(row: Kernel, reached: KernelEfficiency) -> float:
    compute = row.flops / (PEAK_FLOPS * reached.compute)
    return reached.overhead_us * 1e-6 + max(compute, row.bytes / (PEAK_BYTES_PER_S * reached.bandwidth))


def errors(rows: list[Kernel], reached: dict[str, KernelEfficiency]) -> list[tuple[str, str, bool, np.ndarray]]:
    """(kind, source, fitted, model / measured - 1), a row for each set of kernels."""
    sets = dict.fromkeys((row.kind, row.source, row.fitted) for row in rows)
    return [
        (*key, np.array([model_s(row, reached[row.kind]) / row.time_s - 1 for row in rows if _key(row) == key]))
        for key in sorted(sets)
    ]


def _key(row: Kernel) -> tuple[str, str, bool]:
    return row.kind, row.source, row.fitted


def all_reduce() -> tuple[float, float]:
    """(start-up time in s, bus bandwidth in bytes/s) of an all-reduce in one node, by the same measure of error."""
    rows = [[float(row[name]) for name in ("workers", "bytes", "latency_ms")] for row in read("a100_all_reduce.csv")]
    workers, moved, time_ms = np.array(rows).T
    traffic = 2 * (workers - 1) / workers * moved
    start_s, bus = np.arange(1, 101)[:, None, None] * 1e-6, np.arange(50, 301)[:, None] * 1e9
    error = np.abs(np.log((start_s + traffic / bus) / (time_ms * 1e-3))).mean(axis=-1)
    best = np.unravel_index(int(np.argmin(error)), error.shape)
    return float(start_s[best[0], 0, 0]), float(bus[best[1], 0])


def main() -> None:
    reached = all_efficiencies()
    for kind, found in reached.items():
        said = ", ".join(f"{name}: {value:g}" for name, value in found.model_dump(exclude_defaults=True).items())
        print(f"    {kind}: {{{said}}}")
    start_s, bus = all_reduce()
    print(f"\nall-reduce in a node: {start_s * 1e6:.0f} us + 2 (n - 1) / n bytes / {bus / 1e9:.0f} GB/s\n")
    print(f"{'kind':<12} {'kernels':<24} {'':<8} {'rows':>4} {'median':>7} {'median ||':>9} {'worst':>7}")
    for kind, source, fitted, error in errors(kernels(), reached):
        worst = error[np.argmax(np.abs(error))]
        note = "fitted" if fitted else "held out"
        figures = f"{len(error):>4} {np.median(error):>+7.1%} {np.median(np.abs(error)):>9.1%} {worst:>+7.0%}"
        print(f"{kind:<12} {source:<24} {note:<8} {figures}")


if __name__ == "__main__":
    main()
