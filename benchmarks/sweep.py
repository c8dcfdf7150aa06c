"""Sweeps: what the machinery costs a point, and a thousand design points of PIM-GPT cycle by cycle."""

import dataclasses
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from functools import cache

import bitline
from benchmarks.figure import Figure
from bitline.sim.run.result import Result
from bitline.sim.study import Point, make_study, sweep
from bitline.sim.study.workers.machine import cores

CHANNELS = [8, 12, 16, 20, 24, 28, 32, 40, 48, 64]
LINKED = {
    "memory.organisation.burst_length": {"expr": "max(16, memory.pim.lanes_per_bank)"},
    "memory.timing_ck.tBL": {"expr": "max(2, memory.pim.lanes_per_bank // 8)"},
}
MODELS = ["gpt2", "gpt2-medium", "gpt2-large", "gpt2-xl"]


@cache
def _result() -> Result:
    return bitline.run("pim-gpt", model="gpt2", level="bound")


def known(point: Point) -> Result:
    """A whole result of usual size, in no time."""
    return dataclasses.replace(_result(), time_s=1e-3 * (point.context or 1))


def overhead(points: int) -> tuple[float, float]:
    """(processor, wall) time in ms that a sweep takes a point beside the run of it; all is written to disk."""
    channels = list(range(8, 18))
    study = make_study(
        system="pim-gpt",
        models=["gpt2"],
        contexts=list(range(1, points // len(channels) + 1)),
        settings={"memory.channels": channels},
    )
    _result()
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter(), time.thread_time()
        ran = sweep(study, folder, runner=known).ran
        return 1e3 * (time.thread_time() - began[1]) / ran, 1e3 * (time.perf_counter() - began[0]) / ran


def designs(shrink: int) -> tuple[int, float, float]:
    """(points, wall seconds, processor seconds) of channels x lanes x buffers x models x contexts at the cycle level."""
    study = make_study(
        system="pim-gpt",
        models=MODELS,
        contexts=[512] if shrink > 1 else [128, 512],
        settings={
            "memory.channels": CHANNELS[:1] if shrink > 1 else CHANNELS,
            "memory.pim.lanes_per_bank": [8, 16, 32],
            "memory.pim.global_buffer_bytes": [512, 1024, 2048, 4096][: 1 if shrink > 1 else 4],
            **LINKED,
        },
    )
    with tempfile.TemporaryDirectory() as folder:
        began, before = time.perf_counter(), _processor_seconds()
        summary = sweep(study, folder, jobs=min(2, cores()))
        return summary.points, time.perf_counter() - began, _processor_seconds() - before


def _processor_seconds() -> float:
    """Of this process and of its children that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def peak_gb(points: int) -> float:
    """Memory in GB of a sweep of many points, in a process of its own."""
    code = f"from benchmarks.sweep import overhead, peak_bytes; overhead({points}); print(peak_bytes())"
    ended = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return int(ended.stdout) / 1e9


def peak_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10


def measure(shrink: int = 1, repeats: int = 5) -> Iterator[Figure]:
    points = max(10, 2000 // shrink)
    processor, wall = min(overhead(points) for _ in range(min(repeats, 3)))
    note = f"{points:,} points, processor time; {wall:.1f} ms by wall time, each written to disk"
    yield Figure("sweep, overhead of a point", processor, "ms", 5.0, at_most=True, note=note)
    points, wall, processor = designs(shrink)
    note = f"wall time, {min(2, cores())} workers; {1e3 * processor / points:.0f} ms of processor time a point"
    asked = 120.0 if shrink == 1 else None
    yield Figure(f"sweep of {points:,} PIM-GPT points, cycle", wall, "s", asked, at_most=True, note=note)
    points = 100_000 // shrink
    note = f"{points:,} points, whole process"
    yield Figure("sweep, memory", peak_gb(points), "GB", 1.0, at_most=True, note=note)
