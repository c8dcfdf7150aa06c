# csrc/engine/null.pyx: a device that takes no time: each message is answered at the edge at which it arrives.

from libc.stdint cimport int32_t, int64_t

from bitline.csrc.engine.clock cimport edge_at_or_after, make_clock
from bitline.csrc.engine.component cimport (
    Component, FOREVER, Message, Part, port_has_room, port_peek, port_pop, port_send, Waits, WAITS_FOR_NOTHING,
    WAITS_FOR_ROOM,
)
from bitline.csrc.engine.snapshot cimport Snapshot


cdef class NullDevice(Component):
    """Answers each message of input i on output i, as it came: only the ports take time."""

    def __init__(self, str name, clock_mhz, int n_ports=1):
        self._set_up(name, make_clock(clock_mhz), n_ports, n_ports, ("answers",))
        self.part.self = <void *> self
        self.part.advance = _advance
        self.part.save = _save
        self.part.load = _load
        self.part.waits = _waits


cdef int64_t _advance(Part *part, int64_t now) noexcept nogil:
    cdef int64_t edge = edge_at_or_after(&part.clock, now)
    cdef const Message *message
    cdef int32_t i
    for i in range(part.n_inputs):
        message = port_peek(part.inputs[i], edge)
        while message != NULL and port_has_room(part.outputs[i], now):
            port_send(part.outputs[i], now, message.kind, message.a, message.b, message.c)
            port_pop(part.inputs[i], now)
            part.counts[0] += 1
            message = port_peek(part.inputs[i], edge)
    return FOREVER


cdef Waits _waits(const Part *part, int32_t *port) noexcept nogil:
    for port[0] in range(part.n_inputs):
        if part.inputs[port[0]].head < part.inputs[port[0]].tail:
            return WAITS_FOR_ROOM
    return WAITS_FOR_NOTHING


cdef void _save(Part *part, int64_t edge, Snapshot *snapshot) noexcept nogil:
    # There is no state but what waits in the ports.
    pass


cdef void _load(Part *part, int64_t edge, Snapshot *snapshot) noexcept nogil:
    pass
