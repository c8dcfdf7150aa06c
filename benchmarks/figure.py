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


@dataclass(frozen=True)
class Seconds:
    """The least times of some repeats. `thread` is what this thread computed: other processes do not stretch it."""

    wall: float
    thread: float


def best_seconds(work: Callable[[], object], repeats: int) -> Seconds:
    """Run some times and keep the least of each clock: what the machine can do when nothing else runs on it."""
    wall, thread = [], []
    for _ in range(repeats):
        began = time.perf_counter(), time.thread_time()
        work()
        wall.append(time.perf_counter() - began[0])
        thread.append(time.thread_time() - began[1])
    return Seconds(min(wall), min(thread))
