"""How a run ends: done, at a time, in a deadlock that says who waits for whom, or with an error."""

import signal

import pytest

from bitline.base.errors import DeadlockError, InternalError, SpecError
from bitline.csrc.engine import IdealMemory, NullDevice, PythonComponent, Simulator
from bitline.csrc.engine.probes import RingStop


class Stubborn(PythonComponent):
    """Waits for a message or for room, for ever."""

    def __init__(self, name, waits, **ports):
        super().__init__(name, 1000, **ports)
        self.wanted = waits

    def advance(self):
        pass

    def waits(self):
        return self.wanted


def ring(*components, **port):
    simulator = Simulator()
    for device, component in enumerate(components):
        simulator.add(component, device=device)
    for sender, receiver in zip(components, (*components[1:], components[0]), strict=True):
        simulator.connect(sender, receiver, **port)
    return simulator


def test_a_deadlock_says_who_waits_for_whom():
    simulator = ring(
        Stubborn("cook", ("message", 0)), Stubborn("waiter", ("room", 0)), Stubborn("guest", ("nothing", -1))
    )
    with pytest.raises(DeadlockError) as caught:
        simulator.run()
    text = str(caught.value)
    assert "'cook' waits for a message from 'guest'" in text
    assert "'waiter' waits for room to send to 'guest'" in text
    assert "'guest' waits" not in text
    assert caught.value.exit_status == 3


def test_a_ring_with_more_tokens_than_room_is_a_deadlock():
    stops = [RingStop(f"stop {i}", 1000, tokens=9, hops=10**6) for i in range(3)]
    with pytest.raises(DeadlockError, match="'stop 0' waits for room to send to 'stop 1'"):
        ring(*stops, capacity=1).run()


def test_a_component_that_has_work_and_sleeps_is_named():
    with pytest.raises(DeadlockError, match="'sleepy' has work and was never woken"):
        ring(Stubborn("sleepy", ("time", -1)), NullDevice("null", 1000)).run()


def test_tokens_go_round_and_end():
    stops = [RingStop(f"stop {i}", 1000, tokens=2 if i == 0 else 0, hops=29) for i in range(5)]
    simulator = ring(*stops)
    # 30 hops a token; the second starts a cycle after the first.
    assert simulator.run() == 31_000
    assert sum(stop.counts()["passed"] for stop in stops) == 60
    assert sum(stop.counts()["ended"] for stop in stops) == 2


def test_an_open_port_is_refused():
    simulator = Simulator()
    memory = simulator.add(IdealMemory("memory", 1000, latency=5, bytes_per_cycle=64), device=0)
    with pytest.raises(SpecError, match="'memory' has 0 input ports"):
        simulator.run()
    null = simulator.add(NullDevice("null", 1000), device=1)
    simulator.connect(memory, null)
    simulator.connect(null, memory)
    assert simulator.run() == 0


def test_components_of_two_simulators_cannot_be_connected():
    here, there = Simulator(), Simulator()
    a = here.add(NullDevice("a", 1000), device=0)
    b = there.add(NullDevice("b", 1000), device=0)
    with pytest.raises(SpecError, match="not of this simulator"):
        here.connect(a, b)
    with pytest.raises(SpecError, match="already added"):
        there.add(a, device=1)


def test_time_that_stands_still_is_an_error():
    class Restless(PythonComponent):
        def __init__(self):
            super().__init__("restless", 1000, inputs=0, outputs=0)

        def advance(self):
            simulator.wake(self, self.now_ps)

        def waits(self):
            return "time", -1

    simulator = Simulator()
    simulator.add(Restless(), device=0)
    with pytest.raises(InternalError, match="time stands still at 0 ps: 'restless'"):
        simulator.run()


def test_a_run_until_a_time_stops_there_and_goes_on():
    simulator = ring(*(RingStop(f"stop {i}", 1000, tokens=int(i == 0), hops=99) for i in range(4)))
    assert simulator.run(until=50_499) == 50_000
    assert simulator.now == 50_000
    assert simulator.run() == 100_000


@pytest.mark.parametrize("error", [ValueError("mine"), KeyboardInterrupt()])
def test_what_a_component_raises_comes_out_of_run(error):
    class Faulty(PythonComponent):
        def __init__(self):
            super().__init__("faulty", 1000, inputs=0, outputs=0)

        def advance(self):
            if self.cycle == 3:
                raise error
            self.wake_at(3)

    simulator = Simulator()
    simulator.add(Faulty(), device=0)
    with pytest.raises(type(error)):
        simulator.run()
    assert simulator.now == 3000


def test_control_c_ends_a_run_of_cores():
    stops = [RingStop(f"stop {i}", 1000, tokens=int(i == 0), hops=1 << 40) for i in range(4)]
    old = signal.signal(signal.SIGALRM, signal.default_int_handler)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.02)
        with pytest.raises(KeyboardInterrupt):
            ring(*stops).run()
    finally:
        signal.signal(signal.SIGALRM, old)
