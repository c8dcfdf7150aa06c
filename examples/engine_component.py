"""A first experiment: does a compressor in front of a memory pay?

A component of our own, written in Python, stands between a source of requests and an ideal memory. It halves every
block, and takes some cycles for each. Run it: python examples/engine_component.py
"""

import numpy as np

from bitline.csrc.engine import (
    READ,
    REQUEST_BODY,
    IdealMemory,
    Loop,
    Program,
    PythonComponent,
    Requester,
    Simulator,
)

FROM_REQUESTER, FROM_MEMORY = 0, 1  # inputs, in the order in which they are connected
TO_MEMORY, TO_REQUESTER = 0, 1  # outputs


class Compressor(PythonComponent):
    """Asks the memory for half the bytes; a block that comes back is unpacked in `cycles`, one after the other."""

    def __init__(self, cycles):
        super().__init__("compressor", clock_mhz=1000, inputs=2, outputs=2, counters=("blocks", "bytes_saved"))
        self.cycles = cycles
        self.unpacking = None  # (done at cycle, message)

    def reset(self):
        super().reset()
        self.unpacking = None

    def advance(self):
        # Do all that is due at self.cycle. Where there is no room, we are called again when there is.
        while self.peek(FROM_REQUESTER) is not None and self.has_room(TO_MEMORY):
            kind, address, size, _ = self.receive(FROM_REQUESTER)
            self.send(TO_MEMORY, kind, address, size // 2, size)
            self.count("bytes_saved", size - size // 2)
        if self.unpacking is not None and self.unpacking[0] <= self.cycle and self.has_room(TO_REQUESTER):
            kind, address, _, size = self.unpacking[1]
            self.send(TO_REQUESTER, kind, address, size)
            self.count("blocks")
            self.unpacking = None
        if self.unpacking is None and self.peek(FROM_MEMORY) is not None:
            self.unpacking = (self.cycle + self.cycles, self.receive(FROM_MEMORY))
        if self.unpacking is not None and self.unpacking[0] > self.cycle:
            self.wake_at(self.unpacking[0])

    def waits(self):
        # What a run that cannot end says about us.
        return ("room", TO_REQUESTER) if self.unpacking else super().waits()


def time_ns(blocks, cycles=None):
    """Time to read `blocks` blocks of 64 bytes, through a compressor if `cycles` says how slow it is."""
    body = np.array([(0, READ, 64, 0, 0)], REQUEST_BODY)
    program = Program(body, [Loop(blocks, [0], stride=1)])
    simulator = Simulator()
    requester = simulator.add(Requester("requester", 1000, program, max_outstanding=32), device=0)
    memory = simulator.add(IdealMemory("memory", 1000, latency=80, bytes_per_cycle=16), device=1)
    if cycles is None:
        simulator.connect(requester, memory)
        simulator.connect(memory, requester)
        simulator.fast_forward([requester, memory])
    else:
        compressor = simulator.add(Compressor(cycles), device=2)
        simulator.connect(requester, compressor)
        simulator.connect(memory, compressor)
        simulator.connect(compressor, memory)
        simulator.connect(compressor, requester)
    return simulator.run() / 1000


def main():
    blocks = 5000
    plain = time_ns(blocks)
    print(f"no compressor: {plain:9.0f} ns")
    for cycles in (1, 2, 3, 4, 6):
        with_it = time_ns(blocks, cycles)
        print(f"{cycles} cycles each: {with_it:9.0f} ns, {plain / with_it:.2f} x as fast")


if __name__ == "__main__":
    main()
