"""Edges of a clock lie at n * num // den ps: no drift, no floats."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitline.base.errors import CapacityError, SpecError
from bitline.csrc.engine import ClockDomain, PythonComponent, Simulator

FREQUENCIES = st.integers(1, 5_000_000).map(lambda khz: Fraction(khz, 1000))


@given(FREQUENCIES, st.integers(0, 10**9))
def test_an_edge_lies_where_exact_arithmetic_puts_it(frequency, n):
    assert ClockDomain(frequency).time_of(n) == n * 10**6 // frequency


@given(FREQUENCIES, st.integers(0, 10**15))
def test_the_edges_next_to_a_time_enclose_it(frequency, time):
    clock = ClockDomain(frequency)
    after, before = clock.at_or_after(time), clock.at_or_before(time)
    assert clock.time_of(before) <= time <= clock.time_of(after)
    assert after - before <= 1
    assert after == 0 or clock.time_of(after - 1) < time


@pytest.mark.parametrize("mhz", [1333, 1666.6667, 933, 2133.33])
def test_a_period_that_is_no_whole_ps_does_not_drift(mhz):
    clock = ClockDomain(mhz)
    assert clock.time_of(10**12) == 10**12 * clock.period_ps // 1
    assert clock.at_or_after(clock.time_of(10**12)) == 10**12


@given(FREQUENCIES, st.integers(0, 10**6))
def test_the_time_between_two_edges_is_a_period_rounded(frequency, n):
    clock = ClockDomain(frequency)
    assert abs(clock.time_of(n + 1) - clock.time_of(n) - clock.period_ps) < 1


@pytest.mark.parametrize("mhz", [0, -5, Fraction(1, 10**7)])
def test_a_clock_that_cannot_be_is_refused(mhz):
    with pytest.raises(SpecError):
        ClockDomain(mhz)


def test_an_edge_past_the_end_of_time_is_an_error():
    clock = ClockDomain(1000)
    last = (2**62 - 3) // 1000
    assert clock.time_of(last) == last * 1000
    for edge in (last + 1, 2**63 // 1000 - 1, 2**63 // 1000 + 1, 2**80):
        with pytest.raises(CapacityError, match="53 days"):
            clock.time_of(edge)


class Sleeper(PythonComponent):
    def __init__(self, until):
        super().__init__("sleeper", 1000, inputs=0, outputs=0)
        self.until = until

    def advance(self):
        if self.cycle < self.until:
            self.wake_at(self.until)


@pytest.mark.parametrize("cycle", [2**62 // 1000 + 1, 2**63 // 1000 - 1, 2**63 - 1])
def test_a_run_past_the_end_of_time_is_an_error(cycle):
    simulator = Simulator()
    simulator.add(Sleeper(cycle), device=0)
    with pytest.raises(CapacityError, match="53 days"):
        simulator.run()


def test_a_run_up_to_the_end_of_time_is_not():
    simulator = Simulator()
    cycle = (2**62 - 3) // 1000
    simulator.add(Sleeper(cycle), device=0)
    assert simulator.run() == cycle * 1000
