"""A measured number, and how often to measure."""

import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """One number. `asked` is the least that is wanted, or the most where `at_most`."""

    name: str
    value: float
    unit: str
    asked: float | None = None
    at_most: bool = False
    note: str = ""

    @property
    def reached(self) -> bool | None:
        if self.asked is None:
            return None
        return self.value <= self.asked if self.at_most else self.value >= self.asked


def best_seconds(work: Callable[[], object], repeats: int) -> float:
    """The least wall time of some repeats: what the machine can do when nothing else runs on it."""
    best = float("inf")
    for _ in range(repeats):
        began = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - began)
    return best
