"""What fast-forward gains on loops of the engine: a requester that walks a program over a memory."""

from collections.abc import Iterator

import numpy as np

from benchmarks.figure import Figure, best_seconds
from bitline.csrc.engine import READ, REQUEST_BODY, WRITE, IdealMemory, Loop, Program, Requester, Simulator
from bitline.csrc.engine.probes import RowMemory


def walk(memory: object, trips: int, *, fast_forward: bool) -> int:
    body = np.array([(0, READ, 64, 0, 0), (7, WRITE, 32, 2, 0)], REQUEST_BODY)
    simulator = Simulator()
    program = Program(body, [Loop(trips, [0, 1], stride=16)])
    requester = simulator.add(Requester("requester", 1000, program), device=0)
    simulator.add(memory, device=1)
    simulator.connect(requester, memory)
    simulator.connect(memory, requester)
    if fast_forward:
        simulator.fast_forward([requester, memory])
    return simulator.run()


def measure(shrink: int = 1, repeats: int = 5) -> Iterator[Figure]:
    memories = (
        ("ideal memory", lambda: IdealMemory("memory", 1000, latency=9, bytes_per_cycle=32)),
        ("memory with rows and refresh", lambda: RowMemory("memory", 1000, interval=997)),
    )
    trips = 200_000 // shrink
    for name, make in memories:
        off = best_seconds(lambda make=make: walk(make(), trips, fast_forward=False), repeats).thread
        on = best_seconds(lambda make=make: walk(make(), trips, fast_forward=True), repeats).thread
        yield Figure(f"engine loop, {name}", off / on, "times", note=f"gain by fast-forward, {trips:,} iterations")
