# csrc/engine/event_log.pxd: what happened, as rows and as references to segments that happened before.
#
# A row is (tick, code, unit, place, detail); what the last four mean is the component's. A row with code SEGMENT stands
# for all rows of a segment: `unit` is its number, `tick` where it begins, `detail` what is added to its places.

from libc.stdint cimport int32_t, int64_t

cdef enum:
    SEGMENT = -1

cdef struct LogRow:
    int64_t tick
    int32_t code
    int32_t unit
    int32_t place             # moves with the loop's base where it is not negative
    int32_t detail

cdef struct EventLog:
    LogRow *rows
    int64_t used
    int64_t capacity
    int32_t enabled

cdef struct Segment:
    int64_t first             # row in the pool
    int64_t count
    int64_t ticks             # how long it took
    int64_t events            # rows when expanded

cdef struct Segments:
    LogRow *rows
    int64_t used
    int64_t capacity
    Segment *items
    int64_t n_items
    int64_t item_capacity

cdef void grow_log(EventLog *log) noexcept nogil
cdef int64_t keep_segment(
    Segments *segments, const LogRow *rows, int64_t count, int64_t tick, int64_t place, int64_t ticks
) noexcept nogil
cdef int64_t join_segments(
    Segments *segments, int64_t first, int64_t first_ticks, int64_t second, int64_t second_ticks, int64_t place
) noexcept nogil
cdef void free_segments(Segments *segments) noexcept nogil
cdef object expand_log(const EventLog *log, const Segments *segments, int64_t from_tick, int64_t to_tick, int64_t limit)
cdef int64_t count_events(const EventLog *log, const Segments *segments) noexcept nogil

cdef inline void log_event(
    EventLog *log, int64_t tick, int32_t code, int32_t unit, int32_t place, int32_t detail
) noexcept nogil:
    cdef LogRow *row
    if log.used == log.capacity:
        grow_log(log)
    row = log.rows + log.used
    log.used += 1
    row.tick = tick
    row.code = code
    row.unit = unit
    row.place = place
    row.detail = detail
