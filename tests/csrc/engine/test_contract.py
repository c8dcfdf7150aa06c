"""What every component keeps, whatever it models. A new component adds one line to COMPONENTS."""

from collections import Counter
from dataclasses import dataclass, field

import numpy as np
import pytest

from bitline.arch.dram.part import load_part
from bitline.arch.pim.device import pim_device, rows_of_body
from bitline.csrc.engine import READ, REQUEST_BODY, WRITE, IdealMemory, Loop, NullDevice, Program, PythonComponent
from bitline.csrc.engine import Requester as RequesterCore
from bitline.csrc.engine.probes import RingStop, RowMemory
from bitline.csrc.pim.channel import PimChannel
from bitline.csrc.tasks.dispatcher import TASK, Dispatcher
from bitline.csrc.tasks.unit import Unit


class PythonRelay(PythonComponent):
    """Hands on what it receives, three cycles later."""

    def __init__(self):
        super().__init__("python", 1000, counters=("handed_on",))
        self.waiting = []

    def reset(self):
        super().reset()
        self.waiting = []

    def advance(self):
        while (message := self.receive()) is not None:
            self.waiting.append((self.cycle + 3, message))
        while self.waiting and self.waiting[0][0] <= self.cycle and self.has_room():
            self.send(0, *self.waiting.pop(0)[1])
            self.count("handed_on")
        if self.waiting and self.waiting[0][0] > self.cycle:
            self.wake_at(self.waiting[0][0])

    def waits(self):
        return ("room", 0) if self.waiting else super().waits()


def requester():
    body = np.array([(0, READ, 64, 0, 0), (3, WRITE, 32, 2, 0)], REQUEST_BODY)
    return RequesterCore("requester", 1000, Program(body, [Loop(20, [0, 1], stride=5)]), max_outstanding=3)


class Pim(PimChannel):
    """A GDDR6-AiM channel, with its counts in the form of the others."""

    def __init__(self):
        device = pim_device(load_part("gddr6-aim"), "gddr6-aim")
        super().__init__("pim", device.table, device.accesses)
        body = rows_of_body([(0, 2, 0, 0, 64, -1, 0), (0, 3, 0, 0, 1, -1, 0), (1, 4, 5, 3, 7, 0, 0)])
        self.add_program(Program(body, [Loop(6, [0, 1], stride=1)]))
        self.add_program(Program(body, [2, 1]))

    def counts(self):
        _ticks, issued = super().counts()
        return {"reads": issued.get("RD", 0), "accesses": issued.get("MAC16", 0)}


def dispatcher():
    core = Dispatcher("dispatcher", 1000, 1)
    tasks = np.zeros(30, TASK)
    tasks["program"], tasks["base"] = range(30), range(100, 130)
    core.load(tasks, [0, 0, 3, 3, 5, 9, *range(10, 20)], [1, 2, 7, 8, 9, 20, *range(20, 30)])
    return core


def requests(seed=1, n=40):
    """Requests at random cycles, some at one cycle, some after a pause."""
    rng = np.random.default_rng(seed)
    cycles = np.cumsum(rng.choice([0, 0, 1, 7, 60], n))
    return [
        (int(cycle), 0, (READ if i % 3 else WRITE, int(rng.integers(200)), 64, i)) for i, cycle in enumerate(cycles)
    ]


@dataclass(frozen=True)
class Case:
    make: object
    feed: list = field(default_factory=requests)
    echo: int | None = None  # the world answers after so many cycles
    sent: int = 40  # messages out of the component
    told: object = tuple  # what of a message does not depend on the time


COMPONENTS = {
    "null": Case(lambda: NullDevice("null", 1000)),
    "ideal": Case(lambda: IdealMemory("ideal", 1000, latency=30, bytes_per_cycle=24)),
    "ideal, short queue": Case(lambda: IdealMemory("ideal", 1000, latency=9, bytes_per_cycle=48, queue=2)),
    "rows": Case(lambda: RowMemory("rows", 1000, interval=97)),
    "hashed rows": Case(lambda: RowMemory("rows", 1000, interval=61, hashed=True)),
    "ring stop": Case(
        lambda: RingStop("stop", 1000, tokens=5, hops=3),
        feed=[(3 * i, 0, (1, 2, 0, 0)) for i in range(9)],
        sent=14,
        told=len,
    ),
    "requester": Case(requester, feed=[], echo=25),
    "python": Case(PythonRelay),
    "unit": Case(
        lambda: Unit("unit", 1000), feed=[(9 * i, 0, (1, i, 5, 0)) for i in range(20)], sent=20, told=lambda m: m[:2]
    ),
    "dispatcher": Case(dispatcher, feed=[], echo=25, sent=30),
    "pim channel": Case(
        Pim, feed=[(90 * i, 0, (1, i, i % 2, 3 * i)) for i in range(20)], sent=20, told=lambda m: m[:2]
    ),
}


