"""A world around one component: it sends what a test says, takes what comes, and may stall or answer."""

import pytest

from bitline.csrc.engine import PythonComponent, Simulator


class World(PythonComponent):
    """Sends `feed` = [(cycle, port, message)] in order, notes (cycle, port, message), stalls where told."""

    def __init__(self, inputs, outputs, feed=(), stalled=(), echo=None):
        super().__init__("world", 1000, inputs=inputs, outputs=outputs)
        self.feed = sorted(feed, key=lambda entry: entry[0])
        self.stalled = frozenset(stalled)
        self.echo = echo  # cycles until a message is sent back, or None
        self.start()

    def start(self):
        self.todo = list(self.feed)
        self.received = []

    def reset(self):
        super().reset()
        self.start()

    def advance(self):
        if self.cycle in self.stalled:
            self.wake_at(self.cycle + 1)
            return
        for port in range(len(self.inputs)):
            while (message := self.receive(port)) is not None:
                self.received.append((self.cycle, port, tuple(message)))
                if self.echo is not None:
                    self.todo.append((self.cycle + self.echo, port, tuple(message)))
        while self.todo:
            cycle, port, message = self.todo[0]
            if cycle > self.cycle:
                self.wake_at(cycle)
                return
            if not self.has_room(port):
                return
            self.send(port, *message)
            self.todo.pop(0)

    def waits(self):
        return ("room", 0) if self.todo else super().waits()


@pytest.fixture
def world():
    """Builds (simulator, world, component) with every port of the component wired to the world."""

    def build(component, *, feed=(), stalled=(), echo=None, capacity=4, latency=1, world_first=True):
        n_inputs, n_outputs = component.needs_inputs, component.needs_outputs
        around = World(n_outputs, n_inputs, feed, stalled, echo)
        simulator = Simulator()
        for part, device in sorted(((around, 0), (component, 1)), key=lambda pair: pair[1], reverse=not world_first):
            simulator.add(part, device=device)
        for _ in range(n_inputs):
            simulator.connect(around, component, capacity=capacity, latency=latency)
        for _ in range(n_outputs):
            simulator.connect(component, around, capacity=capacity, latency=latency)
        return simulator, around, component

    return build
