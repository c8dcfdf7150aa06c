# csrc/dram/banked.pxd: a controller with a command queue for each bank behind a transaction queue.

from libc.stdint cimport int32_t, int64_t, uint64_t

from bitline.csrc.dram.controller cimport Controller
from bitline.csrc.dram.request cimport NONE, Pool, Request

cdef extern from *:
    int __builtin_ctzll(unsigned long long) nogil

cdef enum:
    NO_ROW = -1
    FILTER = 1024             # places of a filter

cdef struct BankedPolicy:
    int32_t transactions      # places for reads, and as many for writes, before the bank queues
    int32_t commands          # places of a bank queue
    int32_t hit_cap           # accesses of a row after which its bank's oldest request may close it
    int32_t drain_above       # writes that are enough to drain when every bank queue is empty
    int32_t dual_issue        # a second command in the same tick, one row and one column
    int32_t closed_page
    int32_t refresh           # 0: none
    int64_t refresh_interval  # between refresh units in turn

cdef struct Line:             # first-in-first-out list of pool entries
    int32_t head
    int32_t tail
    int32_t size

cdef struct BankQueue:        # command queue of a bank
    Line line
    int32_t row               # that `read` and `write` are for
    int32_t read              # oldest read of the row
    int32_t write             # oldest write of it that waits for no read
    int64_t look_at           # of a bank asleep: no command is ready before this tick

cdef struct Banked:
    BankedPolicy policy
    Pool *pool
    Line reads
    Line writes
    BankQueue *banks
    uint64_t occupied[8]      # banks whose queue is not empty
    uint64_t awake[8]         # of these, the ones that may have a ready command
    int64_t wake_at           # no other one has before this tick
    int32_t reserved_row      # whose requests wait, NO_ROW: none
    int32_t n_queued          # over all bank queues
    int32_t draining
    int32_t owed_read         # a read that a buffered write waits for, still in the transaction queue
    int32_t drain_above       # of the policy, or 0 once nothing more will come
    int32_t turn              # bank queue that was looked at last
    int64_t next_refresh
    int32_t n_units           # nodes that one refresh acts on: ranks, or pseudo channels
    int32_t unit_banks
    int32_t refresh_unit      # unit that is refreshed next
    int32_t *pending          # ring of units that wait for a refresh
    int32_t pending_head
    int32_t n_pending
    int32_t blocked_unit      # unit whose queues are held back
    int32_t read              # commands that access a row
    int32_t write
    int32_t half_ticks        # commands start on whole clocks: odd ticks
    int32_t *read_filter
    int32_t *write_filter
    int32_t *followers        # by entry: reads of the same line that share its command

cdef struct Offer:
    int32_t command           # NONE: nothing is ready
    int32_t entry
    int64_t at                # earliest tick at which this may change

cdef Controller *new_banked(table, policy) except NULL

# What controllers that do more than this share: `controller.queues` points to a Banked, or to what begins with one.
cdef void init_banked(Controller *controller, Banked *banked, table, policy) except *
cdef void reset_banked(Controller *controller) noexcept nogil
cdef void release_banked(Controller *controller) noexcept
cdef bint wake_banks(Controller *controller, Banked *banked, uint64_t *awake) noexcept nogil
cdef Offer offer_of(Controller *controller, Banked *banked, int32_t bank) noexcept nogil
cdef void issue_offer(Controller *controller, Banked *banked, int32_t bank, Offer offer) noexcept nogil
cdef void count_refresh(Controller *controller, Banked *banked) noexcept nogil
cdef void finish_refresh(Controller *controller, Banked *banked) noexcept nogil
cdef void start_drain(Banked *banked) noexcept nogil
cdef void move_from(Controller *controller, Banked *banked, Line *line) noexcept nogil

cdef void grow_pool(Banked *banked) noexcept nogil

cdef inline void push(Pool *pool, Line *line, int32_t index) noexcept nogil:
    # To the end of a list.
    pool.entries[index].next = NONE
    pool.entries[index].previous = line.tail
    if line.tail == NONE:
        line.head = index
    else:
        pool.entries[line.tail].next = index
    line.tail = index
    line.size += 1

cdef inline int32_t next_bank(const uint64_t *mask, int32_t n_words, int32_t bank) noexcept nogil:
    # The first bank of a mask after `bank`, which itself comes last. NONE if the mask is empty.
    cdef int32_t word = bank >> 6, _i
    cdef uint64_t bits = mask[word] >> (bank & 63) >> 1
    if bits:
        return bank + 1 + __builtin_ctzll(bits)
    for _i in range(n_words):
        word = word + 1 if word + 1 < n_words else 0
        if mask[word]:
            return word * 64 + __builtin_ctzll(mask[word])
    return NONE

cdef inline void put(uint64_t *mask, int32_t bank) noexcept nogil:
    mask[bank >> 6] |= (<uint64_t> 1) << (bank & 63)

cdef inline void drop(uint64_t *mask, int32_t bank) noexcept nogil:
    mask[bank >> 6] &= ~((<uint64_t> 1) << (bank & 63))

cdef inline void wake(Banked *banked, int32_t bank) noexcept nogil:
    # What the queue of a bank may issue has changed.
    if banked.banks[bank].line.size:
        put(banked.awake, bank)

cdef inline void sleep_until(Banked *banked, int32_t bank, int64_t tick) noexcept nogil:
    drop(banked.awake, bank)
    banked.banks[bank].look_at = tick
    if tick < banked.wake_at:
        banked.wake_at = tick

cdef inline void sooner(Controller *controller, int64_t tick) noexcept nogil:
    # Something may happen at `tick`, or in the next tick if that is past.
    if tick < controller.next:
        controller.next = tick if tick > controller.clk else controller.clk + 1
