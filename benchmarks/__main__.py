"""`python -m benchmarks [--quick] [--json]`: every speed figure in one table.

Ratios are taken in one process, one after the other; every time is the best of some repeats. Rates of one thread are of
its processor time (DRAM has wall time beside it), waits are wall time. Exit status 1 when a
figure that was asked for is not reached (never with --quick, which is too short to say).
"""

import argparse
import dataclasses
import json
import platform
from collections.abc import Iterator
from pathlib import Path

from benchmarks import bound, dram, engine, loops, npu, pim, startup, sweep
from benchmarks.figure import Figure


def engine_figures(scale: int, repeats: int) -> Iterator[Figure]:
    runs = [engine.measure(scale) for _ in range(repeats)]
    for name in ("ring", "queue"):
        best = max(runs, key=lambda measured, name=name: measured[f"{name}_ratio"])
        ours, theirs = best[f"{name}_events_per_s"], best[f"{name}_simpy_events_per_s"]
        note = f"{ours / 1e6:.2f} against {theirs / 1e6:.3f} M events/s"
        yield Figure(f"engine over SimPy, {name}", best[f"{name}_ratio"], "times", 10.0, note=note)


def figures(quick: bool) -> Iterator[Figure]:
    shrink, repeats = (100, 1) if quick else (1, 5)
    yield from engine_figures(1, 1 if quick else 3)
    yield from dram.measure(shrink, repeats)
    yield from pim.measure(shrink, repeats)
    yield from npu.measure(shrink, repeats)
    yield from bound.measure(shrink, repeats)
    yield from sweep.measure(shrink, repeats)
    yield from loops.measure(shrink, repeats)
    yield from startup.measure(repeats)


def machine() -> str:
    """Processor, cores, Python."""
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    name = names[0] if names else platform.processor() or platform.machine()
    return f"{name}, {len(names) or '?'} cores, Python {platform.python_version()}"


def line(figure: Figure) -> str:
    asked = "" if figure.asked is None else f"{'<=' if figure.at_most else '>='} {figure.asked:g}"
    mark = {None: "", True: "yes", False: "NO"}[figure.reached]
    value = f"{figure.value:.3g}" if figure.value < 1000 else f"{figure.value:,.0f}"
    return f"{figure.name:<38} {value:>8} {figure.unit:<13} {asked:<7} {mark:<4} {figure.note}".rstrip()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure how fast the simulator is.")
    parser.add_argument("--quick", action="store_true", help="a hundredth of the work: does everything still run?")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args()
    measured = []
    if not options.json:
        print(f"{machine()}\n\n{'figure':<38} {'value':>8} {'unit':<13} {'asked':<7} {'met':<4} note")
    for figure in figures(options.quick):
        measured.append(figure)
        if not options.json:
            print(line(figure), flush=True)
    if options.json:
        rows = [{**dataclasses.asdict(figure), "reached": figure.reached} for figure in measured]
        print(json.dumps({"machine": machine(), "quick": options.quick, "figures": rows}, indent=2))
    return int(not options.quick and any(figure.reached is False for figure in measured))


if __name__ == "__main__":
    raise SystemExit(main())
