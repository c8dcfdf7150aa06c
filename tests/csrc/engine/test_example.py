"""The example and the benchmark's models run, and say what they ought to."""

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]


def load(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_example_says_when_a_compressor_pays():
    done = subprocess.run(
        [sys.executable, ROOT / "examples/engine_component.py"], capture_output=True, text=True, check=True
    )
    gains = [float(gain) for gain in re.findall(r"([\d.]+) x as fast", done.stdout)]
    assert len(gains) == 5
    assert gains == sorted(gains, reverse=True)
    # 64 bytes take the memory 4 cycles: as slow a compressor neither helps nor hurts, a slower one hurts.
    assert gains[0] > 1.3
    assert gains[3] == pytest.approx(1, abs=0.01)
    assert gains[4] == pytest.approx(4 / 6, abs=0.01)


def test_the_benchmark_runs_the_same_models_in_both_engines():
    engine = load(ROOT / "benchmarks/engine.py")
    ours, theirs = engine.ring_ours(50), engine.ring_simpy(50)
    assert ours[1] == theirs[1] == 50 * engine.TOKENS
    assert ours[0] == theirs[0]
    ours, theirs = engine.queue_ours(300), engine.queue_simpy(300)
    assert ours[1] == theirs[1] == 300
    assert ours[0] == pytest.approx(theirs[0], abs=3)
