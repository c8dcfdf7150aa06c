# csrc/engine/component.pyx: the Python side of components and ports (see component.pxd).

import numpy as np

from libc.stdint cimport int64_t
from libc.stdlib cimport free
from libc.string cimport memcpy, memset

from bitline.base.errors import SpecError

from bitline.csrc.engine.clock cimport edge_at_or_after
from bitline.csrc.engine.event_log cimport expand_log, Segments
from bitline.csrc.engine.queue cimport queue_push, Wake
from bitline.csrc.engine.snapshot cimport get64, put64, put_timer, put_words, snapshot_free


cdef Segments _no_segments
memset(&_no_segments, 0, sizeof(Segments))


cdef void wake_part(Part *part, int64_t time) noexcept nogil:
    """Wake a component at a time, unless it wakes earlier anyway."""
    cdef Wake wake
    if time >= part.wake:
        return
    part.wake = time
    part.stamp += 1
    wake.time = time
    wake.place = part.place
    wake.stamp = part.stamp
    wake.slot = part.slot
    if time < part.engine.quiet_until:
        part.engine.quiet_until = time
    queue_push(&part.engine.queue, wake)


cdef void port_reset(Port *port) noexcept nogil:
    """Empty a port."""
    cdef int32_t slot
    port.head = port.tail = 0
    port.last_edge = -1
    port.last_count = 0
    port.sender_waits = 0
    for slot in range(port.capacity):
        port.free_at[slot] = 0


cdef void save_port(const Port *port, int64_t now, Snapshot *snapshot) noexcept nogil:
    """What is in flight, relative to a time."""
    cdef int64_t edge = edge_at_or_after(&port.receiver.clock, now), i, slot, kind
    put64(snapshot, port.tail - port.head)
    for i in range(port.head, port.tail):
        slot = i % port.capacity
        kind = port.messages[slot].kind
        put64(snapshot, kind)
        put64(snapshot, port.messages[slot].a - (snapshot.base if kind & ADDRESS else 0))
        put64(snapshot, port.messages[slot].b)
        put64(snapshot, port.messages[slot].c)
        put64(snapshot, port.arrival[slot] - edge)
    for i in range(port.tail, port.head + port.capacity):
        slot = i % port.capacity
        put64(snapshot, port.free_at[slot] - now if port.free_at[slot] > now else 0)
    put64(snapshot, port.last_edge - edge if port.last_edge > edge else 0)
    put64(snapshot, port.last_count if port.last_edge > edge else 0)
    put64(snapshot, port.sender_waits)


cdef void load_port(Port *port, int64_t now, Snapshot *snapshot) noexcept nogil:
    """Put what was in flight at another time. `head`, the number of messages received, stands already."""
    cdef int64_t edge = edge_at_or_after(&port.receiver.clock, now), i, slot, rest
    port.tail = port.head + get64(snapshot)
    for i in range(port.head, port.tail):
        slot = i % port.capacity
        port.messages[slot].kind = get64(snapshot)
        port.messages[slot].a = get64(snapshot) + (snapshot.base if port.messages[slot].kind & ADDRESS else 0)
        port.messages[slot].b = get64(snapshot)
        port.messages[slot].c = get64(snapshot)
        port.arrival[slot] = get64(snapshot) + edge
    for i in range(port.tail, port.head + port.capacity):
        rest = get64(snapshot)
        port.free_at[i % port.capacity] = now + rest if rest else 0
    rest = get64(snapshot)
    port.last_edge = edge + rest if rest else -1
    port.last_count = <int32_t> get64(snapshot)
    port.sender_waits = <int32_t> get64(snapshot)


cdef class Component:
    """Base of every component. Made by a subclass in csrc/, or written in Python (engine.PythonComponent)."""

    cdef _set_up(self, str name, Clock clock, int needs_inputs, int needs_outputs, count_names):
        cdef int64_t[::1] view
        self.name = name
        self.part.clock = clock
        self.needs_inputs = needs_inputs
        self.needs_outputs = needs_outputs
        self.inputs = []
        self.outputs = []
        self.count_names = tuple(count_names)
        self._counts = np.zeros(max(1, len(self.count_names)), np.int64)
        view = self._counts
        self.part.counts = &view[0]
        self.part.n_counts = len(self.count_names)
        self.part.wake = FOREVER

    def __dealloc__(self):
        free(self.part.inputs)
        free(self.part.outputs)

    def counts(self):
        """What was counted, by name."""
        return dict(zip(self.count_names, self._counts.tolist(), strict=False))

    def reset(self):
        """Back to the state at time 0."""
        self._counts[:] = 0
        self.part.wake = FOREVER
        if self.part.log != NULL:
            self.part.log.used = 0
        if self.part.reset != NULL:
            self.part.reset(&self.part)

    def log_rows(self, int64_t first_cycle=0, int64_t last_cycle=1 << 62, int64_t limit=1 << 40):
        """What was logged with first_cycle <= tick < last_cycle, as LOG_ROW rows, at most `limit`."""
        if self.part.log == NULL:
            raise SpecError(f"'{self.name}' keeps no log")
        cdef const Segments *segments = self.part.segments if self.part.segments != NULL else &_no_segments
        return expand_log(self.part.log, segments, first_cycle, last_cycle, limit)

    def waits(self):
        """What the component waits for ("nothing", "message", "room", "time") and at which port (-1: none)."""
        cdef int32_t port = -1
        cdef Waits what = WAITS_FOR_NOTHING
        if self.part.waits != NULL:
            what = self.part.waits(&self.part, &port)
        return ("nothing", "message", "room", "time")[what], port

    def save_state(self, int64_t time):
        """The state relative to the first clock edge from `time` on: (bytes, cycles to each timer). For tests."""
        cdef Snapshot snapshot
        memset(&snapshot, 0, sizeof(Snapshot))
        snapshot.since = -1
        try:
            if self.part.save == NULL:
                raise SpecError(f"component '{self.name}' cannot be relocated")
            self.part.save(&self.part, edge_at_or_after(&self.part.clock, time), &snapshot)
            timers = [snapshot.timers[i].deadline - snapshot.timers[i].clock for i in range(snapshot.n_timers)]
            return (snapshot.data[:snapshot.used] if snapshot.used else b"", timers)
        finally:
            snapshot_free(&snapshot)

    def load_state(self, int64_t time, bytes data, timers):
        """Put a saved state at another time. For tests."""
        cdef Snapshot snapshot
        memset(&snapshot, 0, sizeof(Snapshot))
        snapshot.since = -1
        for cycles in timers:
            put_timer(&snapshot, cycles, 0)
        if data:
            memcpy(put_words(&snapshot, len(data) >> 3), <unsigned char *> data, len(data))
        try:
            self.part.load(&self.part, edge_at_or_after(&self.part.clock, time), &snapshot)
        finally:
            snapshot_free(&snapshot)
