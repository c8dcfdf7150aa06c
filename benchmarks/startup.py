"""How long a user waits before anything runs: each in a fresh process, the interpreter's own start taken off."""

import sys
from collections.abc import Iterator
from subprocess import run

from benchmarks.figure import Figure, best_seconds


def seconds_of(code: str, repeats: int) -> float:
    return best_seconds(lambda: run([sys.executable, "-c", code], check=True, capture_output=True), repeats).wall


def measure(repeats: int = 5) -> Iterator[Figure]:
    bare = seconds_of("pass", repeats)
    whole = seconds_of("import bitline", repeats)
    yield Figure("import bitline", max(whole - bare, 0.0), "s", 0.3, at_most=True, note=f"interpreter {bare:.3f} s")
    called = "import sys; sys.argv = ['bitline', '--help']; from bitline.sim.cli.main import main; main()"
    yield Figure("bitline --help", seconds_of(called, repeats), "s", 0.5, at_most=True, note="whole process")
