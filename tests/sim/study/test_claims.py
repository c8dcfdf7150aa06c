import os
import subprocess
import sys

import pytest

from bitline.sim.study import claims
from bitline.sim.study.claims import Claims, open_claims, started
from bitline.sim.study.store import Outcome, open_store

BOTH = ("done", "failed")


@pytest.fixture
def store(tmp_path):
    with open_store(tmp_path) as store:
        yield store


@pytest.fixture
def two(store):
    return Claims(store), Claims(store)


def test_a_point_is_claimed_by_one(two):
    one, other = two
    assert one.take("ab", BOTH) == ({"a", "b"}, set())
    assert other.take("bc", BOTH) == ({"c"}, {"b"})
    assert one.take("abc", BOTH) == ({"a", "b"}, {"c"})


def test_a_finished_point_is_nobodys(store, two):
    one, other = two
    one.take("ab", BOTH)
    store.put([Outcome("a", "done", {}, {}), Outcome("b", "failed", {"error": "x"})])
    assert other.take("ab", BOTH) == (set(), set())
    assert other.take("ab", ["done"]) == ({"b"}, set())


def test_what_is_given_up_can_be_claimed(store):
    with open_claims(store) as one:
        one.take("ab", BOTH)
    assert store.read("SELECT * FROM owners") == store.read("SELECT * FROM claims") == []
    assert Claims(store).take("ab", BOTH).ours == {"a", "b"}


def test_a_dead_process_holds_nothing(store, two):
    one, other = two
    one.take("ab", BOTH)
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    store.write("UPDATE owners SET pid = ? WHERE owner = ?", (dead.pid, one.owner))
    assert other.take("a", BOTH).ours == {"a"}
    assert store.read("SELECT key FROM claims WHERE owner = ?", (one.owner,)) == []


def test_a_process_of_another_start_has_not_the_same_claims(store, two):
    """Numbers of processes come back."""
    one, other = two
    one.take("a", BOTH)
    store.write("UPDATE owners SET started = 'before' WHERE owner = ?", (one.owner,))
    assert other.take("a", BOTH).ours == {"a"}


def test_another_machine_holds_its_points_as_long_as_its_beats_go_on(store, two, monkeypatch):
    one, other = two
    one.take("a", BOTH)
    store.write("UPDATE owners SET machine = 'elsewhere', pid = 1 WHERE owner = ?", (one.owner,))
    now = [0.0]
    monkeypatch.setattr(claims.time, "monotonic", lambda: now[0])
    for beat in range(3):
        store.write("UPDATE owners SET beat = ? WHERE owner = ?", (beat, one.owner))
        assert other.take("a", BOTH).others == {"a"}
        now[0] += claims.LEASE_S
        assert other.take("a", BOTH).others == {"a"}
    now[0] += 1
    assert other.take("a", BOTH).ours == {"a"}


def test_claims_beat_while_they_are_open(store, monkeypatch):
    monkeypatch.setattr(claims, "BEAT_S", 0.001)
    with open_claims(store) as one:
        one.take(["a"], ["done"])
        while store.read("SELECT beat FROM owners WHERE owner = ?", (one.owner,)) < [(3,)]:
            pass


def test_a_process_is_known_by_when_it_was_started():
    assert started(os.getpid()) == started(os.getpid()) != ""
    assert started(1 << 22) == ""
