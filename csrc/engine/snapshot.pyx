# csrc/engine/snapshot.pyx: memory of snapshots (see snapshot.pxd).

from libc.stdlib cimport abort, free, realloc


cdef void snapshot_clear(Snapshot *snapshot) noexcept nogil:
    snapshot.used = snapshot.read = 0
    snapshot.n_timers = snapshot.read_timer = 0
    snapshot.refused = 0


cdef void snapshot_free(Snapshot *snapshot) noexcept nogil:
    free(snapshot.data)
    free(snapshot.timers)
    snapshot.data = NULL
    snapshot.timers = NULL
    snapshot.capacity = snapshot.timer_capacity = 0


cdef void snapshot_grow(Snapshot *snapshot, int64_t extra) noexcept nogil:
    while snapshot.used + extra > snapshot.capacity:
        snapshot.capacity = 2 * snapshot.capacity if snapshot.capacity else 4096
    snapshot.data = <uint8_t *> realloc(snapshot.data, snapshot.capacity)
    if snapshot.data == NULL:
        abort()


cdef void put_timer(Snapshot *snapshot, int64_t deadline, int64_t clock) noexcept nogil:
    """A deadline that changes nothing before its component has worked up to it."""
    if snapshot.n_timers == snapshot.timer_capacity:
        snapshot.timer_capacity = 2 * snapshot.timer_capacity if snapshot.timer_capacity else 8
        snapshot.timers = <Timer *> realloc(snapshot.timers, snapshot.timer_capacity * sizeof(Timer))
        if snapshot.timers == NULL:
            abort()
    snapshot.timers[snapshot.n_timers].deadline = deadline
    snapshot.timers[snapshot.n_timers].clock = clock
    snapshot.n_timers += 1
