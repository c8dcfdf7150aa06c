# csrc/dram/request.pxd: a memory request as controllers see it, and lists of waiting ones.

from libc.stdint cimport int8_t, int32_t, int64_t, uint64_t

cdef enum:
    READ = 0
    WRITE = 1
    NONE = -1

cdef struct Request:
    int64_t line          # requests with the same one may share an access
    int64_t tag           # the sender's own
    int64_t arrival       # tick that latencies count from
    int32_t bank          # within the channel
    int32_t row
    int32_t column
    int32_t kind

cdef struct Entry:        # a waiting request
    Request request
    int64_t order         # rank by age
    int32_t next          # younger entry of the same list
    int32_t previous
    int32_t started       # a command was issued for it

cdef struct Pool:         # entries, their free list, and completed requests for those who ask
    Entry *entries
    int32_t capacity
    int32_t free_head
    int64_t next_order

cdef struct Completion:
    int64_t tag
    int64_t tick          # end of data of a read; acceptance of a write

cdef struct Completions:
    Completion *items
    int64_t used
    int64_t capacity      # 0: nobody asks

cdef Pool *new_pool(int32_t capacity) except NULL
cdef void free_pool(Pool *pool) noexcept
cdef void reset_pool(Pool *pool) noexcept nogil
cdef void grow_completions(Completions *completions) noexcept nogil

cdef inline int32_t take_entry(Pool *pool, const Request *request) noexcept nogil:
    cdef int32_t index = pool.free_head
    cdef Entry *entry = pool.entries + index
    pool.free_head = entry.next
    entry.request = request[0]
    entry.order = pool.next_order
    pool.next_order += 1
    entry.next = NONE
    entry.previous = NONE
    entry.started = 0
    return index

cdef inline void give_entry(Pool *pool, int32_t index) noexcept nogil:
    pool.entries[index].next = pool.free_head
    pool.free_head = index

cdef inline void complete(Completions *completions, int64_t tag, int64_t tick) noexcept nogil:
    if completions.capacity == 0:
        return
    if completions.used == completions.capacity:
        grow_completions(completions)
    completions.items[completions.used].tag = tag
    completions.items[completions.used].tick = tick
    completions.used += 1
