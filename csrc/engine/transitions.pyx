# csrc/engine/transitions.pyx: a table of remembered transitions (see transitions.pxd).

from libc.stdlib cimport abort, calloc, free, realloc
from libc.string cimport memcmp, memcpy

from bitline.csrc.engine.event_log cimport free_segments, join_segments, keep_segment, LogRow, Segment


cdef inline uint64_t _mix(uint64_t hash, uint64_t word) noexcept nogil:
    hash = (hash ^ word) * <uint64_t> 0x9E3779B97F4A7C15
    return hash ^ (hash >> 29)


cdef uint64_t _hash_bytes(const uint8_t *data, int64_t size) noexcept nogil:
    # `size` is a multiple of eight.
    cdef const uint64_t *words = <const uint64_t *> data
    cdef uint64_t hash = <uint64_t> size
    cdef int64_t i
    for i in range(size >> 3):
        hash = _mix(hash, words[i])
    return hash


cdef void *_grow(void *memory, int64_t *capacity, int64_t needed, size_t size) noexcept nogil:
    if needed <= capacity[0]:
        return memory
    while capacity[0] < needed:
        capacity[0] = 2 * capacity[0] if capacity[0] else 1024
    memory = realloc(memory, capacity[0] * size)
    if memory == NULL:
        abort()
    return memory


