"""An NPU core between a host that says when programs come and memories of a plain rule (reference.py)."""

import heapq

import numpy as np

from bitline.csrc.engine import Loop, Program, PythonComponent, Simulator
from bitline.csrc.systolic.core import NPU_BODY, NpuCore

START, DONE = 1, 2
CYCLE_PS = 1000
MANY = 256


class Host(PythonComponent):
    """Sends `feed` = [(cycle, output, message)], notes (cycle, input, message)."""

    def __init__(self, feed=()):
        super().__init__("host", 1000, inputs=2, outputs=2)
        self.feed = sorted(feed, key=lambda entry: entry[0])
        self.start()

    def start(self):
        self.todo, self.received = list(self.feed), []

    def reset(self):
        super().reset()
        self.start()

    def advance(self):
        for port in (0, 1):
            while (message := self.receive(port)) is not None:
                self.received.append((self.cycle, port, tuple(message)))
        while self.todo and self.todo[0][0] <= self.cycle and self.has_room(self.todo[0][1]):
            _cycle, port, message = self.todo.pop(0)
            self.send(port, *message)
        if self.todo and self.todo[0][0] > self.cycle:
            self.wake_at(self.todo[0][0])


class PlainMemory(PythonComponent):
    """In a channel's place: answers by the rule of a MemorySpec, and notes what it was asked."""

    def __init__(self, name, spec):
        super().__init__(name, 1000)
        self.spec, self.shapes = spec, []
        self.start()

    def start(self):
        self.free, self.waiting, self.asked = 0, [], []

    def reset(self):
        super().reset()
        self.start()

    def add_shape(self, kind, rows, row_bytes, pitch):
        shape = (kind, int(rows), int(row_bytes), int(pitch) if rows > 1 else 0)
        if shape not in self.shapes:
            self.shapes.append(shape)
        return self.shapes.index(shape)

    def advance(self):
        while (message := self.receive()) is not None:
            kind, rows, row_bytes, pitch = self.shapes[message.b]
            number = len(self.asked)
            self.free, at = self.spec.answer(self.free, self.cycle, rows * row_bytes, number)
            self.asked.append((self.cycle, bool(kind), rows, row_bytes, pitch, message.c))
            heapq.heappush(self.waiting, (at, number, message.a))
        while self.waiting and self.waiting[0][0] <= self.cycle:
            self.send(0, DONE, heapq.heappop(self.waiting)[2])
        if self.waiting:
            self.wake_at(self.waiting[0][0])


def program_of(items, base=0):
    """A nest of reference.py as a Program."""
    rows = []

    def steps(items):
        found = []
        for item in items:
            if isinstance(item, dict):
                found.append(len(rows))
                rows.append(item)
            else:
                _loop, trips, stride, inner = item
                found.append(Loop(trips, steps(inner), stride=stride))
        return found

    program_items = steps(items)
    body = np.zeros(len(rows), NPU_BODY)
    for place, row in zip(body, rows):
        for name, value in row.items():
            if name == "strides":
                place["strides"][: len(value)] = value
            else:
                place[name] = value
    return Program(body, program_items, base=base)


class Machine:
    """Built from the specs of reference.py; `programs` and `side` as Reference.run takes them."""

    def __init__(self, core, memory, programs=(), side=(), *, capacity=MANY, host=None):
        self.memories = [PlainMemory(f"memory {i}", memory) for i in range(memory.channels)]
        array = {"arrays": 1, "rule": "scale-sim", "dataflow": "weight", "weight_double_buffer": False, **core.array}
        self.core = NpuCore(
            "core",
            1000,
            array,
            self.memories,
            fifos=core.fifos,
            accumulators=core.accumulators,
            port_bytes=core.port_bytes,
        )
        self.keep = [program_of(items) for _came, _task, items, _base in programs]
        feed = [
            (came - 1, 0, (START, task, self.core.add_program(program), base))
            for program, (came, task, _items, base) in zip(self.keep, programs)
        ]
        feed += [(came - 1, 1, (START, task, cycles, 0)) for came, task, cycles in side]
        self.host = Host(feed) if host is None else host
        self.simulator = Simulator()
        for device, part in enumerate((self.host, self.core, *self.memories)):
            self.simulator.add(part, device=device)
        for _port in range(2):
            self._wire(self.host, self.core, capacity)
            self._wire(self.core, self.host, capacity)
        for memory_part in self.memories:
            self._wire(self.core, memory_part, MANY)
            self._wire(memory_part, self.core, MANY)

    def _wire(self, sender, receiver, capacity):
        self.simulator.connect(sender, receiver, capacity=capacity, width=capacity)

    def run(self):
        self.simulator.run()
        return self

    @property
    def answers(self):
        """(cycle at which a program is over, task, cycle of its first row), in order."""
        return self._answers(0)

    @property
    def side_answers(self):
        return self._answers(1)

    def _answers(self, wanted):
        return [
            (cycle - 1, task, start // CYCLE_PS)
            for cycle, port, (_, task, start, _) in self.host.received
            if port == wanted
        ]

    @property
    def transfers(self):
        return [memory.asked for memory in self.memories]

    def outcome(self):
        return self.answers, self.side_answers, self.transfers, self.core.counts()
