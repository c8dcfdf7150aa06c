# csrc/tasks/unit.pyx: a unit that takes tasks of known length, one after the other.
#
# Spec:   its clock.
# State:  the edge from which it is free; cycles worked.
# Rules:  a task starts when it has arrived and the unit is free, and lasts as many cycles as it says.

from libc.stdint cimport int32_t, int64_t

from bitline.csrc.engine.clock cimport edge_at_or_after, edge_time, make_clock
from bitline.csrc.engine.component cimport (
    Component, FOREVER, Message, Part, port_has_room, port_peek, port_pop, port_send, Waits, WAITS_FOR_NOTHING,
    WAITS_FOR_ROOM,
)

cdef enum:
    DONE_MESSAGE = 2

cdef struct UnitState:
    int64_t free_at           # edge
    int64_t *busy


cdef class Unit(Component):
    """Takes messages START (task, cycles); answers DONE (task, start in ps) when they are over."""

    cdef UnitState state

    def __init__(self, str name, clock_mhz):
        self._set_up(name, make_clock(clock_mhz), 1, 1, ("busy",))
        self.state.busy = self.part.counts
        self.part.self = &self.state
        self.part.advance = _advance
        self.part.reset = _reset
        self.part.waits = _waits


cdef int64_t _advance(Part *part, int64_t now) noexcept nogil:
    cdef UnitState *state = <UnitState *> part.self
    cdef int64_t edge = edge_at_or_after(&part.clock, now), start, task, cycles
    cdef const Message *message = port_peek(part.inputs[0], edge)
    while message != NULL and port_has_room(part.outputs[0], now):
        task, cycles = message.a, message.b
        start = edge if edge > state.free_at else state.free_at
        state.free_at = start + cycles
        state.busy[0] += cycles
        port_pop(part.inputs[0], edge_time(&part.clock, start))
        port_send(part.outputs[0], edge_time(&part.clock, state.free_at), DONE_MESSAGE, task,
                  edge_time(&part.clock, start), 0)
        message = port_peek(part.inputs[0], edge)
    return FOREVER


cdef Waits _waits(const Part *part, int32_t *port) noexcept nogil:
    port[0] = 0
    return WAITS_FOR_ROOM if part.inputs[0].head < part.inputs[0].tail else WAITS_FOR_NOTHING


cdef void _reset(Part *part) noexcept nogil:
    (<UnitState *> part.self).free_at = 0
