# csrc/dram/pooled.pxd: a controller with one pool of reads and one of writes for the whole channel.

from libc.stdint cimport int32_t, int64_t, uint64_t

from bitline.csrc.dram.controller cimport Controller
from bitline.csrc.dram.request cimport Pool

cdef enum Order:          # which candidate goes first
    ORDER_READY           # any ready command, oldest first (Ramulator's FR-FCFS)
    ORDER_ROW_HIT         # ready accesses before ready row commands, each oldest first
    ORDER_ARRIVAL         # only the oldest request

cdef enum Page:
    PAGE_OPEN
    PAGE_CLOSED           # precharge with the last access that is known to hit
    PAGE_TIMEOUT          # precharge a row that nobody used for a while

cdef enum:                # classes of candidates
    CLASS_COLUMN
    CLASS_ACTIVATE
    CLASS_PRECHARGE

cdef enum Refresh:
    REFRESH_NONE
    REFRESH_ALL_BANK
    REFRESH_PER_BANK

cdef struct Policy:
    int32_t read_capacity
    int32_t write_capacity
    double write_high     # enter write mode above this many buffered writes
    double write_low
    int32_t order
    int32_t keep_hits     # no precharge while an older request hits the row
    int32_t hit_cap       # accesses of a row before others may close it; 0: no cap
    int32_t page
    int32_t timeout_ticks
    int32_t refresh
    int64_t refresh_interval
    int32_t refresh_pairs     # REFpb goes to the same bank of every pseudo channel, one tick apart
    int64_t refresh_set_gap

cdef struct Queue:        # one kind of request
    int32_t size
    int32_t *head         # by bank, oldest first
    int32_t *tail
    int32_t *hit          # oldest entry for the open row
    int32_t *miss         # oldest entry for another row
    uint64_t busy[8]      # banks with entries
    uint64_t has_hit[8]
    uint64_t has_miss[8]
    uint64_t older_hit[8]     # banks whose hit is older than their miss
    int64_t look[3]       # by Class: no candidate is ready before this tick

cdef struct Maintenance:  # a refresh that waits
    int32_t command
    int32_t bank

cdef struct Pooled:
    Policy policy
    Pool *pool
    Queue queues[2]
    int32_t write_mode
    int64_t mode_due      # tick at which the mode is looked at again, if that tick was skipped
    uint64_t capped[8]    # banks whose row was used up to the cap
    int32_t *active       # entry whose row was opened for it, by bank
    uint64_t active_mask[8]
    int32_t n_active
    int64_t look_active   # no active request is ready before this tick
    Maintenance *urgent   # ring
    int32_t urgent_head
    int32_t urgent_size
    int32_t urgent_capacity
    int64_t next_refresh
    int32_t refresh_bank
    int32_t refresh_pending_pair
    int64_t refresh_set_allowed
    int64_t *last_use     # by bank, for PAGE_TIMEOUT
    int32_t *line_filter  # how many buffered writes fall on each hash of a line
    # two command buses with half-clock ticks
    int32_t half_ticks
    int64_t pairing_tick
    int32_t pairing_unit
    int32_t pairing_bank
    int32_t pairing_wide
    # split activation, data clock
    int32_t *activating
    int64_t *deadline
    uint64_t activating_mask[8]
    int32_t n_activating
    int32_t activate_window
    int64_t sync_expiry
    int32_t sync_tail_read
    int32_t sync_tail_write
    int32_t sync_entry
    int32_t sync_active

cdef Controller *new_pooled(table, policy) except NULL

cdef enum Allow:          # what a slot may issue
    ALLOW_COLUMN = 1
    ALLOW_ACTIVATE = 2
    ALLOW_PRECHARGE = 4
    ALLOW_ALL = 7

cdef struct Candidate:
    int32_t command       # NONE: nothing is ready
    int32_t entry         # NONE for maintenance
    int32_t bank
    int32_t source

cdef enum Source:
    FROM_ACTIVE
    FROM_URGENT
    FROM_QUEUE

cdef inline void note_next(Controller *controller, int64_t tick) noexcept nogil:
    if tick < controller.next:
        controller.next = tick if tick > controller.clk else controller.clk + 1

cdef void skip_idle(Controller *controller, Pooled *pooled) noexcept nogil
cdef void refresh_tick(Controller *controller, Pooled *pooled) noexcept nogil
cdef Candidate pick_active(Controller *controller, Pooled *pooled) noexcept nogil
cdef Candidate pick_urgent(Controller *controller, Pooled *pooled, int32_t allow) noexcept nogil
cdef Candidate pick_queue(Controller *controller, Pooled *pooled, int32_t allow) noexcept nogil
cdef void issue_candidate(Controller *controller, Pooled *pooled, Candidate candidate) noexcept nogil
cdef void take_for_row(Controller *controller, Pooled *pooled, int32_t index) noexcept nogil
cdef void retire(Controller *controller, Pooled *pooled, int32_t index, int32_t source) noexcept nogil
cdef void row_changed(Controller *controller, Pooled *pooled, int32_t bank) noexcept nogil
cdef void count_start(Controller *controller, Pooled *pooled, int32_t index, int32_t command) noexcept nogil
cdef int32_t access_command(Controller *controller, Pooled *pooled, int32_t index) noexcept nogil
