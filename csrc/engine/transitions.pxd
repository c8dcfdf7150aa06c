# csrc/engine/transitions.pxd: what one pass through a loop body did, remembered by the state that it started from.
#
# Prior art: Schnarr and Larus, FastSim, ASPLOS 1998. A transition is kept for (loop body, state, level): level k stands
# for 2^k iterations. It holds for any timers that fire later than it lasts ("far"), or for exactly the timers that it
# was recorded with ("near").

from libc.stdint cimport int32_t, int64_t, uint8_t, uint64_t

from bitline.csrc.engine.event_log cimport Segments
from bitline.csrc.engine.snapshot cimport Timer

cdef struct State:
    int64_t first             # byte in the pool
    int64_t size
    uint64_t hash

cdef struct Change:           # of a counter
    int32_t counter           # over all parties
    int64_t amount

cdef struct Transition:
    int64_t body
    int64_t state
    int32_t level
    int32_t near
    int64_t timers            # word in the pool: cycles to each timer at the start (near), or each timer's least (far)
    int64_t next_state
    int64_t next_timers       # near: cycles to each timer at the end; far: what each comes nearer
    int64_t time              # ps, in regions of several components
    int64_t cycles            # word in the pool: cycles of each party
    int64_t first_change
    int32_t n_changes
    int64_t segments          # word in the pool: segment of each party, -1 where nothing happened

cdef struct Index:
    int64_t *slots            # transition or state number + 1
    int64_t size              # a power of two

cdef class TransitionTable:
    cdef readonly int n_parties
    cdef readonly int n_timers
    cdef readonly bint logging
    cdef readonly bint full
    cdef readonly int32_t top_level   # that is known
    cdef public object logs           # which parties keep a log, once a region uses the table
    cdef int64_t max_bytes
    cdef uint8_t *bytes
    cdef int64_t bytes_used
    cdef int64_t bytes_capacity
    cdef State *states
    cdef int64_t n_states
    cdef int64_t state_capacity
    cdef Transition *items
    cdef int64_t n_items
    cdef int64_t item_capacity
    cdef Change *changes
    cdef int64_t changes_used
    cdef int64_t changes_capacity
    cdef int64_t *words
    cdef int64_t words_used
    cdef int64_t words_capacity
    cdef Index state_index
    cdef Index item_index
    cdef Segments segments

    cdef int64_t intern(self, const uint8_t *data, int64_t size) noexcept nogil
    cdef int64_t find(self, int64_t body, int64_t state, int32_t level, const int64_t *timers) noexcept nogil
    cdef int64_t add(self, Transition item, const int64_t *timers) noexcept nogil
    cdef int64_t join(self, int64_t first, int64_t second, int64_t place) noexcept nogil
    cdef int64_t _bytes_in_use(self) noexcept nogil
    cdef void _widen_states(self) noexcept nogil
    cdef uint64_t _hash_item(
        self, int64_t body, int64_t state, int32_t level, int32_t near, const int64_t *timers) noexcept nogil
    cdef int64_t _look_up(
        self, int64_t body, int64_t state, int32_t level, int32_t near, const int64_t *timers) noexcept nogil
    cdef void _place(self, int64_t number) noexcept nogil
    cdef int64_t _timer_before(self, const Transition *a, const Transition *b, int i) noexcept nogil
    cdef int64_t _timer_after(self, const Transition *a, const Transition *b, int i) noexcept nogil
    cdef int64_t _join_segments(self, const Transition *a, const Transition *b, int i, int64_t place) noexcept nogil
    cdef int64_t _empty_segment(self, int64_t ticks) noexcept nogil
    cdef void _join_changes(self, const Transition *a, const Transition *b, Transition *item) noexcept nogil
    cdef int64_t take_words(self, int64_t count) noexcept nogil
    cdef int64_t take_changes(self, int64_t count) noexcept nogil
