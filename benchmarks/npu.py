"""NPU and NPU+PIM: wall time of iterations, channel cycles a second, the gain of simulating alike stages once."""

from collections.abc import Iterator

from benchmarks.figure import Figure, best_seconds
from bitline.sim.run.batch_run import BatchRun
from bitline.sim.run.run import execute, plan

SHAREGPT = {"lengths": "sharegpt", "seed": 3, "settings": {"policy.kv_layers": "one"}}
SMALL = {"model": "gpt3-125m", "batch": 4, "lengths": "alpaca", "seed": 3, "settings": {"memory.channels": 4}}
GEMM = "matmul m={0} n={0} k={0}"


def iteration(model: str, batch: int, **asked: object) -> BatchRun:
    found = execute(plan("neupims", model=model, batch=batch, **{**SHAREGPT, **asked}))[1]
    assert isinstance(found, BatchRun)
    return found


def channel_cycles(run: BatchRun) -> float:
    """Clocks of all channels that stood for others, over the regions that were simulated."""
    return sum(result.time_ps / float(run.part.tick_ps) * result.classes for result in run.known.values())


def measure(shrink: int = 1, repeats: int = 5) -> Iterator[Figure]:
    repeats = min(repeats, 3)
    quick = shrink > 1
    model, batch = ("gpt3-7b", 64) if quick else ("gpt3-13b", 256)
    seconds = best_seconds(lambda: iteration(model, batch), repeats).wall
    rate = channel_cycles(iteration(model, batch)) / seconds / 1e6
    note = f"neupims, {model}, batch {batch}, 32 channels"
    yield Figure("iteration on NeuPIMs", seconds, "s", None if quick else 5.0, at_most=True, note=note)
    yield Figure("simulated channel cycles", rate, "M cycles/s", note="of channels that stand for others")
    if not quick:
        large = best_seconds(lambda: iteration("gpt3-175b", 256), 1).wall
        yield Figure("iteration of gpt3-175b on NeuPIMs", large, "s", 20.0, at_most=True, note="batch 256, TP 8, PP 4")
    once, each = (
        best_seconds(lambda on=on: execute(plan("neupims", **SMALL), fast_forward=on), 1).wall for on in (True, False)
    )
    yield Figure("alike stages once, gain", each / once, "times", note="gpt3-125m, batch 4, 4 channels")
    size = 1024 if quick else 4096
    gemm = best_seconds(lambda: execute(plan("tpu-like", operator=GEMM.format(size))), repeats).wall
    yield Figure(
        f"GEMM of {size}^3 on tpu-like", gemm, "s", None if quick else 1.0, at_most=True, note="16 HBM2 channels"
    )
