# csrc/engine/requester.pyx: a source of memory traffic that runs a program.
#
# Spec:   requests that may be outstanding.
# State:  where it stands in the program; requests outstanding; the edge from which it may ask again.
# Rules:  one request a cycle, in program order, while the number outstanding allows it; a row's `pause` holds it back
#         by that many cycles after the request before it.

import numpy as np

from libc.stdint cimport int32_t, int64_t
from libc.stdlib cimport free
from libc.string cimport memset

from bitline.base.errors import CapacityError, SpecError

from bitline.csrc.engine.clock cimport edge_at_or_after, edge_time, make_clock
from bitline.csrc.engine.component cimport (
    Component, FOREVER, Part, port_has_room, port_peek, port_pop, port_send, Waits, WAITS_FOR_MESSAGE,
    WAITS_FOR_NOTHING, WAITS_FOR_ROOM, WAITS_FOR_TIME,
)
from bitline.csrc.engine.event_log cimport EventLog, log_event
from bitline.csrc.engine.program cimport (
    AT_END, AT_MARKER, Cursor, fill_marker, Nest, next_step, Program, skip_trips, start_program,
)
from bitline.csrc.engine.snapshot cimport get64, put64, Snapshot
from bitline.csrc.engine.traffic cimport READ_MESSAGE, WRITE_MESSAGE

READ, WRITE = READ_MESSAGE, WRITE_MESSAGE
REQUEST_BODY = np.dtype([("offset", "i8"), ("kind", "i4"), ("bytes", "i4"), ("pause", "i4"), ("spare", "i4")])
ASKED, ANSWERED = 0, 1        # codes of the log: place is the address, detail the bytes
MAX_PLACE = 1 << 29

cdef enum:
    NOTHING = -3              # no row is held
    LOG_ASKED = 0
    LOG_ANSWERED = 1
    N_READS = 0
    N_WRITES
    N_BYTES
    N_ANSWERS
    WAIT_CYCLES               # over all requests: cycles from asking to the answer

cdef struct BodyRow:          # REQUEST_BODY
    int64_t offset
    int32_t kind
    int32_t bytes
    int32_t pause
    int32_t spare

cdef struct Requests:
    const Nest *nest
    const BodyRow *body
    Cursor cursor
    int32_t held              # a row that was fetched and is not sent, NOTHING, or AT_END
    int64_t outstanding
    int64_t max_outstanding
    int64_t last              # edge of the last request
    int64_t may_ask           # edge from which the next one may go, its pause apart
    int64_t longest_pause     # of the body
    int64_t counted           # edge up to which WAIT_CYCLES is counted
    EventLog log


cdef class Requester(Component):
    """Sends the requests of a program on its output, and takes the answers from its input.

    `program`: its body has REQUEST_BODY rows (kind READ or WRITE). `max_outstanding`: requests without an answer.
    `logging`: keep a log of requests and answers (log_rows).
    """

    cdef Requests requests
    cdef readonly Program program

    def __init__(self, str name, clock_mhz, Program program, *, int64_t max_outstanding=16, bint logging=False):
        cdef const unsigned char[::1] body
        if program.body.dtype != REQUEST_BODY or not np.isin(program.body["kind"], (READ, WRITE)).all():
            raise SpecError(f"'{name}': a body of other rows", expected="REQUEST_BODY rows of kind READ or WRITE")
        if (program.body["bytes"] < 1).any() or (program.body["pause"] < 0).any():
            raise SpecError(f"'{name}': a request of no bytes or a negative pause")
        if max_outstanding < 1:
            raise SpecError(f"'{name}': max_outstanding {max_outstanding}", expected="at least 1")
        reach = max(abs(program.nest.base + program.low), abs(program.nest.base + program.high))
        if logging and reach >= MAX_PLACE:
            raise CapacityError(f"'{name}': addresses up to {reach} in a log", expected=f"less than {MAX_PLACE}")
        self._set_up(name, make_clock(clock_mhz), 1, 1, ("reads", "writes", "bytes", "answers", "wait_cycles"))
        self.program = program
        body = program.body.view(np.uint8)
        self.requests.nest = &program.nest
        self.requests.body = <const BodyRow *> &body[0] if len(program.body) else NULL
        self.requests.max_outstanding = max_outstanding
        self.requests.longest_pause = int(program.body["pause"].max()) if len(program.body) else 0
        self.part.self = &self.requests
        self.part.advance = _advance
        self.part.save = _save
        self.part.load = _load
        self.part.reset = _reset
        self.part.waits = _waits
        self.part.skip = _skip
        if logging:
            self.part.log = &self.requests.log
        _reset(&self.part)

    def __dealloc__(self):
        free(self.requests.log.rows)


