# csrc/engine/queue.pxd: a heap of wake-ups in a total order: time, then the component's place.

from libc.stdint cimport int32_t, int64_t

cdef struct Wake:
    int64_t time
    int64_t place         # declared rank, device, index, packed: never the order of insertion
    int64_t stamp         # of the component when this was queued: another one means that it is stale
    int32_t slot

cdef struct Queue:
    Wake *items
    int64_t size
    int64_t capacity

cdef int queue_push(Queue *queue, Wake wake) noexcept nogil
cdef Wake queue_pop(Queue *queue) noexcept nogil
cdef void queue_clear(Queue *queue) noexcept nogil
cdef void queue_free(Queue *queue) noexcept nogil