@pytest.fixture(params=COMPONENTS)
def case(request):
    return COMPONENTS[request.param]


def outcome(parts):
    simulator, around, component = parts
    return around.received, component.counts(), simulator.messages()


def run(world, case, **options):
    parts = world(case.make(), feed=case.feed, echo=case.echo, **options)
    parts[0].run()
    return outcome(parts)


def test_a_run_in_slices_is_the_same_run(world, case):
    parts = world(case.make(), feed=case.feed, echo=case.echo)
    for time in range(0, 5_000_000, 7_777):
        parts[0].run(until=time)
    parts[0].run()
    assert outcome(parts) == run(world, case)


def test_a_wake_up_at_which_nothing_is_due_changes_nothing(world, case):
    parts = world(case.make(), feed=case.feed, echo=case.echo)
    simulator, _, component = parts
    for cycle in range(0, 3000, 3):
        simulator.run(until=cycle * 1000 - 1)
        simulator.wake(component, cycle * 1000)
        simulator.run(until=cycle * 1000)
        simulator.wake(component, cycle * 1000)  # and once more, after what was due
    simulator.run()
    assert outcome(parts) == run(world, case)


@pytest.mark.parametrize("capacity", [1, 2, 5])
def test_back_pressure_loses_and_repeats_nothing(world, case, capacity):
    free, counts, _ = run(world, case, capacity=64)
    stalled = set(range(10, 4000)) - set(range(10, 4000, 17))
    held, held_counts, _ = run(world, case, capacity=capacity, stalled=stalled)
    assert [case.told(message) for *_, message in held] == [case.told(message) for *_, message in free]
    assert all(cycle not in stalled for cycle, *_ in held)
    moved = ("reads", "writes", "bytes", "accesses", "passed", "answers", "busy", "handed_on")
    assert [held_counts.get(name) for name in moved] == [counts.get(name) for name in moved]


def test_reset_makes_it_as_new(world, case):
    parts = world(case.make(), feed=case.feed, echo=case.echo)
    parts[0].run(until=40_000)
    parts[0].reset()
    parts[0].run()
    first = outcome(parts)
    parts[0].reset()
    parts[0].run()
    assert outcome(parts) == first == run(world, case)


def test_the_order_of_insertion_does_not_matter(world, case):
    assert run(world, case, world_first=True) == run(world, case, world_first=False)


def test_every_message_is_sent_and_taken_once(world, case):
    received, _, messages = run(world, case)
    assert len(received) == case.sent
    assert all(sent == taken for *_, sent, taken in messages)


@pytest.mark.parametrize("name", ["null", "ideal", "ideal, short queue", "rows", "hashed rows", "python"])
def test_what_is_asked_is_answered_once(world, name):
    case = COMPONENTS[name]
    received, *_ = run(world, case)
    assert Counter(message for *_, message in received) == Counter((*entry[2], 0)[:4] for entry in case.feed)


# Where a requester stands in its program is moved by a region: test_fast_forward.py.
@pytest.mark.parametrize("name", ["null", "ideal", "rows", "hashed rows", "ring stop"])
@pytest.mark.parametrize("cut", [5, 60, 130, 333])
@pytest.mark.parametrize("later", [0, 1, 1_000_003])
def test_a_state_goes_on_alike_at_another_time(world, name, cut, later):
    case = COMPONENTS[name]
    feed = [entry for entry in case.feed if entry[0] < cut]
    simulator, around, component = world(case.make(), feed=feed, capacity=64)
    simulator.run(until=(cut + 1) * 1000)
    assert simulator.messages()[0][2] == simulator.messages()[0][3]  # all that was sent has been taken
    saved = component.save_state((cut + 1) * 1000)
    simulator.run()
    rest = [(cycle, message) for cycle, _, message in around.received if cycle > cut + 2]

    simulator, around, component = world(case.make(), capacity=64)
    simulator.run(until=0)  # the first wake-up, of a component that is as new
    new = len(around.received)
    start = cut + 1 + later
    component.load_state(start * 1000, *saved)
    simulator.wake(component, start * 1000)
    simulator.run()
    moved = [(cycle - later, message) for cycle, _, message in around.received[new:]]
    assert [entry for entry in moved if entry[0] > cut + 2] == rest
