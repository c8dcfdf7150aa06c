# csrc/engine/ideal.pyx: an ideal memory: a bandwidth, a latency, and nothing else.
#
# Spec:   bytes per cycle, cycles of latency, requests that it holds at a time.
# State:  the edge from which the data bus is free; answers that are on their way.
# Rules:  requests go in order; each holds the bus for bytes / bytes_per_cycle cycles, rounded up, and is answered
#         `latency` cycles after that.

from libc.stdint cimport int32_t, int64_t

from bitline.base.errors import SpecError

from bitline.csrc.engine.answers cimport (
    Answers, answers_full, free_answers, load_answers, new_answers, next_answer, queue_answer, save_answers,
    send_answers,
)
from bitline.csrc.engine.clock cimport edge_at_or_after, edge_time, make_clock
from bitline.csrc.engine.component cimport (
    Component, FOREVER, Message, Part, port_peek, port_pop, Waits, WAITS_FOR_NOTHING, WAITS_FOR_ROOM, WAITS_FOR_TIME,
)
from bitline.csrc.engine.snapshot cimport get64, put64, Snapshot
from bitline.csrc.engine.traffic cimport READ_MESSAGE

cdef int64_t MOST_LATENCY = <int64_t> 1 << 62  # a time plus this is still a time

cdef enum:
    READS
    WRITES
    BYTES
    BUS_CYCLES

cdef struct Ideal:
    int64_t latency
    int64_t bytes_per_cycle
    int64_t bus_free          # edge
    Answers answers


cdef class IdealMemory(Component):
    """Takes requests (kind, address, bytes) on its input and repeats each on its output when it is done."""

    cdef Ideal ideal

    def __init__(self, str name, clock_mhz, *, int64_t latency, int64_t bytes_per_cycle, int queue=64):
        if not 0 <= latency <= MOST_LATENCY or bytes_per_cycle < 1 or queue < 1:
            raise SpecError(
                f"'{name}': latency {latency}, bytes_per_cycle {bytes_per_cycle}, queue {queue}",
                expected="0 to 2^62, at least 1 and 1")
        self._set_up(name, make_clock(clock_mhz), 1, 1, ("reads", "writes", "bytes", "bus_cycles"))
        new_answers(&self.ideal.answers, queue)
        self.ideal.latency = latency
        self.ideal.bytes_per_cycle = bytes_per_cycle
        self.part.self = &self.ideal
        self.part.advance = _advance
        self.part.save = _save
        self.part.load = _load
        self.part.reset = _reset
        self.part.waits = _waits

    def __dealloc__(self):
        free_answers(&self.ideal.answers)


cdef int64_t _advance(Part *part, int64_t now) noexcept nogil:
    cdef Ideal *ideal = <Ideal *> part.self
    cdef int64_t edge = edge_at_or_after(&part.clock, now), cycles
    cdef const Message *message
    while True:
        send_answers(&ideal.answers, part.outputs[0], now, edge)
        message = port_peek(part.inputs[0], edge)
        if message == NULL or answers_full(&ideal.answers):
            break
        cycles = (message.b + ideal.bytes_per_cycle - 1) // ideal.bytes_per_cycle
        ideal.bus_free = (edge if edge > ideal.bus_free else ideal.bus_free) + cycles
        queue_answer(&ideal.answers, message, ideal.bus_free + ideal.latency)
        part.counts[READS if message.kind == READ_MESSAGE else WRITES] += 1
        part.counts[BYTES] += message.b
        part.counts[BUS_CYCLES] += cycles
        port_pop(part.inputs[0], now)
    if ideal.answers.head < ideal.answers.tail and next_answer(&ideal.answers) > edge:
        return edge_time(&part.clock, next_answer(&ideal.answers))
    return FOREVER


cdef Waits _waits(const Part *part, int32_t *port) noexcept nogil:
    cdef const Ideal *ideal = <const Ideal *> part.self
    port[0] = 0
    if ideal.answers.head < ideal.answers.tail:
        return WAITS_FOR_ROOM if part.outputs[0].sender_waits else WAITS_FOR_TIME
    return WAITS_FOR_NOTHING


cdef void _reset(Part *part) noexcept nogil:
    cdef Ideal *ideal = <Ideal *> part.self
    ideal.bus_free = ideal.answers.head = ideal.answers.tail = 0


cdef void _save(Part *part, int64_t edge, Snapshot *snapshot) noexcept nogil:
    cdef Ideal *ideal = <Ideal *> part.self
    put64(snapshot, ideal.bus_free - edge if ideal.bus_free > edge else 0)
    save_answers(&ideal.answers, edge, snapshot)


cdef void _load(Part *part, int64_t edge, Snapshot *snapshot) noexcept nogil:
    cdef Ideal *ideal = <Ideal *> part.self
    ideal.bus_free = edge + get64(snapshot)
    load_answers(&ideal.answers, edge, snapshot)
