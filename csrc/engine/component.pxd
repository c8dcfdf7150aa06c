# csrc/engine/component.pxd: what a component is to the engine, and the ports between components.
#
# Behaviour is one function, `advance(now)`: do all that is due at `now` (ps, an edge of the component's clock), and on
# from there as long as no message can arrive, and say when to be woken again. A wake-up at which nothing is due does
# nothing; a stale one is skipped by its stamp.
# A port delivers no sooner than one whole cycle of the receiver after the send: that is what makes running ahead sound.

from libc.stdint cimport int32_t, int64_t

from bitline.csrc.engine.clock cimport Clock, edge_at_or_after, edge_time, FOREVER
from bitline.csrc.engine.event_log cimport EventLog, Segments
from bitline.csrc.engine.queue cimport Queue
from bitline.csrc.engine.snapshot cimport Snapshot

cdef enum:
    ADDRESS = 1 << 30         # in a message's kind: `a` is an address, and moves with a loop's base

cdef enum Waits:
    WAITS_FOR_NOTHING         # idle: no work is left
    WAITS_FOR_MESSAGE
    WAITS_FOR_ROOM            # to send
    WAITS_FOR_TIME            # it will wake by itself

cdef struct Message:
    int64_t kind
    int64_t a
    int64_t b
    int64_t c

cdef struct Marker:           # a leader stands at the head of a marked loop
    int64_t body              # identity of the loop's content (program.py)
    int64_t trips             # iterations that are left
    int64_t base              # address that offsets in the loop count from
    int64_t stride            # what an iteration adds to it
    int64_t low               # offsets that one iteration reaches
    int64_t high
    int32_t depth             # of the loop in its nest

# Ports, parts and engine name each other.
ctypedef struct Part
ctypedef struct Engine

ctypedef struct Port:
    Part *sender
    Part *receiver
    int32_t latency           # receiver cycles from send to arrival, at least 1
    int32_t capacity          # messages in flight or waiting
    int32_t width             # messages that may arrive at one edge
    int32_t sender_waits      # the sender found no room: wake it when there is some
    int64_t head              # messages received so far
    int64_t tail              # messages sent so far
    Message *messages         # ring of `capacity`
    int64_t *arrival          # receiver edge, by slot
    int64_t *free_at          # ps from which the sender sees the slot as free
    int64_t last_edge         # receiver edge of the last arrival
    int32_t last_count        # arrivals at that edge

ctypedef struct Part:
    void *self
    int64_t (*advance)(Part *, int64_t now) noexcept nogil
    void (*save)(Part *, int64_t edge, Snapshot *) noexcept nogil
    void (*load)(Part *, int64_t edge, Snapshot *) noexcept nogil
    void (*reset)(Part *) noexcept nogil
    Waits (*waits)(const Part *, int32_t *port) noexcept nogil
    void (*skip)(Part *, int64_t trips) noexcept nogil  # leaders: pass over iterations of the marked loop
    Marker marker
    Clock clock
    Engine *engine
    int32_t slot
    int64_t place
    int64_t wake              # ps, FOREVER when nobody wakes it
    int64_t stamp
    int32_t n_inputs
    int32_t n_outputs
    Port **inputs
    Port **outputs
    int64_t *counts
    int32_t n_counts
    int32_t n_timers          # that `save` puts
    EventLog *log             # NULL where nothing is logged
    const Segments *segments  # that the log refers to
    int32_t in_region         # the engine wants to hear of markers

ctypedef struct Engine:
    Part **parts
    int32_t n_parts
    Queue queue
    int64_t now
    int64_t quiet_until       # no other component wakes before this
    int64_t events
    int32_t failed            # a Python component raised
    int32_t failing           # its slot
    Part *marked              # reached a marker of a multi-component region in its last advance

cdef void wake_part(Part *part, int64_t time) noexcept nogil
cdef void port_reset(Port *port) noexcept nogil
cdef void save_port(const Port *port, int64_t now, Snapshot *snapshot) noexcept nogil
cdef void load_port(Port *port, int64_t now, Snapshot *snapshot) noexcept nogil

cdef inline int64_t safe_edge(const Part *part) noexcept nogil:
    # Last edge up to which this component may run ahead: a message sent by whoever wakes first arrives later.
    if part.engine.quiet_until >= FOREVER:
        return FOREVER
    return edge_at_or_after(&part.clock, part.engine.quiet_until)

cdef inline bint port_has_room(Port *port, int64_t now) noexcept nogil:
    # May the sender send at time `now`? If not, it is woken when it may.
    cdef int64_t free_at
    if port.tail - port.head == port.capacity:
        port.sender_waits = 1
        return False
    free_at = port.free_at[port.tail % port.capacity]
    if free_at > now:
        wake_part(port.sender, free_at)
        return False
    return True

cdef inline void port_send(Port *port, int64_t now, int64_t kind, int64_t a, int64_t b, int64_t c) noexcept nogil:
    # Send at time `now`. The port has to have room.
    cdef int64_t slot = port.tail % port.capacity
    cdef int64_t edge = edge_at_or_after(&port.receiver.clock, now) + port.latency
    if edge <= port.last_edge:
        edge = port.last_edge
        if port.last_count == port.width:
            edge += 1
    if edge == port.last_edge:
        port.last_count += 1
    else:
        port.last_edge = edge
        port.last_count = 1
    port.messages[slot].kind = kind
    port.messages[slot].a = a
    port.messages[slot].b = b
    port.messages[slot].c = c
    port.arrival[slot] = edge
    port.tail += 1
    wake_part(port.receiver, edge_time(&port.receiver.clock, edge))

cdef inline const Message *port_peek(const Port *port, int64_t edge) noexcept nogil:
    # The oldest message that has arrived by a receiver edge, or NULL.
    if port.head == port.tail or port.arrival[port.head % port.capacity] > edge:
        return NULL
    return &port.messages[port.head % port.capacity]

cdef inline void port_pop(Port *port, int64_t now) noexcept nogil:
    # Take the oldest message at time `now`. The sender sees the room one of its own cycles later.
    cdef int64_t slot = port.head % port.capacity
    cdef int64_t back = edge_time(&port.sender.clock, edge_at_or_after(&port.sender.clock, now) + 1)
    port.free_at[slot] = back
    port.head += 1
    if port.sender_waits:
        port.sender_waits = 0
        wake_part(port.sender, back)

cdef class Component:
    cdef Part part
    cdef readonly str name
    cdef readonly list inputs
    cdef readonly list outputs
    cdef readonly int needs_inputs
    cdef readonly int needs_outputs
    cdef readonly tuple count_names
    cdef object _counts
    cdef object table         # of the transitions that the log refers to
    cdef _set_up(self, str name, Clock clock, int needs_inputs, int needs_outputs, count_names)
