"""Fast-forward on and off: the same time, counts, messages and logs, over random programs, memories and clocks."""

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bitline.base.errors import SpecError
from bitline.csrc.engine import (
    READ,
    REQUEST_BODY,
    WRITE,
    IdealMemory,
    Loop,
    NullDevice,
    Program,
    PythonComponent,
    Region,
    Requester,
    Simulator,
)
from bitline.csrc.engine.probes import RowMemory


@dataclass
class Bench:
    """A requester and a memory, with all that can differ."""

    program: Program
    memory: dict
    mhz: tuple = (1000, 1000)
    ask: dict | None = None
    answer: dict | None = None
    outstanding: int = 8

    def build(self, *, fast, table=None):
        simulator = Simulator()
        kind = IdealMemory if "latency" in self.memory else RowMemory
        requester = Requester("requester", self.mhz[0], self.program, max_outstanding=self.outstanding, logging=True)
        memory = kind("memory", self.mhz[1], **self.memory)
        simulator.add(requester, device=0)
        simulator.add(memory, device=1)
        simulator.connect(requester, memory, **(self.ask or {}))
        simulator.connect(memory, requester, **(self.answer or {}))
        region = simulator.fast_forward([requester, memory], table) if fast else None
        return simulator, requester, memory, region

    def run(self, *, fast, table=None, until=()):
        """(all that has to be equal, the region)."""
        simulator, requester, memory, region = self.build(fast=fast, table=table)
        seen = []
        for time in until:
            simulator.run(until=time)
            seen.append(requester.log_rows().tobytes())
        seen += [simulator.run(), requester.counts(), memory.counts(), simulator.messages()]
        return [*seen, requester.log_rows().tobytes()], region


