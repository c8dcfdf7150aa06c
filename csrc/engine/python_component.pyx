# csrc/engine/python_component.pyx: components written in Python: slow, and good for a first experiment.

from collections import namedtuple

from libc.stdint cimport int32_t, int64_t

from bitline.base.errors import CapacityError, SpecError

from bitline.csrc.engine.clock cimport edge_at_or_after, edge_time, make_clock
from bitline.csrc.engine.component cimport (
    Component, FOREVER, Message, Part, Port, port_has_room, port_peek, port_pop, port_send,
)

Received = namedtuple("Received", "kind a b c")


cdef class PythonComponent(Component):
    """Subclass this, and write advance(): do all that is due at `self.cycle`.

    `inputs`, `outputs`: how many ports have to be wired; `counters`: names for count(). advance() is called when a
    message arrives, when there is room again in a port that was full, and at the cycle that wake_at() asked for. It may
    also be called when nothing is due, and then has to do nothing. Work that is left goes into waits(): ("message",
    port), ("room", port) or ("time", -1); it makes a run that cannot end an error. An exception ends Simulator.run().
    A subclass with state of its own extends reset(). Such a component is simulated wake-up by wake-up, never replayed.
    """

    cdef readonly int64_t now_ps
    cdef readonly int64_t cycle
    cdef int64_t next_wake
    cdef object error
    cdef dict numbers

    def __init__(self, str name, clock_mhz, *, int inputs=1, int outputs=1, counters=()):
        self._set_up(name, make_clock(clock_mhz), inputs, outputs, tuple(counters))
        self.numbers = {counter: number for number, counter in enumerate(counters)}
        self.part.self = <void *> self
        self.part.advance = _advance

    def advance(self):
        """Do all that is due at `self.cycle` (`self.now_ps`)."""
        raise NotImplementedError(f"'{self.name}' has no advance()")

    def reset(self):
        """Back to the state at time 0."""
        Component.reset(self)
        self.now_ps = self.cycle = 0
        self.error = None

    def waits(self):
        """What the component waits for: ("nothing", -1) unless a message lies unread."""
        cdef int32_t i
        for i in range(self.part.n_inputs):
            if self.part.inputs[i].head < self.part.inputs[i].tail:
                return ("room" if self.part.n_outputs else "time"), 0
        return "nothing", -1

    def peek(self, int port=0):
        """The oldest message that has arrived at an input, (kind, a, b, c), or None."""
        cdef const Message *message = port_peek(self._input(port), self.cycle)
        return None if message == NULL else Received(message.kind, message.a, message.b, message.c)

    def receive(self, int port=0):
        """Take the oldest message that has arrived at an input, or None."""
        message = self.peek(port)
        if message is not None:
            port_pop(self._input(port), self.now_ps)
        return message

    def has_room(self, int port=0):
        """May a message be sent now? If not, advance() is called when it may."""
        return bool(port_has_room(self._output(port), self.now_ps))

    def send(self, int port, int64_t kind, int64_t a=0, int64_t b=0, int64_t c=0):
        """Send a message from an output. Raises CapacityError where the port has no room: ask has_room() before."""
        cdef Port *output = self._output(port)
        if not port_has_room(output, self.now_ps):
            raise CapacityError(f"'{self.name}' sends to a full port", expected="has_room() to be asked before")
        port_send(output, self.now_ps, kind, a, b, c)

    def wake_at(self, int64_t cycle):
        """Call advance() again at a cycle to come. The earliest one asked for counts."""
        cdef int64_t time
        if cycle <= self.cycle:
            raise SpecError(f"'{self.name}' asks to be woken at cycle {cycle}", expected=f"one after {self.cycle}")
        time = edge_time(&self.part.clock, cycle)
        if time < self.next_wake:
            self.next_wake = time

    def count(self, str counter, int64_t amount=1):
        """Add to a counter."""
        self.part.counts[<int> self.numbers[counter]] += amount

    def take_error(self):
        """What advance() raised, once."""
        error, self.error = self.error, None
        return error

    cdef Port *_input(self, int port) except NULL:
        if not 0 <= port < self.part.n_inputs:
            raise SpecError(f"'{self.name}' has no input {port}")
        return self.part.inputs[port]

    cdef Port *_output(self, int port) except NULL:
        if not 0 <= port < self.part.n_outputs:
            raise SpecError(f"'{self.name}' has no output {port}")
        return self.part.outputs[port]


cdef int64_t _advance(Part *part, int64_t now) noexcept with gil:
    cdef PythonComponent component = <PythonComponent> part.self
    component.now_ps = now
    component.cycle = edge_at_or_after(&part.clock, now)
    component.next_wake = FOREVER
    try:
        component.advance()
    except BaseException as error:  # handed on to whoever called Simulator.run()
        component.error = error
        part.engine.failed = 1
    return component.next_wake
