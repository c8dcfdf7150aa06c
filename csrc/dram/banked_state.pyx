# csrc/dram/banked_state.pyx: the state of bank queues against that of others (see banked_state.pxd).
#
# What decides the future is compared: requests in their order, turns, refreshes. Which banks sleep until when and where
# the oldest hits lie follows from that; it is copied and not compared.

from libc.stdint cimport int32_t
from libc.string cimport memcpy

from bitline.csrc.dram.banked cimport Banked, FILTER, grow_pool, Line, push
from bitline.csrc.dram.request cimport Entry, NONE, READ, reset_pool, take_entry


cdef bint _same_entry(const Banked *one, int32_t index, const Banked *other, int32_t twin) noexcept nogil:
    cdef const Entry *a = one.pool.entries + index
    cdef const Entry *b = other.pool.entries + twin
    if (a.request.line != b.request.line or a.request.kind != b.request.kind or a.request.bank != b.request.bank
            or a.request.row != b.request.row or a.request.column != b.request.column or a.started != b.started):
        return False
    if a.request.kind != READ:
        return True             # a write was answered when it came
    return (a.request.tag == b.request.tag and a.request.arrival == b.request.arrival
            and one.followers[index] == NONE and other.followers[twin] == NONE)


cdef bint _same_line(const Banked *one, const Line *a, const Banked *other, const Line *b) noexcept nogil:
    cdef int32_t index = a.head, twin = b.head
    if a.size != b.size:
        return False
    while index != NONE:
        if not _same_entry(one, index, other, twin):
            return False
        index = one.pool.entries[index].next
        twin = other.pool.entries[twin].next
    return True


cdef bint _same_refresh(const Banked *one, const Banked *other) noexcept nogil:
    cdef int32_t i, ring = 2 * one.n_units
    if (one.next_refresh != other.next_refresh or one.refresh_unit != other.refresh_unit
            or one.n_pending != other.n_pending or one.blocked_unit != other.blocked_unit):
        return False
    for i in range(one.n_pending):
        if one.pending[(one.pending_head + i) % ring] != other.pending[(other.pending_head + i) % ring]:
            return False
    return True


cdef bint same_banked(const Banked *one, const Banked *other) noexcept nogil:
    """Will the queues of two channels in the same state do the same? False also where that is hard to say."""
    cdef int32_t word, bank
    if (one.n_queued != other.n_queued or one.draining != other.draining or one.drain_above != other.drain_above
            or one.turn != other.turn or one.reserved_row != other.reserved_row
            or one.owed_read != NONE or other.owed_read != NONE):
        return False
    for word in range(8):
        if one.occupied[word] != other.occupied[word]:
            return False
    if not (_same_refresh(one, other) and _same_line(one, &one.reads, other, &other.reads)
            and _same_line(one, &one.writes, other, &other.writes)):
        return False
    for bank in range(one.n_units * one.unit_banks):
        if not _same_line(one, &one.banks[bank].line, other, &other.banks[bank].line):
            return False
    return True


cdef int32_t _copy_entry(const Banked *source, int32_t index, Banked *target) noexcept nogil:
    """A waiting request and those that share its command."""
    cdef const Entry *entry = source.pool.entries + index
    cdef int32_t copied = take_entry(target.pool, &entry.request), last = copied, more
    target.pool.entries[copied].order = entry.order
    target.pool.entries[copied].started = entry.started
    if entry.request.kind != READ:
        return copied
    index = source.followers[index]
    while index != NONE:
        more = take_entry(target.pool, &source.pool.entries[index].request)
        target.followers[last] = more
        last = more
        index = source.followers[index]
    target.followers[last] = NONE
    return copied


cdef void _copy_line(const Banked *source, const Line *line, Banked *target, Line *copy) noexcept nogil:
    cdef int32_t index = line.head, copied
    copy.head = copy.tail = NONE
    copy.size = 0
    while index != NONE:
        copied = _copy_entry(source, index, target)
        push(target.pool, copy, copied)
        if index == source.owed_read:
            target.owed_read = copied
        index = source.pool.entries[index].next


cdef inline int32_t _place_in(const Banked *banked, const Line *line, int32_t index) noexcept nogil:
    cdef int32_t place = 0, other = line.head
    while other != index:
        other = banked.pool.entries[other].next
        place += 1
    return place


cdef int32_t _at_place(const Banked *banked, const Line *line, int32_t place) noexcept nogil:
    cdef int32_t index = line.head, _i
    for _i in range(place):
        index = banked.pool.entries[index].next
    return index


cdef void copy_banked(const Banked *source, Banked *target) noexcept nogil:
    """Put the queues of a channel into the state of another's."""
    cdef Banked kept = target[0]
    cdef int32_t bank
    target[0] = source[0]
    target.pool, target.banks, target.pending = kept.pool, kept.banks, kept.pending
    target.read_filter, target.write_filter, target.followers = kept.read_filter, kept.write_filter, kept.followers
    while target.pool.capacity < source.pool.capacity:
        grow_pool(target)
    reset_pool(target.pool)
    _copy_line(source, &source.reads, target, &target.reads)
    _copy_line(source, &source.writes, target, &target.writes)
    for bank in range(source.n_units * source.unit_banks):
        target.banks[bank] = source.banks[bank]
        _copy_line(source, &source.banks[bank].line, target, &target.banks[bank].line)
        if source.banks[bank].read != NONE:
            target.banks[bank].read = _at_place(target, &target.banks[bank].line, _place_in(
                source, &source.banks[bank].line, source.banks[bank].read))
        if source.banks[bank].write != NONE:
            target.banks[bank].write = _at_place(target, &target.banks[bank].line, _place_in(
                source, &source.banks[bank].line, source.banks[bank].write))
    target.pool.next_order = source.pool.next_order
    memcpy(target.pending, source.pending, 2 * source.n_units * sizeof(int32_t))
    memcpy(target.read_filter, source.read_filter, FILTER * sizeof(int32_t))
    memcpy(target.write_filter, source.write_filter, FILTER * sizeof(int32_t))
