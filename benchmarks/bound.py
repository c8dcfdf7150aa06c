"""The bound level over columns: whole decode iterations of Llama-2-7B, every operator of every layer, a second."""

from collections.abc import Iterator
from typing import Any

import numpy as np

import bitline
from benchmarks.figure import Figure, best_seconds
from bitline.sim.study.bound_columns import PointColumns, bound_columns

POINTS = 1_000_000
WORKLOAD = {"model": "llama-2-7b", "phase": "decode", "batch": 1, "context": 1024}


def processors(points: int) -> dict[str, Any]:
    """Random GPUs with efficiencies."""
    random = np.random.default_rng(1)
    return WORKLOAD | {
        "system": "gpu-only",
        "processor.peak_tflops": random.uniform(50, 1000, points),
        "processor.bandwidth_gb_s": random.uniform(500, 5000, points),
        "processor.power_w": random.integers(100, 700, points),
        "processor.efficiency.matmul.bandwidth": random.uniform(0.3, 1, points),
    }


def pim_systems(points: int) -> dict[str, Any]:
    """Random PIM-GPTs: eight counts of channels, two ways of softmax, and ASICs."""
    random = np.random.default_rng(2)
    return WORKLOAD | {
        "system": "pim-gpt",
        "memory.channels": random.choice([32, 40, 48, 56, 64, 80, 96, 128], points),
        "policy.softmax": random.choice(["by_chunk", "whole"], points).tolist(),
        "asic.adders": random.integers(16, 1024, points),
        "asic.multipliers": random.integers(16, 1024, points),
        "asic.clock_mhz": random.integers(200, 2000, points),
        "asic.taylor_terms": random.integers(3, 9, points),
    }


def one_by_one(columns: dict[str, Any], points: int) -> None:
    """The same points as single runs."""
    table = PointColumns(len(columns["processor.power_w"]), columns)
    for row in range(points):
        bitline.run(**table.point(row, "bound").arguments())


def measure(shrink: int = 1, repeats: int = 5) -> Iterator[Figure]:
    points, repeats = POINTS // shrink, min(repeats, 3)
    took = {}
    for name, make in (("processor", processors), ("PIM", pim_systems)):
        columns = make(points)
        seconds = best_seconds(lambda columns=columns: bound_columns(PointColumns(points, columns)), repeats).thread
        took[name] = seconds
        # Of one thread; the figure that is asked for allows two cores.
        note = f"{points / seconds / 1e6:.2f} M points/s, Llama-2-7B, one core"
        yield Figure(f"bound of {points:,} points, {name}", seconds, "s", 10.0, at_most=True, note=note)
    few = max(1, 200 // shrink)
    single = best_seconds(lambda: one_by_one(processors(few), few), repeats).thread / few
    yield Figure("bound, columns over single runs", single * points / took["processor"], "times", note="processor")
