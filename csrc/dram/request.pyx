# csrc/dram/request.pyx: memory of request lists (see request.pxd).

from libc.stdlib cimport abort, calloc, free, realloc


cdef Pool *new_pool(int32_t capacity) except NULL:
    """Room for `capacity` waiting requests. Freed by free_pool."""
    cdef Pool *pool = <Pool *> calloc(1, sizeof(Pool))
    if pool == NULL:
        raise MemoryError()
    pool.entries = <Entry *> calloc(capacity, sizeof(Entry))
    if pool.entries == NULL:
        raise MemoryError()
    pool.capacity = capacity
    reset_pool(pool)
    return pool


cdef void free_pool(Pool *pool) noexcept:
    """Give a pool's memory back."""
    if pool != NULL:
        free(pool.entries)
        free(pool)


cdef void reset_pool(Pool *pool) noexcept nogil:
    """Empty the pool."""
    cdef int32_t i
    for i in range(pool.capacity):
        pool.entries[i].next = i + 1 if i + 1 < pool.capacity else NONE
    pool.free_head = 0
    pool.next_order = 0


cdef void grow_completions(Completions *completions) noexcept nogil:
    """Double the room for completed requests."""
    cdef int64_t capacity = 2 * completions.capacity
    completions.items = <Completion *> realloc(completions.items, capacity * sizeof(Completion))
    if completions.items == NULL:
        abort()
    completions.capacity = capacity
