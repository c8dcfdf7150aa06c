"""The checks of the reliability page can fail: a broken log, a broken answer and a broken run are seen."""

import random

import numpy as np
import pytest

from benchmarks.reliability.bad_input import Kind, wrong_about
from benchmarks.reliability.mutants import MUTATIONS, Accepted
from benchmarks.reliability.mutate import by_bytes, by_structure
from benchmarks.reliability.streams import run_logged, stream
from benchmarks.reliability.timing import Corpus, judge, refresh_interval
from bitline.arch.dram.memory import Memory
from bitline.sim.check import Checker, CommandLog

KIND = Kind("part", "p.yaml", b"", None, ())


@pytest.fixture(scope="module")
def accepted():
    memory = Memory("ddr4-3200")
    _result, (log,) = run_logged(memory, stream(memory, 8_000, seed=1))
    checker = Checker("ddr4-3200")
    return checker, Accepted(log, checker.check(log), refresh_interval(checker, log))


def test_a_log_that_breaks_a_rule_is_counted(accepted):
    checker, sound = accepted
    found = Corpus()
    judge(found, checker, sound.log, "sound", seed=0, mutants=0)
    assert found.violations == []
    rows = sound.log.rows.copy()
    rows["cycle"][1:] -= rows["cycle"][1:2] - rows["cycle"][:1]
    judge(found, checker, CommandLog(rows, "bitline"), "early", seed=0, mutants=0)
    assert len(found.violations) == 1


@pytest.mark.parametrize("kind", MUTATIONS)
def test_mutants_differ_from_their_log_and_are_caught(accepted, kind):
    checker, sound = accepted
    mutants = list(MUTATIONS[kind](sound, np.random.default_rng(0), 2))
    assert mutants
    for mutant in mutants:
        assert mutant.rows.tobytes() != sound.log.rows.tobytes()
        assert not checker.check(mutant).passed


@pytest.mark.parametrize(
    ("status", "said", "seconds", "left", "says"),
    [
        (2, "bitline: p.yaml: x\n", 0.1, ["p.yaml"], ""),
        (0, "", 0.1, ["out.csv", "p.yaml"], ""),
        (3, "bitline: internal error\n", 0.1, ["p.yaml"], "status 3"),
        (1, "", 0.1, ["p.yaml"], "status 1"),
        (-1, "did not end", 20.0, ["p.yaml"], "status -1"),
        (2, "bitline: p.yaml: x\n", 2.5, ["p.yaml"], "took 2.5 s"),
        (2, "bitline: p.yaml: x\nmore\n", 0.1, ["p.yaml"], "2 lines"),
        (2, "bitline: p.yaml: " + "x" * 400 + "\n", 0.1, ["p.yaml"], "characters"),
        (2, "bitline: p.yaml: x\n", 0.1, ["out.csv", "p.yaml"], "left"),
    ],
)
def test_a_wrong_answer_to_a_wrong_file_is_seen(status, said, seconds, left, says):
    found = wrong_about(KIND, status, said, seconds, left)
    assert (found == "") == (says == "")
    assert says in found


def test_documents_are_changed_and_the_same_for_a_seed():
    data = {"a": {"b": [1, 2]}, "c": "x"}
    changed = [by_structure(random.Random(i), data) for i in range(40)]
    assert sum(one != data for one in changed) > 35
    assert repr(changed) == repr([by_structure(random.Random(i), data) for i in range(40)])
    assert data == {"a": {"b": [1, 2]}, "c": "x"}
    assert sum(by_bytes(random.Random(i), b"LD 0x40\n" * 9) != b"LD 0x40\n" * 9 for i in range(40)) > 25
