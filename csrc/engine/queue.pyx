# csrc/engine/queue.pyx: a binary heap (see queue.pxd).

from libc.stdlib cimport abort, free, realloc


cdef inline bint _before(const Wake *a, const Wake *b) noexcept nogil:
    return a.time < b.time or (a.time == b.time and a.place < b.place)


cdef int queue_push(Queue *queue, Wake wake) noexcept nogil:
    cdef int64_t child = queue.size, parent
    if queue.size == queue.capacity:
        queue.capacity = 2 * queue.capacity if queue.capacity else 64
        queue.items = <Wake *> realloc(queue.items, queue.capacity * sizeof(Wake))
        if queue.items == NULL:
            abort()
    queue.size += 1
    while child:
        parent = (child - 1) >> 1
        if not _before(&wake, &queue.items[parent]):
            break
        queue.items[child] = queue.items[parent]
        child = parent
    queue.items[child] = wake
    return 0


cdef Wake queue_pop(Queue *queue) noexcept nogil:
    cdef Wake first = queue.items[0], last
    cdef int64_t parent = 0, child
    queue.size -= 1
    if queue.size:
        last = queue.items[queue.size]
        while True:
            child = 2 * parent + 1
            if child >= queue.size:
                break
            if child + 1 < queue.size and _before(&queue.items[child + 1], &queue.items[child]):
                child += 1
            if not _before(&queue.items[child], &last):
                break
            queue.items[parent] = queue.items[child]
            parent = child
        queue.items[parent] = last
    return first


cdef void queue_clear(Queue *queue) noexcept nogil:
    queue.size = 0


cdef void queue_free(Queue *queue) noexcept nogil:
    free(queue.items)
    queue.items = NULL
    queue.size = queue.capacity = 0