cdef class TransitionTable:
    """Transitions of one kind of region: the same parties with the same specs, with or without a log.

    Shared by all loops, operators, layers and alike channels of a process. Past `max_bytes` nothing more is kept.
    """

    def __cinit__(self, int n_parties, int n_timers, *, bint logging=False, int64_t max_bytes=1 << 29):
        self.n_parties = n_parties
        self.n_timers = n_timers
        self.logging = logging
        self.max_bytes = max_bytes
        self.state_index.size = self.item_index.size = 1 << 12
        self.state_index.slots = <int64_t *> calloc(self.state_index.size, sizeof(int64_t))
        self.item_index.slots = <int64_t *> calloc(self.item_index.size, sizeof(int64_t))
        if self.state_index.slots == NULL or self.item_index.slots == NULL:
            raise MemoryError()

    def __dealloc__(self):
        free(self.bytes)
        free(self.states)
        free(self.items)
        free(self.changes)
        free(self.words)
        free(self.state_index.slots)
        free(self.item_index.slots)
        free_segments(&self.segments)

    def sizes(self):
        """How much is remembered."""
        return {"states": self.n_states, "transitions": self.n_items, "bytes": self._bytes_in_use()}

    cdef int64_t _bytes_in_use(self) noexcept nogil:
        cdef int64_t words = self.words_used + self.state_index.size + self.item_index.size
        return (self.bytes_used + self.n_states * sizeof(State) + self.n_items * sizeof(Transition)
                + self.changes_used * sizeof(Change) + self.segments.used * sizeof(LogRow)
                + self.segments.n_items * sizeof(Segment) + 8 * words)

    cdef int64_t take_words(self, int64_t count) noexcept nogil:
        """Room for words; returns the first one's number."""
        self.words = <int64_t *> _grow(self.words, &self.words_capacity, self.words_used + count, sizeof(int64_t))
        self.words_used += count
        return self.words_used - count

    cdef int64_t take_changes(self, int64_t count) noexcept nogil:
        """Room for changes of counters."""
        self.changes = <Change *> _grow(
            self.changes, &self.changes_capacity, self.changes_used + count, sizeof(Change))
        self.changes_used += count
        return self.changes_used - count

    cdef int64_t intern(self, const uint8_t *data, int64_t size) noexcept nogil:
        """The number of a state; -1 for a new one when memory is used up. Bytes are compared, not only hashes."""
        cdef uint64_t hash = _hash_bytes(data, size)
        cdef int64_t place = hash & (self.state_index.size - 1), number
        while self.state_index.slots[place]:
            number = self.state_index.slots[place] - 1
            if (self.states[number].hash == hash and self.states[number].size == size
                    and memcmp(self.bytes + self.states[number].first, data, size) == 0):
                return number
            place = (place + 1) & (self.state_index.size - 1)
        if self.full or self._bytes_in_use() > self.max_bytes:
            self.full = True
            return -1
        number = self.n_states
        self.states = <State *> _grow(self.states, &self.state_capacity, number + 1, sizeof(State))
        self.bytes = <uint8_t *> _grow(self.bytes, &self.bytes_capacity, self.bytes_used + size, 1)
        memcpy(self.bytes + self.bytes_used, data, size)
        self.states[number].first = self.bytes_used
        self.states[number].size = size
        self.states[number].hash = hash
        self.bytes_used += size
        self.n_states += 1
        self.state_index.slots[place] = number + 1
        if 2 * self.n_states > self.state_index.size:
            self._widen_states()
        return number

    cdef void _widen_states(self) noexcept nogil:
        cdef int64_t number, place
        free(self.state_index.slots)
        self.state_index.size *= 2
        self.state_index.slots = <int64_t *> calloc(self.state_index.size, sizeof(int64_t))
        if self.state_index.slots == NULL:
            abort()
        for number in range(self.n_states):
            place = self.states[number].hash & (self.state_index.size - 1)
            while self.state_index.slots[place]:
                place = (place + 1) & (self.state_index.size - 1)
            self.state_index.slots[place] = number + 1

    cdef uint64_t _hash_item(
        self, int64_t body, int64_t state, int32_t level, int32_t near, const int64_t *timers
    ) noexcept nogil:
        cdef uint64_t hash = _mix(_mix(<uint64_t> body, <uint64_t> state), <uint64_t> (2 * level + near))
        cdef int i
        if near:
            for i in range(self.n_timers):
                hash = _mix(hash, <uint64_t> timers[i])
        return hash

    cdef int64_t _look_up(
        self, int64_t body, int64_t state, int32_t level, int32_t near, const int64_t *timers
    ) noexcept nogil:
        cdef int64_t place = self._hash_item(body, state, level, near, timers) & (self.item_index.size - 1)
        cdef int64_t number
        cdef const Transition *item
        while self.item_index.slots[place]:
            number = self.item_index.slots[place] - 1
            item = self.items + number
            if item.body == body and item.state == state and item.level == level and item.near == near:
                if not near or memcmp(self.words + item.timers, timers, 8 * self.n_timers) == 0:
                    return number
            place = (place + 1) & (self.item_index.size - 1)
        return -1

    cdef int64_t find(self, int64_t body, int64_t state, int32_t level, const int64_t *timers) noexcept nogil:
        """The transition that holds for this state and these cycles to each timer, or -1."""
        cdef int64_t number = self._look_up(body, state, level, 0, timers)
        cdef bint far = number >= 0
        cdef int i
        if far:
            for i in range(self.n_timers):
                far = far and timers[i] > self.words[self.items[number].timers + i]
            if far:
                return number
        return self._look_up(body, state, level, 1, timers)

    cdef int64_t add(self, Transition item, const int64_t *timers) noexcept nogil:
        """Keep a transition (unless it is known, or memory is used up). Returns its number, or -1."""
        cdef int64_t number = self._look_up(item.body, item.state, item.level, item.near, timers), place
        if number >= 0:
            return number
        if self.full or self._bytes_in_use() > self.max_bytes:
            self.full = True
            return -1
        number = self.n_items
        self.items = <Transition *> _grow(self.items, &self.item_capacity, number + 1, sizeof(Transition))
        self.items[number] = item
        self.n_items += 1
        if item.level > self.top_level:
            self.top_level = item.level
        self._place(number)
        if 2 * self.n_items > self.item_index.size:
            free(self.item_index.slots)
            self.item_index.size *= 2
            self.item_index.slots = <int64_t *> calloc(self.item_index.size, sizeof(int64_t))
            if self.item_index.slots == NULL:
                abort()
            for place in range(self.n_items):
                self._place(place)
        return number

    cdef void _place(self, int64_t number) noexcept nogil:
        cdef const Transition *item = self.items + number
        cdef int64_t place = self._hash_item(
            item.body, item.state, item.level, item.near, self.words + item.timers) & (self.item_index.size - 1)
        while self.item_index.slots[place]:
            place = (place + 1) & (self.item_index.size - 1)
        self.item_index.slots[place] = number + 1

    cdef int64_t join(self, int64_t first, int64_t second, int64_t place) noexcept nogil:
        """The transition of two of one level that follow each other; `place`: what the first adds to the base."""
        cdef Transition a = self.items[first], b = self.items[second], item
        cdef int i
        cdef int64_t known
        item.body = a.body
        item.state = a.state
        item.level = a.level + 1
        item.near = a.near or b.near
        # A near transition keeps the timers that it starts with; a far one the least that they may be.
        item.timers = self.take_words(self.n_timers)
        for i in range(self.n_timers):
            if item.near:
                self.words[item.timers + i] = self._timer_before(&a, &b, i)
            else:
                known = self.words[a.next_timers + i] + self.words[b.timers + i]
                if self.words[a.timers + i] > known:
                    known = self.words[a.timers + i]
                self.words[item.timers + i] = known
        known = self._look_up(item.body, item.state, item.level, item.near, self.words + item.timers)
        if known >= 0:
            self.words_used -= self.n_timers
            return known
        item.next_state = b.next_state
        item.next_timers = self.take_words(self.n_timers)
        for i in range(self.n_timers):
            if item.near:
                self.words[item.next_timers + i] = self._timer_after(&a, &b, i)
            else:
                self.words[item.next_timers + i] = self.words[a.next_timers + i] + self.words[b.next_timers + i]
        item.time = a.time + b.time
        item.cycles = self.take_words(self.n_parties)
        item.segments = self.take_words(self.n_parties)
        for i in range(self.n_parties):
            self.words[item.cycles + i] = self.words[a.cycles + i] + self.words[b.cycles + i]
            self.words[item.segments + i] = self._join_segments(&a, &b, i, place)
        self._join_changes(&a, &b, &item)
        return self.add(item, self.words + item.timers)

    cdef int64_t _timer_before(self, const Transition *a, const Transition *b, int i) noexcept nogil:
        # Where the first is far, its timers come nearer by a known amount.
        return self.words[a.timers + i] if a.near else self.words[b.timers + i] + self.words[a.next_timers + i]

    cdef int64_t _timer_after(self, const Transition *a, const Transition *b, int i) noexcept nogil:
        if b.near:
            return self.words[b.next_timers + i]
        return self.words[a.next_timers + i] - self.words[b.next_timers + i]

    cdef int64_t _join_segments(self, const Transition *a, const Transition *b, int i, int64_t place) noexcept nogil:
        cdef int64_t first = self.words[a.segments + i], second = self.words[b.segments + i]
        if not self.logging or (first < 0 and second < 0):
            return -1
        # An empty side still takes its time: stand in an empty segment for it.
        if first < 0:
            first = self._empty_segment(self.words[a.cycles + i])
        if second < 0:
            second = self._empty_segment(self.words[b.cycles + i])
        return join_segments(
            &self.segments, first, self.words[a.cycles + i], second, self.words[b.cycles + i], place)

    cdef int64_t _empty_segment(self, int64_t ticks) noexcept nogil:
        return keep_segment(&self.segments, NULL, 0, 0, 0, ticks)

    cdef void _join_changes(self, const Transition *a, const Transition *b, Transition *item) noexcept nogil:
        cdef int64_t first = self.take_changes(a.n_changes + b.n_changes)
        cdef Change *out = self.changes + first
        cdef const Change *x = self.changes + a.first_change
        cdef const Change *y = self.changes + b.first_change
        cdef const Change *x_end = x + a.n_changes
        cdef const Change *y_end = y + b.n_changes
        cdef int32_t n = 0
        while x < x_end or y < y_end:
            if y == y_end or (x < x_end and x.counter < y.counter):
                out[n] = x[0]
                x += 1
            elif x == x_end or y.counter < x.counter:
                out[n] = y[0]
                y += 1
            else:
                out[n].counter = x.counter
                out[n].amount = x.amount + y.amount
                x += 1
                y += 1
            n += 1
        item.first_change = first
        item.n_changes = n
        self.changes_used = first + n
