"""DRAM on one core, event by event: requests a second of saturated loads. Nothing is fast-forwarded here."""

from collections.abc import Iterator

from benchmarks.figure import Figure, best_seconds
from bitline.arch.dram.memory import Memory

#: (part, controller, pattern, requests, millions of requests a second asked for)
LOADS = (
    ("ddr4-3200", "frfcfs", "random", 1_000_000, 2.0),
    ("ddr4-3200", "frfcfs", "stream", 4_000_000, 7.0),
    ("ddr4-3200", "frfcfs", "mix", 1_000_000, None),
    ("ddr4-3200", "frfcfs", "copy", 1_000_000, None),
    ("ddr4-3200", "dramsim3", "random", 500_000, None),
    ("ddr4-3200", "ramulator2", "random", 1_000_000, None),
    ("ddr5-4800", "frfcfs", "random", 1_000_000, None),
    ("hbm2-2000", "frfcfs", "random", 1_000_000, None),
)


def measure(shrink: int = 1, repeats: int = 5) -> Iterator[Figure]:
    for part, controller, pattern, requests, asked in LOADS:
        asked_of_all = requests // shrink

        def work(part=part, controller=controller, pattern=pattern, requests=asked_of_all) -> None:
            Memory(part, controller).run_pattern(pattern, requests)

        seconds = best_seconds(work, repeats)
        rate, by_wall = (asked_of_all / least / 1e6 for least in (seconds.thread, seconds.wall))
        name = f"DRAM {part} {controller} {pattern}"
        yield Figure(name, rate, "M requests/s", asked, note=f"one core; {by_wall:.3g} by wall time")
