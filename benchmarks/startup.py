"""How long a user waits before anything runs: each in a fresh process."""

import sys
from collections.abc import Iterator
from subprocess import run

from benchmarks.figure import Figure, best_seconds


def seconds_of(code: str, repeats: int) -> float:
    return best_seconds(lambda: run([sys.executable, "-c", code], check=True, capture_output=True), repeats).wall


def measure(repeats: int = 5) -> Iterator[Figure]:
    bare = seconds_of("pass", repeats)
    note = f"whole process; {bare:.3f} s for the interpreter alone"
    yield Figure("import bitline", seconds_of("import bitline", repeats), "s", 0.3, at_most=True, note=note)
    called = "import sys; sys.argv = ['bitline', '--help']; from bitline.sim.cli.main import main; main()"
    yield Figure("bitline --help", seconds_of(called, repeats), "s", 0.5, at_most=True, note="whole process")
