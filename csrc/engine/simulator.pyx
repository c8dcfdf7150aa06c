# csrc/engine/simulator.pyx: components, the ports between them, and the loop that wakes them in order.

from cpython.exc cimport PyErr_CheckSignals
from libc.stdint cimport int32_t, int64_t
from libc.stdlib cimport calloc, free, realloc

from bitline.base.errors import CapacityError, DeadlockError, InternalError, SpecError

from bitline.csrc.engine.component cimport (
    Component, Engine, FOREVER, Message, Part, Port, port_reset, wake_part,
)
from bitline.csrc.engine.clock cimport edge_time
from bitline.csrc.engine.queue cimport queue_clear, queue_free, queue_pop, Wake
from bitline.csrc.engine.region cimport Region, pass_marker

cdef enum:
    SAME_TIME_LIMIT = 1000000     # wake-ups without time going on: somebody wakes for nothing, for ever
    SIGNAL_MASK = (1 << 20) - 1   # Ctrl-C is looked for once in so many wake-ups
    # How a run came to its end.
    ENDED = 0
    STANDS_STILL = 1
    TOO_LONG = 2


cdef class Simulator:
    """Runs components in the order of (time, rank, device, index). Time is integer ps, less than 2^62 (53 days).

    `add` components, `connect` their ports, `run`. A component with an open port cannot be run. `run` ends when nobody
    wakes any more, or at `until`; work that is left then is a DeadlockError that says who waits for whom.
    """

    cdef Engine engine
    cdef list components
    cdef list port_names
    cdef Port **ports
    cdef int32_t n_ports
    cdef set places
    cdef bint started
    cdef object interrupt           # Ctrl-C while no component looked
    cdef list regions
    cdef void **region_of           # by slot of the leader: its Region, or NULL

    def __cinit__(self):
        self.components = []
        self.port_names = []
        self.places = set()
        self.regions = []

    def __dealloc__(self):
        cdef int32_t i
        for i in range(self.n_ports):
            free(self.ports[i].messages)
            free(self.ports[i].arrival)
            free(self.ports[i].free_at)
            free(self.ports[i])
        free(self.ports)
        free(self.engine.parts)
        free(self.region_of)
        queue_free(&self.engine.queue)

    def add(self, Component component, *, int rank=0, int device, int index=0):
        """Add a component. At equal times lower (rank, device, index) goes first; no two components share a place."""
        place = (rank, device, index)
        if any(not 0 <= number < 1 << 20 for number in place):
            raise SpecError(f"place {place} of '{component.name}'", expected="numbers from 0 to 2^20 - 1")
        if place in self.places:
            raise SpecError(f"'{component.name}' shares the place {place} with another component")
        if component.part.engine != NULL:
            raise SpecError(f"'{component.name}' was already added")
        self.places.add(place)
        component.part.engine = &self.engine
        component.part.slot = self.engine.n_parts
        component.part.place = (<int64_t> rank << 40) | (<int64_t> device << 20) | index
        self.components.append(component)
        self.engine.n_parts += 1
        self.engine.parts = <Part **> realloc(self.engine.parts, self.engine.n_parts * sizeof(Part *))
        self.region_of = <void **> realloc(self.region_of, self.engine.n_parts * sizeof(void *))
        if self.engine.parts == NULL or self.region_of == NULL:
            raise MemoryError()
        self.engine.parts[self.engine.n_parts - 1] = &component.part
        self.region_of[self.engine.n_parts - 1] = NULL
        return component

    def connect(self, Component sender, Component receiver, *, int latency=1, int capacity=4, int width=1):
        """A port from `sender`'s next output to `receiver`'s next input.

        `latency`: receiver cycles, at least 1; `capacity`: messages in flight or waiting, a full port holds the sender
        back; `width`: messages that may arrive at one receiver edge.
        """
        if latency < 1:
            raise SpecError(f"a port of latency {latency}", expected="at least one cycle of the receiver")
        if capacity < 1 or width < 1:
            raise SpecError(f"a port of capacity {capacity} and width {width}", expected="at least 1 of each")
        if sender.part.engine != &self.engine or receiver.part.engine != &self.engine:
            raise SpecError(f"'{sender.name}' or '{receiver.name}' is not of this simulator")
        if sender.part.in_region or receiver.part.in_region:
            raise SpecError(f"'{sender.name}' or '{receiver.name}' is in a region", expected="to be wired before")
        cdef Port *port = <Port *> calloc(1, sizeof(Port))
        port.messages = <Message *> calloc(capacity, sizeof(Message))
        port.arrival = <int64_t *> calloc(capacity, sizeof(int64_t))
        port.free_at = <int64_t *> calloc(capacity, sizeof(int64_t))
        port.sender = &sender.part
        port.receiver = &receiver.part
        port.latency = latency
        port.capacity = capacity
        port.width = width
        port_reset(port)
        self.n_ports += 1
        self.ports = <Port **> realloc(self.ports, self.n_ports * sizeof(Port *))
        self.ports[self.n_ports - 1] = port
        self.port_names.append((sender.name, receiver.name))
        _append_port(&sender.part.outputs, &sender.part.n_outputs, port)
        _append_port(&receiver.part.inputs, &receiver.part.n_inputs, port)
        sender.outputs.append(receiver.name)
        receiver.inputs.append(sender.name)

    def fast_forward(self, components, table=None):
        """Fast-forward what the first of some wired components runs, with all whom it talks to. Returns the Region.

        `table`: from Region.table_for(), shared by regions of alike components; by default the region has its own.
        """
        cdef Region region = Region(components, Region.table_for(components) if table is None else table)
        cdef int32_t i
        if region.parties[0].engine != &self.engine:
            raise SpecError(f"'{region.components[0].name}' is not of this simulator")
        if any(region.parties[i].in_region for i in range(region.n_parties)):
            raise SpecError("a component is in two regions")
        for i in range(region.n_parties):
            region.parties[i].in_region = 1
        self.regions.append(region)
        self.region_of[region.parties[0].slot] = <void *> region
        return region

    def reset(self):
        """Every component and port back to time 0."""
        cdef int32_t i
        queue_clear(&self.engine.queue)
        for i in range(self.n_ports):
            port_reset(self.ports[i])
        for component in self.components:
            component.reset()
        self.engine.now = 0
        self.engine.events = 0
        self.started = False
        self.interrupt = None
        for region in self.regions:
            region.reset()

    def wake(self, Component component, int64_t time):
        """Wake a component at a time, as for its first work."""
        wake_part(&component.part, time)

    def run(self, until=None):
        """Run; returns the time of the last wake-up in ps. Raises DeadlockError, and what a Python component raises."""
        cdef int64_t limit = FOREVER if until is None else until
        cdef int32_t i
        if not self.started:
            for component in self.components:
                _check_wiring(component)
            self.started = True
            for i in range(self.engine.n_parts):
                wake_part(self.engine.parts[i], 0)
        cdef int32_t status = 0
        with nogil:
            status = self._run(limit)
        if self.engine.failed:
            self.engine.failed = 0
            raise self.components[self.engine.failing].take_error()
        if self.interrupt is not None:
            error, self.interrupt = self.interrupt, None
            raise error
        if status == STANDS_STILL:
            raise InternalError(f"time stands still at {self.engine.now} ps: {self._busy()}")
        if status == TOO_LONG:
            raise CapacityError("the run is longer than can be simulated", expected="less than 2^62 ps (53 days)")
        if until is None:
            self._check_finished()
        return self.engine.now

    cdef int32_t _interrupted(self) noexcept with gil:
        try:
            PyErr_CheckSignals()
        except BaseException as error:
            self.interrupt = error
            return 1
        return 0

    cdef int32_t _run(self, int64_t limit) noexcept nogil:
        cdef Engine *engine = &self.engine
        cdef Wake wake
        cdef Part *part
        cdef int64_t next_wake, standing = 0
        while engine.queue.size:
            wake = engine.queue.items[0]
            part = engine.parts[wake.slot]
            if wake.stamp != part.stamp:
                queue_pop(&engine.queue)
                continue
            if wake.time > limit:
                break
            queue_pop(&engine.queue)
            standing = standing + 1 if wake.time == engine.now else 0
            if standing > SAME_TIME_LIMIT:
                return STANDS_STILL
            if wake.time >= FOREVER - 1:
                return TOO_LONG
            engine.now = wake.time
            engine.events += 1
            if not engine.events & SIGNAL_MASK and self._interrupted():
                return ENDED
            part.wake = FOREVER
            engine.quiet_until = engine.queue.items[0].time if engine.queue.size else FOREVER
            next_wake = part.advance(part, wake.time)
            if engine.failed:
                engine.failing = part.slot
                return ENDED
            wake_part(part, next_wake)
            _wake_for_messages(part)
            if engine.marked != NULL:
                engine.marked = NULL
                if self.region_of[part.slot] != NULL:
                    pass_marker(self.region_of[part.slot], wake.time, limit)
        return ENDED

    def _check_finished(self):
        """Nobody will wake any more: is anybody left with work?"""
        blocked = []
        for component in self.components:
            what, port = component.waits()
            if what == "message":
                blocked.append(f"'{component.name}' waits for a message from {_named(component.inputs, port)}")
            elif what == "room":
                blocked.append(f"'{component.name}' waits for room to send to {_named(component.outputs, port)}")
            elif what == "time":
                blocked.append(f"'{component.name}' has work and was never woken")
        if blocked:
            raise DeadlockError(f"deadlock at {self.engine.now} ps: {'; '.join(blocked)}")

    def _busy(self):
        return ", ".join(f"'{component.name}'" for component in self.components if component.waits()[0] != "nothing")

    @property
    def now(self):
        """Time of the last wake-up, ps."""
        return self.engine.now

    @property
    def events(self):
        """Wake-ups so far."""
        return self.engine.events

    def messages(self):
        """For each port: sender, receiver, messages sent, messages received."""
        return [
            (*self.port_names[i], self.ports[i].tail, self.ports[i].head) for i in range(self.n_ports)
        ]


cdef void _wake_for_messages(Part *part) noexcept nogil:
    """A message wakes its receiver whatever it said."""
    cdef int32_t i
    cdef Port *port
    cdef int64_t time
    for i in range(part.n_inputs):
        port = part.inputs[i]
        if port.head < port.tail:
            time = edge_time(&part.clock, port.arrival[port.head % port.capacity])
            if time > part.engine.now:
                wake_part(part, time)


cdef _append_port(Port ***ports, int32_t *count, Port *port):
    count[0] += 1
    ports[0] = <Port **> realloc(ports[0], count[0] * sizeof(Port *))
    if ports[0] == NULL:
        raise MemoryError()
    ports[0][count[0] - 1] = port


def _check_wiring(component):
    for kind, needed, given in (
        ("input", component.needs_inputs, len(component.inputs)),
        ("output", component.needs_outputs, len(component.outputs)),
    ):
        if needed >= 0 and given != needed:
            raise SpecError(f"'{component.name}' has {given} {kind} ports wired", expected=f"{needed}")


def _named(names, port):
    return f"'{names[port]}'" if 0 <= port < len(names) else "anybody"
