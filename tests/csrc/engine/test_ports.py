"""Ports: at least a cycle of the receiver, so many at a time, so many in flight, in order."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitline.base.errors import CapacityError, SpecError
from bitline.csrc.engine import ClockDomain, PythonComponent, Simulator


class Sender(PythonComponent):
    """Sends `n` messages as early as it may; notes when it did."""

    def __init__(self, mhz, n):
        super().__init__("sender", mhz, inputs=0, outputs=1)
        self.left, self.sent = n, []

    def advance(self):
        while self.left and self.has_room():
            self.send(0, 7, a=self.left)
            self.sent.append(self.now_ps)
            self.left -= 1


class Receiver(PythonComponent):
    """Takes up to `rate` messages every `every` cycles."""

    def __init__(self, mhz, rate=10**6, every=1):
        super().__init__("receiver", mhz, inputs=1, outputs=0)
        self.rate, self.every, self.taken = rate, every, []

    def advance(self):
        if self.cycle % self.every:
            self.wake_at(self.cycle + self.every - self.cycle % self.every)
            return
        for _ in range(self.rate):
            message = self.receive()
            if message is None:
                break
            self.taken.append((self.now_ps, message.a))
        if self.peek() is not None:
            self.wake_at(self.cycle + 1)


def transfer(n=20, *, send_mhz=1000, receive_mhz=1000, rate=10**6, every=1, **port):
    simulator = Simulator()
    sender = simulator.add(Sender(send_mhz, n), device=0)
    receiver = simulator.add(Receiver(receive_mhz, rate, every), device=1)
    simulator.connect(sender, receiver, **port)
    simulator.run()
    return sender.sent, receiver.taken


mhz = st.integers(300, 3000)


@given(mhz, mhz, st.integers(1, 5), st.integers(1, 6), st.integers(1, 3))
def test_a_message_takes_at_least_its_latency(send_mhz, receive_mhz, latency, capacity, width):
    sent, taken = transfer(send_mhz=send_mhz, receive_mhz=receive_mhz, latency=latency, capacity=capacity, width=width)
    clock = ClockDomain(receive_mhz)
    for when, (arrived, _) in zip(sent, taken, strict=True):
        assert arrived >= clock.time_of(clock.at_or_after(when) + latency)
    assert [number for _, number in taken] == list(range(20, 0, -1))  # all of them, in order
    for edge in {arrived for arrived, _ in taken}:
        assert sum(arrived == edge for arrived, _ in taken) <= width


@given(mhz, mhz, st.integers(1, 6), st.integers(1, 9))
def test_no_more_are_in_flight_than_the_port_holds(send_mhz, receive_mhz, capacity, every):
    sent, taken = transfer(send_mhz=send_mhz, receive_mhz=receive_mhz, rate=1, every=every, capacity=capacity, width=3)
    for i, when in enumerate(sent):
        assert i - sum(arrived < when for arrived, _ in taken) < capacity


def test_room_comes_back_one_sender_cycle_after_the_message_was_taken():
    sent, taken = transfer(n=3, capacity=1, receive_mhz=500)
    assert [arrived for arrived, _ in taken] == [2000, 6000, 10000]
    assert sent == [0, 3000, 7000]


def test_an_idle_port_of_full_width_passes_one_a_cycle():
    _, taken = transfer(n=100, capacity=8, width=1)
    assert [arrived for arrived, _ in taken] == [1000 * i for i in range(1, 101)]


@pytest.mark.parametrize("port", [{"latency": 0}, {"latency": -1}, {"capacity": 0}, {"width": 0}])
def test_a_port_that_cannot_be_is_refused(port):
    with pytest.raises(SpecError, match="port"):
        transfer(**port)


def test_sending_to_a_full_port_is_an_error():
    class Pusher(Sender):
        def advance(self):
            for _ in range(5):
                self.send(0, 1)

    simulator = Simulator()
    pusher = simulator.add(Pusher(1000, 5), device=0)
    receiver = simulator.add(Receiver(1000), device=1)
    simulator.connect(pusher, receiver, capacity=4)
    with pytest.raises(CapacityError, match="full port"):
        simulator.run()


@given(st.fractions(Fraction(1, 2), 4000).filter(lambda f: f > 0))
def test_a_message_between_any_two_clocks_waits_for_a_whole_cycle(frequency):
    sent, taken = transfer(n=1, receive_mhz=frequency)
    assert taken[0][0] - sent[0] >= 10**6 // frequency - 1
