"""Wake-ups go by (time, rank, device, index), whatever the order of insertion."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitline.base.errors import SpecError
from bitline.csrc.engine import PythonComponent, Simulator


class Ticker(PythonComponent):
    def __init__(self, name, mhz, cycles, log):
        super().__init__(name, mhz, inputs=0, outputs=0)
        self.cycles = sorted(cycles)
        self.log = log

    def advance(self):
        self.log.append((self.now_ps, self.name))
        later = [cycle for cycle in self.cycles if cycle > self.cycle]
        if later:
            self.wake_at(later[0])


places = st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(0, 3))
tickers = st.lists(
    st.tuples(places, st.sampled_from([500, 900, 1000, 1333]), st.sets(st.integers(1, 40), max_size=8)),
    min_size=1,
    max_size=12,
    unique_by=lambda ticker: ticker[0],
)


def run(entries):
    log = []
    simulator = Simulator()
    for place, mhz, cycles in entries:
        rank, device, index = place
        simulator.add(Ticker(str(place), mhz, cycles, log), rank=rank, device=device, index=index)
    simulator.run()
    return log


@given(tickers, st.randoms(use_true_random=False))
def test_wake_ups_are_in_order_of_time_and_place(entries, rng):
    log = run(entries)
    order = {str(place): place for place, *_ in entries}
    assert log == sorted(log, key=lambda entry: (entry[0], order[entry[1]]))
    assert len(log) == sum(1 + len(cycles) for *_, cycles in entries)
    shuffled = list(entries)
    rng.shuffle(shuffled)
    assert run(shuffled) == log


def test_the_index_counts_as_a_number_not_as_text():
    entries = [((0, 0, index), 1000, {1}) for index in (10, 9, 2, 1)]
    random.Random(1).shuffle(entries)
    assert [name for _, name in run(entries)[:4]] == ["(0, 0, 1)", "(0, 0, 2)", "(0, 0, 9)", "(0, 0, 10)"]


def test_two_components_cannot_share_a_place():
    simulator = Simulator()
    simulator.add(Ticker("a", 1000, (), []), device=3)
    with pytest.raises(SpecError, match="shares the place"):
        simulator.add(Ticker("b", 1000, (), []), device=3)


@pytest.mark.parametrize("place", [{"device": -1}, {"device": 1 << 20}, {"device": 0, "rank": -1}])
def test_a_place_has_to_be_in_range(place):
    with pytest.raises(SpecError, match="place"):
        Simulator().add(Ticker("a", 1000, (), []), **place)