cdef int64_t _advance(Part *part, int64_t now) noexcept nogil:
    cdef Requests *requests = <Requests *> part.self
    cdef int64_t edge = edge_at_or_after(&part.clock, now)
    _take_answers(part, requests, now, edge)
    while True:
        if requests.held == NOTHING:
            if requests.may_ask > edge:
                return edge_time(&part.clock, requests.may_ask)
            requests.held = next_step(&requests.cursor, requests.nest, part.in_region)
            if requests.held == AT_MARKER:
                requests.held = NOTHING
                fill_marker(&part.marker, &requests.cursor, requests.nest)
                part.engine.marked = part
                return now
        if requests.held == AT_END or requests.outstanding == requests.max_outstanding:
            return FOREVER
        if requests.last + requests.body[requests.held].pause > edge:
            return edge_time(&part.clock, requests.last + requests.body[requests.held].pause)
        if not port_has_room(part.outputs[0], now):
            return FOREVER
        _ask(part, requests, now, edge)


cdef void _take_answers(Part *part, Requests *requests, int64_t now, int64_t edge) noexcept nogil:
    part.counts[WAIT_CYCLES] += requests.outstanding * (edge - requests.counted)
    requests.counted = edge
    message = port_peek(part.inputs[0], edge)
    while message != NULL:
        if part.log != NULL:
            log_event(part.log, edge, LOG_ANSWERED, 0, <int32_t> message.a, <int32_t> message.b)
        requests.outstanding -= 1
        part.counts[N_ANSWERS] += 1
        port_pop(part.inputs[0], now)
        message = port_peek(part.inputs[0], edge)


cdef void _ask(Part *part, Requests *requests, int64_t now, int64_t edge) noexcept nogil:
    cdef const BodyRow *row = requests.body + requests.held
    cdef int64_t address = requests.cursor.base + row.offset
    port_send(part.outputs[0], now, row.kind, address, row.bytes, 0)
    if part.log != NULL:
        log_event(part.log, edge, LOG_ASKED, 0, <int32_t> address, row.bytes)
    part.counts[N_READS if row.kind == READ_MESSAGE else N_WRITES] += 1
    part.counts[N_BYTES] += row.bytes
    requests.outstanding += 1
    requests.last = edge
    requests.may_ask = edge + 1
    requests.held = NOTHING


cdef Waits _waits(const Part *part, int32_t *port) noexcept nogil:
    cdef const Requests *requests = <const Requests *> part.self
    port[0] = 0
    if requests.outstanding == requests.max_outstanding or (requests.held == AT_END and requests.outstanding):
        return WAITS_FOR_MESSAGE
    if requests.held == AT_END:
        return WAITS_FOR_NOTHING
    return WAITS_FOR_ROOM if part.outputs[0].sender_waits else WAITS_FOR_TIME


cdef void _reset(Part *part) noexcept nogil:
    cdef Requests *requests = <Requests *> part.self
    memset(&requests.cursor, 0, sizeof(Cursor))
    start_program(&requests.cursor, requests.nest)
    requests.held = NOTHING
    requests.outstanding = requests.may_ask = requests.counted = 0
    requests.last = -requests.longest_pause


cdef void _skip(Part *part, int64_t trips) noexcept nogil:
    cdef Requests *requests = <Requests *> part.self
    skip_trips(&requests.cursor, requests.nest, trips)


cdef void _save(Part *part, int64_t edge, Snapshot *snapshot) noexcept nogil:
    # The place in the program is the marker's affair.
    cdef Requests *requests = <Requests *> part.self
    put64(snapshot, requests.held)
    put64(snapshot, requests.outstanding)
    put64(snapshot, requests.may_ask - edge if requests.may_ask > edge else 0)
    put64(snapshot, requests.counted - edge)
    put64(snapshot, requests.last - edge if requests.last > edge - requests.longest_pause else -requests.longest_pause)


cdef void _load(Part *part, int64_t edge, Snapshot *snapshot) noexcept nogil:
    cdef Requests *requests = <Requests *> part.self
    requests.held = <int32_t> get64(snapshot)
    requests.outstanding = get64(snapshot)
    requests.may_ask = edge + get64(snapshot)
    requests.counted = edge + get64(snapshot)
    requests.last = edge + get64(snapshot)