@st.composite
def programs(draw, max_trips=40):
    n = draw(st.integers(1, 4))
    body = np.zeros(n, REQUEST_BODY)
    for row in body:
        row["offset"] = draw(st.integers(0, 80))
        row["kind"] = draw(st.sampled_from([READ, WRITE]))
        row["bytes"] = draw(st.sampled_from([32, 64, 96]))
        row["pause"] = draw(st.sampled_from([0, 0, 0, 1, 5, 30]))

    def items(depth, most):
        entries = draw(st.lists(st.integers(-1 if depth else 0, n - 1), min_size=1, max_size=3))
        return [
            item
            if item >= 0
            else Loop(
                draw(st.integers(0, most)),
                items(depth - 1, max(3, most // 4)),
                stride=draw(st.sampled_from([0, 0, 1, 3, 16, 64, 100])),
                marked=draw(st.sampled_from([True, True, False])),
            )
            for item in entries
        ]

    outer = Loop(draw(st.integers(1, max_trips)), items(2, 12), stride=draw(st.sampled_from([0, 1, 64, 71])))
    return Program(body, [*items(0, 0), outer, outer, *items(1, 5)], base=draw(st.integers(0, 1000)))


ports = st.fixed_dictionaries({"latency": st.integers(1, 4), "capacity": st.integers(1, 6), "width": st.integers(1, 2)})
memories = st.one_of(
    st.fixed_dictionaries(
        {"latency": st.integers(0, 50), "bytes_per_cycle": st.sampled_from([8, 24, 64]), "queue": st.integers(1, 9)}
    ),
    st.fixed_dictionaries(
        {
            "columns": st.sampled_from([1, 7, 16]),
            "banks": st.sampled_from([1, 4]),
            "interval": st.sampled_from([47, 61, 211, 997]),
            "hashed": st.sampled_from([False, False, False, True]),
        }
    ),
)
benches = st.builds(
    Bench,
    programs(),
    memories,
    mhz=st.sampled_from([(1000, 1000), (1000, 500), (1200, 900), (933, 1600), (1333, 1000), (700, 2100)]),
    ask=ports,
    answer=ports,
    outstanding=st.integers(1, 9),
)


def check(bench, data):
    plain, _ = bench.run(fast=False)
    fast, region = bench.run(fast=True)
    assert fast == plain
    again, known = bench.run(fast=True, table=region.table)
    assert again == plain
    assert known.statistics()["simulated"] <= region.statistics()["simulated"]
    until = sorted(data.draw(st.lists(st.integers(0, plain[0] + 1), max_size=3)))
    assert bench.run(fast=True, until=until)[0] == bench.run(fast=False, until=until)[0]


@settings(max_examples=300)
@given(benches, st.data())
def test_fast_forward_equals_full_simulation(bench, data):
    check(bench, data)


@pytest.mark.slow
@settings(max_examples=3000)
@given(benches, st.data())
def test_fast_forward_equals_full_simulation_of_many_programs(bench, data):
    check(bench, data)


def periodic(rng):
    """A loop of many trips over a random body."""
    n = int(rng.integers(1, 5))
    body = np.zeros(n, REQUEST_BODY)
    body["offset"] = rng.integers(0, 64, n)
    body["kind"] = rng.choice([READ, WRITE], n)
    body["bytes"] = rng.choice([32, 64], n)
    body["pause"] = rng.choice([0, 0, 3, 9], n)
    loop = Loop(3000, list(range(n)), stride=int(rng.choice([0, 1, 16, 64])))
    if rng.random() < 0.5:
        memory = {"latency": int(rng.integers(60)), "bytes_per_cycle": int(rng.choice([16, 24, 64]))}
    else:
        memory = {"interval": int(rng.choice([199, 499, 997])), "columns": int(rng.choice([8, 16]))}
    mhz = ((1000, 1000), (1000, 500), (1200, 900))[int(rng.integers(3))]
    return Bench(Program(body, [loop]), memory, mhz=mhz, outstanding=int(rng.integers(1, 9)))


def test_fast_forward_fires_in_nine_of_ten_periodic_programs():
    rng = np.random.default_rng(20)
    fired = []
    for _ in range(120):
        _, region = periodic(rng).run(fast=True)
        fired.append(region.statistics()["replayed"] > 1500)
    assert np.mean(fired) > 0.9


def single(trips, *, stride=16, marked=True, **memory):
    body = np.array([(0, READ, 64, 0, 0), (7, WRITE, 32, 2, 0)], REQUEST_BODY)
    return Bench(Program(body, [Loop(trips, [0, 1], stride=stride, marked=marked)]), memory)


def test_ten_million_iterations_cost_a_few_wake_ups():
    simulator, requester, _, region = single(10**7, stride=1, latency=9, bytes_per_cycle=32).build(fast=True)
    simulator.run()
    assert requester.counts()["answers"] == 2 * 10**7
    assert region.statistics()["simulated"] < 100
    assert simulator.events < 2000
    assert len(requester.log_rows(limit=1000)) == 1000


def test_iterations_of_three_states_fold_as_those_of_one():
    # 500 MHz against 1.5 GHz and 24 bytes: the phase comes back every few iterations, not every one.
    bench = single(100_000, stride=0, latency=9, bytes_per_cycle=24)
    bench.mhz = (1200, 900)
    _, region = bench.run(fast=True)
    assert region.statistics()["simulated"] < 300
    assert region.table.sizes()["transitions"] < 3000


def test_a_hashed_mapping_is_off_and_says_why():
    _, region = single(500, hashed=True).run(fast=True)
    assert region.statistics() == {
        "markers": 501,
        "replayed": 0,
        "simulated": 500,
        "off_because": {"address": 500},
    }


def test_a_hashed_mapping_is_no_hindrance_where_the_address_stays():
    _, region = single(500, stride=0, hashed=True).run(fast=True)
    assert region.statistics()["replayed"] > 400
    assert region.statistics()["off_because"] == {}


def test_a_full_table_forgets_nothing_and_keeps_no_more():
    bench = single(4000, interval=997)
    plain, _ = bench.run(fast=False)
    simulator, requester, memory, _ = bench.build(fast=False)
    table = Region.table_for([requester, memory], max_bytes=90_000)
    fast, region = bench.run(fast=True, table=table)
    assert fast == plain
    assert table.full
    assert region.statistics()["off_because"]["memory"] > 0
    assert table.sizes()["bytes"] < 400_000
    assert simulator.now == 0


def test_places_that_a_log_cannot_hold_turn_it_off():
    body = np.array([(0, READ, 64, 0, 0)], REQUEST_BODY)
    bench = Bench(Program(body, [Loop(50, [0])], base=1 << 28), {"latency": 3, "bytes_per_cycle": 64})
    plain, _ = bench.run(fast=False)
    assert bench.run(fast=True)[0] == plain


def test_clocks_that_do_not_meet_again_cost_little():
    bench = single(50_000, stride=1, latency=20, bytes_per_cycle=32)
    bench.mhz = (1000, 1333.3331)
    plain, _ = bench.run(fast=False)
    fast, region = bench.run(fast=True)
    assert fast == plain
    assert region.statistics()["off_because"]["new"] > 40_000
    assert region.table.sizes()["states"] < 8000


def test_an_unmarked_loop_is_never_looked_at():
    _, region = single(500, marked=False, latency=9, bytes_per_cycle=32).run(fast=True)
    assert region.statistics()["markers"] == 0


def test_reset_keeps_what_is_known():
    simulator, requester, _, region = single(1000, latency=9, bytes_per_cycle=24).build(fast=True)
    first = simulator.run(), requester.log_rows().tobytes()
    simulated = region.statistics()["simulated"]
    simulator.reset()
    assert (simulator.run(), requester.log_rows().tobytes()) == first
    assert region.statistics()["simulated"] < simulated


class Bystander(PythonComponent):
    def advance(self):
        pass


def test_a_region_is_closed():
    simulator = Simulator()
    program = single(5).program
    requester = simulator.add(Requester("requester", 1000, program), device=0)
    null = simulator.add(NullDevice("null", 1000, 2), device=1)
    other = simulator.add(Bystander("other", 1000), device=2)
    simulator.connect(requester, null)
    simulator.connect(null, requester)
    simulator.connect(other, null)
    with pytest.raises(SpecError, match="'null' receives from a component outside"):
        simulator.fast_forward([requester, null])
    with pytest.raises(SpecError, match="'requester' sends to a component outside"):
        simulator.fast_forward([requester])
    with pytest.raises(SpecError, match="'other' cannot be relocated"):
        simulator.fast_forward([requester, null, other])


def test_a_region_is_not_rewired():
    simulator, requester, memory, _ = single(5, latency=1, bytes_per_cycle=64).build(fast=True)
    with pytest.raises(SpecError, match="in a region"):
        simulator.connect(memory, requester)
    with pytest.raises(SpecError, match="two regions"):
        simulator.fast_forward([requester, memory])


def test_a_table_fits_the_regions_that_share_it():
    *_, region = single(5, latency=1, bytes_per_cycle=64).build(fast=True)
    with pytest.raises(SpecError, match="a table for 2 components with 0 timers"):
        single(5, interval=61).build(fast=True, table=region.table)


def test_a_hashed_bank_is_the_same_only_a_whole_turn_of_rows_further():
    rng = np.random.default_rng(5)
    for _ in range(150):
        n = int(rng.integers(1, 4))
        body = np.zeros(n, REQUEST_BODY)
        body["offset"], body["bytes"], body["kind"] = rng.integers(0, 80, n), 32, READ
        inner = Loop(int(rng.integers(2, 9)), list(range(n)), stride=0)
        outer = Loop(int(rng.integers(2, 30)), [inner], stride=int(rng.choice([16, 64, 71, 100])))
        memory = {"columns": int(rng.choice([1, 7, 16])), "interval": int(rng.choice([61, 211, 997])), "hashed": True}
        bench = Bench(Program(body, [outer]), memory, mhz=(1200, 900), outstanding=int(rng.integers(1, 9)))
        assert bench.run(fast=True)[0] == bench.run(fast=False)[0]
