"""The event engine against SimPy: the same two models in one process, in events of the model per second.

An event is a token handed on (ring) or a request served (queue): both engines do exactly the same ones.
"""

import time

import numpy as np
import simpy

from bitline.csrc.engine import READ, REQUEST_BODY, IdealMemory, Loop, Program, Requester, Simulator
from bitline.csrc.engine.probes import RingStop

STOPS, TOKENS = 16, 8
LATENCY, CYCLES_EACH, OUTSTANDING = 40, 4, 16


def ring_ours(hops: int) -> tuple[int, int]:
    """(cycles, events) of tokens that go round a ring, one cycle a hop."""
    stops = [RingStop(f"stop {i}", 1000, tokens=int(i < TOKENS), hops=hops - 1) for i in range(STOPS)]
    simulator = Simulator()
    for device, stop in enumerate(stops):
        simulator.add(stop, device=device)
    for stop, following in zip(stops, (*stops[1:], stops[0]), strict=True):
        simulator.connect(stop, following, capacity=4)
    return simulator.run() // 1000, sum(stop.counts()["passed"] for stop in stops)


def ring_simpy(hops: int) -> tuple[int, int]:
    env = simpy.Environment()
    ports = [simpy.Store(env, capacity=4) for _ in range(STOPS)]
    passed = [0]

    def stop(i):
        if i < TOKENS:
            passed[0] += 1
            yield env.timeout(1)
            yield ports[(i + 1) % STOPS].put(hops - 1)
        while True:
            left = yield ports[i].get()
            if left:
                passed[0] += 1
                yield env.timeout(1)
                yield ports[(i + 1) % STOPS].put(left - 1)

    for i in range(STOPS):
        env.process(stop(i))
    env.run()
    return int(env.now), passed[0]


def queue_ours(n: int) -> tuple[int, int]:
    """(cycles, events) of requests to a memory of one bus and a latency, some outstanding at a time."""
    body = np.array([(0, READ, 64, 0, 0)], REQUEST_BODY)
    simulator = Simulator()
    requester = simulator.add(
        Requester("requester", 1000, Program(body, [Loop(n, [0])]), max_outstanding=OUTSTANDING), device=0
    )
    memory = simulator.add(IdealMemory("memory", 1000, latency=LATENCY, bytes_per_cycle=64 // CYCLES_EACH), device=1)
    simulator.connect(requester, memory, capacity=OUTSTANDING)
    simulator.connect(memory, requester, capacity=OUTSTANDING)
    return simulator.run() // 1000, requester.counts()["answers"]


def queue_simpy(n: int) -> tuple[int, int]:
    env = simpy.Environment()
    slots = simpy.Resource(env, OUTSTANDING)
    bus = simpy.Resource(env, 1)
    answered = [0]

    def request(slot):
        yield env.timeout(1)
        with bus.request() as turn:
            yield turn
            yield env.timeout(CYCLES_EACH)
        yield env.timeout(LATENCY + 1)
        slots.release(slot)
        answered[0] += 1

    def ask():
        for _ in range(n):
            slot = slots.request()
            yield slot
            env.process(request(slot))
            yield env.timeout(1)

    env.process(ask())
    env.run()
    return int(env.now), answered[0]


def rate(model, work: int) -> tuple[float, int, int]:
    """(events per second, cycles, events)."""
    began = time.perf_counter()
    cycles, events = model(work)
    return events / (time.perf_counter() - began), cycles, events


def measure(scale: int = 1) -> dict[str, float]:
    """Events per second of both, and the ratio, for each model."""
    result: dict[str, float] = {}
    for name, ours, theirs, work in (
        ("ring", ring_ours, ring_simpy, 2_000 * scale),
        ("queue", queue_ours, queue_simpy, 20_000 * scale),
    ):
        fast, cycles, events = rate(ours, 20 * work)
        slow, simpy_cycles, simpy_events = rate(theirs, work)
        if abs(cycles - 20 * simpy_cycles) > 0.01 * cycles or abs(events - 20 * simpy_events) > 0.01 * events:
            raise AssertionError(f"{name}: {cycles} cycles, {events} events; SimPy {simpy_cycles}, {simpy_events}")
        result[f"{name}_events_per_s"] = fast
        result[f"{name}_simpy_events_per_s"] = slow
        result[f"{name}_ratio"] = fast / slow
    return result
