# csrc/engine/event_log.pyx: logs that remember segments instead of repeating them (see event_log.pxd).

import numpy as np

from libc.stdlib cimport abort, free, realloc

LOG_ROW = np.dtype([("tick", "i8"), ("code", "i4"), ("unit", "i4"), ("place", "i4"), ("detail", "i4")])

cdef enum:
    MAX_NESTING = 256
    PLACE_ZERO = 1 << 30      # what a kept place counts from: it may lie below the base


cdef void grow_log(EventLog *log) noexcept nogil:
    """Double the room of a log."""
    log.capacity = 2 * log.capacity if log.capacity else 1024
    log.rows = <LogRow *> realloc(log.rows, log.capacity * sizeof(LogRow))
    if log.rows == NULL:
        abort()


cdef Segment *_new_segment(Segments *segments, int64_t rows) noexcept nogil:
    cdef Segment *segment
    while segments.used + rows > segments.capacity:
        segments.capacity = 2 * segments.capacity if segments.capacity else 4096
        segments.rows = <LogRow *> realloc(segments.rows, segments.capacity * sizeof(LogRow))
        if segments.rows == NULL:
            abort()
    if segments.n_items == segments.item_capacity:
        segments.item_capacity = 2 * segments.item_capacity if segments.item_capacity else 256
        segments.items = <Segment *> realloc(segments.items, segments.item_capacity * sizeof(Segment))
        if segments.items == NULL:
            abort()
    segment = segments.items + segments.n_items
    segments.n_items += 1
    segment.first = segments.used
    segment.count = rows
    segments.used += rows
    return segment


cdef inline int64_t _events(const Segments *segments, const LogRow *row) noexcept nogil:
    return segments.items[row.unit].events if row.code == SEGMENT else 1


cdef int64_t keep_segment(
    Segments *segments, const LogRow *rows, int64_t count, int64_t tick, int64_t place, int64_t ticks
) noexcept nogil:
    """Keep rows relative to a tick and a place. Returns the segment's number."""
    cdef Segment *segment = _new_segment(segments, count)
    cdef LogRow *row
    cdef int64_t i
    segment.ticks = ticks
    segment.events = 0
    for i in range(count):
        row = segments.rows + segment.first + i
        row[0] = rows[i]
        row.tick -= tick
        if row.code == SEGMENT:
            row.detail -= <int32_t> place
        elif row.place >= 0:
            row.place = <int32_t> (row.place - place) + PLACE_ZERO
        segment.events += _events(segments, row)
    return segments.n_items - 1


cdef int64_t join_segments(
    Segments *segments, int64_t first, int64_t first_ticks, int64_t second, int64_t second_ticks, int64_t place
) noexcept nogil:
    """A segment of two that follow each other; the second one's places are `place` further on."""
    cdef Segment *segment = _new_segment(segments, 2)
    cdef LogRow *row = segments.rows + segment.first
    row.tick = 0
    row.code = SEGMENT
    row.unit = <int32_t> first
    row.place = -1
    row.detail = 0
    row += 1
    row.tick = first_ticks
    row.code = SEGMENT
    row.unit = <int32_t> second
    row.place = -1
    row.detail = <int32_t> place
    segment.ticks = first_ticks + second_ticks
    segment.events = segments.items[first].events + segments.items[second].events
    return segments.n_items - 1


cdef void free_segments(Segments *segments) noexcept nogil:
    """Give the pool's memory back."""
    free(segments.rows)
    free(segments.items)


cdef int64_t count_events(const EventLog *log, const Segments *segments) noexcept nogil:
    """Rows of a log when expanded."""
    cdef int64_t i, count = 0
    for i in range(log.used):
        count += _events(segments, log.rows + i)
    return count


cdef object expand_log(const EventLog *log, const Segments *segments, int64_t from_tick, int64_t to_tick,
                       int64_t limit):
    """The rows of a log with from_tick <= tick < to_tick, at most `limit`, in the order in which they were logged."""
    cdef int64_t[MAX_NESTING] at, end, tick, place
    cdef int64_t n = 0, room = min(limit, 1 << 16), i, when
    cdef int32_t depth = 0
    cdef const LogRow *row
    cdef int64_t[::1] ticks = np.zeros(room, np.int64)
    cdef int32_t[:, ::1] cells = np.zeros((room, 4), np.int32)
    parts = []
    for i in range(log.used):
        row = log.rows + i
        if row.code != SEGMENT:
            if from_tick <= row.tick < to_tick:
                _store(ticks, cells, n, row, 0, 0)
                n += 1
        else:
            if row.tick >= to_tick or row.tick + segments.items[row.unit].ticks < from_tick:
                continue
            depth = 0
            _enter(segments, row, 0, 0, at, end, tick, place, 0)
            while depth >= 0 and n < limit:
                if at[depth] == end[depth]:
                    depth -= 1
                    continue
                row = segments.rows + at[depth]
                at[depth] += 1
                when = tick[depth] + row.tick
                if row.code == SEGMENT:
                    if when < to_tick and when + segments.items[row.unit].ticks >= from_tick:
                        _enter(segments, row, tick[depth], place[depth], at, end, tick, place, depth + 1)
                        depth += 1
                elif from_tick <= when < to_tick:
                    _store(ticks, cells, n, row, tick[depth], place[depth])
                    n += 1
                if n == room and n < limit:
                    parts.append(_pack(ticks, cells, n))
                    limit -= n
                    n = 0
        if n == room and n < limit:
            parts.append(_pack(ticks, cells, n))
            limit -= n
            n = 0
        if n >= limit:
            break
    parts.append(_pack(ticks, cells, n))
    return np.concatenate(parts)


cdef inline void _enter(
    const Segments *segments, const LogRow *row, int64_t outer_tick, int64_t outer_place,
    int64_t *at, int64_t *end, int64_t *tick, int64_t *place, int32_t depth
) noexcept:
    cdef const Segment *segment = segments.items + row.unit
    at[depth] = segment.first
    end[depth] = segment.first + segment.count
    tick[depth] = outer_tick + row.tick
    place[depth] = outer_place + row.detail


cdef inline void _store(
    int64_t[::1] ticks, int32_t[:, ::1] cells, int64_t n, const LogRow *row, int64_t tick, int64_t place
) noexcept:
    ticks[n] = tick + row.tick
    cells[n, 0] = row.code
    cells[n, 1] = row.unit
    cells[n, 2] = row.place
    if row.place >= PLACE_ZERO >> 1:
        cells[n, 2] = <int32_t> (row.place - PLACE_ZERO + place)
    cells[n, 3] = row.detail


def _pack(int64_t[::1] ticks, int32_t[:, ::1] cells, int64_t n):
    rows = np.zeros(n, LOG_ROW)
    rows["tick"] = np.asarray(ticks[:n])
    for i, name in enumerate(("code", "unit", "place", "detail")):
        rows[name] = np.asarray(cells[:n, i])
    return rows
