# csrc/engine/region.pxd: the components that take part in a loop, and the replay of what its iterations did before.

from libc.stdint cimport int32_t, int64_t

from bitline.csrc.engine.component cimport Part, Port
from bitline.csrc.engine.snapshot cimport Snapshot, Timer
from bitline.csrc.engine.transitions cimport Transition, TransitionTable

cdef enum:
    MAX_DEPTH = 16
    MAX_LEVEL = 40

cdef enum:                    # why an iteration could not be remembered
    REFUSED_ADDRESS           # the address mapping is not the same one stride further
    REFUSED_MESSAGE           # something came from outside
    REFUSED_MEMORY            # the table is full
    REFUSED_LOG               # places in the log would leave their range
    REFUSED_NEW               # states have not come back for long: only some are still looked at
    N_REFUSALS

cdef struct Recording:        # an iteration that is being simulated
    int32_t active
    int64_t body
    int64_t state
    int64_t base
    int64_t time
    int64_t messages          # sent and received by then, where the region is one component alone
    int64_t *edges            # of each party, when it began
    int64_t *counts           # of all parties
    int64_t *log_marks
    Timer *timers

cdef class Region:
    cdef readonly TransitionTable table
    cdef Part **parties
    cdef int32_t n_parties
    cdef Port **ports
    cdef int32_t n_ports
    cdef bint alone           # one party that runs its loops by itself: no wakes, ports or phases
    cdef int32_t n_counts
    cdef Snapshot snapshot
    cdef int64_t *edges
    cdef int64_t *timers      # cycles to each
    cdef int64_t *later       # cycles to each, after a transition
    cdef Recording[MAX_DEPTH] recordings
    cdef int64_t[MAX_DEPTH] unknown   # iterations since one was replayed, by depth
    cdef readonly list components
    cdef readonly int64_t markers
    cdef readonly int64_t replayed    # iterations
    cdef readonly int64_t simulated
    cdef int64_t[N_REFUSALS] refusals

    cdef set_up_alone(self, Part *part, TransitionTable table)
    cdef int64_t at_marker(self, int64_t now, int64_t until) noexcept nogil
    cdef int32_t _movable(self) noexcept nogil
    cdef void _refuse(self, Recording *recording, int32_t why) noexcept nogil
    cdef void _save(self, int64_t now, const Recording *recording) noexcept nogil
    cdef void _load(self, int64_t state, int64_t now) noexcept nogil
    cdef void _finish(self, Recording *recording, int64_t now, int64_t state) noexcept nogil
    cdef void _begin(self, Recording *recording, int64_t now, int64_t state) noexcept nogil
    cdef int64_t _replay(self, int64_t *now, int64_t until, int64_t state) noexcept nogil
    cdef int64_t _longest(self, int64_t state, int64_t left, int64_t rest) noexcept nogil
    cdef int64_t _duration(self, int64_t number) noexcept nogil
    cdef void _pass_timers(self, int64_t number, const int64_t *before, int64_t *after) noexcept nogil
    cdef void _apply(self, int64_t number, int64_t base) noexcept nogil
    cdef int64_t _keep_log(self, const Recording *recording, int32_t i) noexcept nogil
    cdef void _keep_changes(self, const Recording *recording, Transition *item) noexcept nogil

cdef int64_t pass_marker(void *region, int64_t now, int64_t until) noexcept nogil
