"""Every benchmark and every reliability check runs, with little to do."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def run(*words, status=0):
    done = subprocess.run(
        [sys.executable, "-m", *map(str, words)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == status, done.stdout[-2000:] + done.stderr[-2000:]
    return done.stdout


def test_every_benchmark_gives_a_number():
    found = json.loads(run("benchmarks", "--quick", "--json"))
    assert found["quick"] is True
    names = [figure["name"] for figure in found["figures"]]
    assert len(set(names)) == len(names)
    topics = {name.split(",")[0].split()[0] for name in names}
    assert topics >= {"engine", "DRAM", "PIM", "token", "iteration", "GEMM", "bound", "sweep", "import", "bitline"}
    assert all(figure["value"] > 0 for figure in found["figures"])


@pytest.mark.slow
def test_the_reliability_page_has_every_check(tmp_path):
    page = tmp_path / "page.md"
    run("benchmarks.reliability", "--quick", "--seed", 7, "--markdown", page)
    text = page.read_text()
    assert "--quick --seed 7" in text
    topics = ("Timing", "Checker", "Tightness", "Conservation", "Closed forms", "Fast-forward", "Determinism", "Store")
    for topic in (*topics, "Bad input", "Memory", "Overflow", "Metamorphic", "Memory safety"):
        assert f"\n## {topic}\n" in text
    assert "**no**" not in text


@pytest.mark.parametrize("check", ["closed forms", "fast-forward", "bad input"])
def test_a_check_alone_finds_nothing_wrong(check):
    text = run("benchmarks.reliability", "--quick", "--only", check)
    assert text
    assert all(line.startswith(("yes ", "-   ")) for line in text.splitlines())


def test_the_sanitizer_script_is_sound_shell():
    script = ROOT / "benchmarks/sanitize.sh"
    assert os.access(script, os.X_OK)
    subprocess.run(["bash", "-n", str(script)], check=True)
