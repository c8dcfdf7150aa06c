# csrc/engine/snapshot.pxd: a component's state as bytes, relative to a clock edge, with its far timers apart.
#
# Everything that decides what happens next is put here, times as cycles from the edge, what lies in the past and no
# longer matters as 0. Timers are deadlines that matter only once they come near: they are compared, not hashed.

from libc.stdint cimport int32_t, int64_t, uint8_t

cdef struct Timer:
    int64_t deadline          # cycle at which it fires
    int64_t clock             # cycle up to which its component has worked

cdef struct Snapshot:
    uint8_t *data
    int64_t used
    int64_t capacity
    int64_t read              # next byte to be loaded
    Timer *timers
    int64_t n_timers
    int64_t timer_capacity
    int64_t read_timer
    int32_t refused           # a component cannot be moved by `stride`: its address mapping is not the same there
    # Where addresses count from, so that an iteration looks like the next one.
    int64_t base
    int64_t low               # offsets from the base that one iteration reaches
    int64_t high
    int64_t stride            # what an iteration adds to the base
    int64_t since             # edge at which the iteration that is being recorded began, or -1

cdef void snapshot_clear(Snapshot *snapshot) noexcept nogil
cdef void snapshot_free(Snapshot *snapshot) noexcept nogil
cdef void snapshot_grow(Snapshot *snapshot, int64_t extra) noexcept nogil
cdef void put_timer(Snapshot *snapshot, int64_t deadline, int64_t clock) noexcept nogil

cdef inline int64_t get_timer(Snapshot *snapshot, int64_t clock) noexcept nogil:
    # The deadline of the next timer of a component that stands at cycle `clock`.
    cdef Timer *timer = &snapshot.timers[snapshot.read_timer]
    snapshot.read_timer += 1
    timer.deadline += clock - timer.clock
    timer.clock = clock
    return timer.deadline

cdef inline void put64(Snapshot *snapshot, int64_t value) noexcept nogil:
    if snapshot.used + 8 > snapshot.capacity:
        snapshot_grow(snapshot, 8)
    (<int64_t *> (snapshot.data + snapshot.used))[0] = value
    snapshot.used += 8

cdef inline int64_t get64(Snapshot *snapshot) noexcept nogil:
    snapshot.read += 8
    return (<int64_t *> (snapshot.data + snapshot.read - 8))[0]

cdef inline int64_t *put_words(Snapshot *snapshot, int64_t count) noexcept nogil:
    # Room for `count` words, to be filled by the caller.
    if snapshot.used + 8 * count > snapshot.capacity:
        snapshot_grow(snapshot, 8 * count)
    snapshot.used += 8 * count
    return <int64_t *> (snapshot.data + snapshot.used - 8 * count)

cdef inline const int64_t *get_words(Snapshot *snapshot, int64_t count) noexcept nogil:
    snapshot.read += 8 * count
    return <const int64_t *> (snapshot.data + snapshot.read - 8 * count)
