"""The ideal memory and the null device against their closed forms, asked by a requester."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitline.base.errors import CapacityError, SpecError
from bitline.csrc.engine import (
    ANSWERED,
    ASKED,
    READ,
    REQUEST_BODY,
    WRITE,
    IdealMemory,
    Loop,
    NullDevice,
    Program,
    Requester,
    Simulator,
)


def program(n, *, size=64, pause=0, kind=READ, base=0, stride=1):
    return Program(np.array([(0, kind, size, pause, 0)], REQUEST_BODY), [Loop(n, [0], stride=stride)], base=base)


def run(memory, work, *, latency=1, capacity=64, **options):
    simulator = Simulator()
    requester = simulator.add(Requester("requester", 1000, work, logging=True, **options), device=0)
    simulator.add(memory, device=1)
    simulator.connect(requester, memory, latency=latency, capacity=capacity)
    simulator.connect(memory, requester, latency=latency, capacity=capacity)
    return simulator.run() // 1000, requester, memory


@given(st.integers(0, 200), st.integers(1, 200), st.integers(1, 300), st.integers(1, 9))
def test_an_unloaded_request_takes_the_bus_the_latency_and_the_ports(latency, bytes_per_cycle, size, port):
    memory = IdealMemory("memory", 1000, latency=latency, bytes_per_cycle=bytes_per_cycle)
    cycles, *_ = run(memory, program(1, size=size), latency=port)
    assert cycles == -(-size // bytes_per_cycle) + latency + 2 * port


@given(st.integers(2, 60), st.integers(2, 8))
def test_a_saturated_memory_moves_its_bandwidth(n, cycles_each):
    memory = IdealMemory("memory", 1000, latency=10, bytes_per_cycle=16)
    cycles, _, memory = run(memory, program(n, size=16 * cycles_each), max_outstanding=64)
    assert cycles == n * cycles_each + 10 + 2
    assert memory.counts()["bus_cycles"] == n * cycles_each
    assert memory.counts()["bytes"] == n * 16 * cycles_each


@given(st.integers(1, 50), st.integers(1, 20), st.integers(1, 50))
def test_throughput_is_what_littles_law_says(n, outstanding, latency):
    memory = IdealMemory("memory", 1000, latency=latency, bytes_per_cycle=64)
    _, requester, _ = run(memory, program(n), max_outstanding=outstanding)
    rows = requester.log_rows()
    asked, answered = (rows["tick"][rows["code"] == code] for code in (ASKED, ANSWERED))
    assert requester.counts()["wait_cycles"] == answered.sum() - asked.sum()
    waiting = np.arange(1, n + 1) - np.searchsorted(answered, asked, side="right")
    assert waiting.max() <= outstanding
    assert ((answered - asked) >= latency + 3).all()


@pytest.mark.parametrize("n_ports", [1, 2, 3])
def test_the_null_device_adds_nothing_to_the_ports(world, n_ports):
    feed = [(i, i % n_ports, (1, i, 0, 0)) for i in range(12)]
    simulator, around, _ = world(NullDevice("null", 1000, n_ports), feed=feed)
    simulator.run()
    assert around.received == [(cycle + 2, port, message) for cycle, port, message in feed]


def test_reads_and_writes_are_told_apart():
    _, requester, memory = run(IdealMemory("m", 1000, latency=3, bytes_per_cycle=32), program(7, kind=WRITE))
    assert (memory.counts()["reads"], memory.counts()["writes"]) == (0, 7)
    assert (requester.counts()["reads"], requester.counts()["writes"]) == (0, 7)


def test_a_pause_counts_from_the_request_before():
    _, requester, _ = run(IdealMemory("m", 1000, latency=3, bytes_per_cycle=64), program(5, pause=11))
    rows = requester.log_rows()
    assert np.diff(rows["tick"][rows["code"] == ASKED]).tolist() == [11] * 4


@pytest.mark.parametrize("memory", [{"latency": -1}, {"bytes_per_cycle": 0}, {"queue": 0}])
def test_a_memory_that_cannot_be_is_refused(memory):
    with pytest.raises(SpecError, match="'m'"):
        IdealMemory("m", 1000, **{"latency": 1, "bytes_per_cycle": 1, **memory})


@pytest.mark.parametrize("work", [program(1, size=0), program(1, pause=-1), program(1, kind=7)])
def test_a_request_that_cannot_be_is_refused(work):
    with pytest.raises(SpecError, match="'r'"):
        Requester("r", 1000, work)


def test_addresses_that_a_log_cannot_hold_are_refused():
    far = program(2, base=1 << 29)
    Requester("r", 1000, far)
    with pytest.raises(CapacityError, match="in a log"):
        Requester("r", 1000, far, logging=True)
