# csrc/engine/answers.pyx: queues of answers (see answers.pxd).

from libc.stdlib cimport calloc, free

from bitline.csrc.engine.component cimport ADDRESS, port_has_room, port_send
from bitline.csrc.engine.snapshot cimport get64, put64


cdef void new_answers(Answers *answers, int32_t capacity) except *:
    """An empty queue."""
    answers.capacity = capacity
    answers.head = answers.tail = 0
    answers.messages = <Message *> calloc(capacity, sizeof(Message))
    answers.ready = <int64_t *> calloc(capacity, sizeof(int64_t))
    if answers.messages == NULL or answers.ready == NULL:
        raise MemoryError()


cdef void free_answers(Answers *answers) noexcept nogil:
    """Give a queue's memory back."""
    free(answers.messages)
    free(answers.ready)


cdef void queue_answer(Answers *answers, const Message *message, int64_t ready) noexcept nogil:
    """Answer a message as it came, from an edge on. There has to be room."""
    cdef int64_t slot = answers.tail % answers.capacity
    answers.messages[slot] = message[0]
    answers.ready[slot] = ready
    answers.tail += 1


cdef void send_answers(Answers *answers, Port *port, int64_t now, int64_t edge) noexcept nogil:
    """Send what is ready at an edge, as far as there is room."""
    cdef const Message *message
    while answers.head < answers.tail and next_answer(answers) <= edge and port_has_room(port, now):
        message = &answers.messages[answers.head % answers.capacity]
        port_send(port, now, message.kind, message.a, message.b, message.c)
        answers.head += 1


cdef void save_answers(const Answers *answers, int64_t edge, Snapshot *snapshot) noexcept nogil:
    """Put a queue into a snapshot."""
    cdef int64_t i, slot
    cdef const Message *message
    put64(snapshot, answers.tail - answers.head)
    for i in range(answers.head, answers.tail):
        slot = i % answers.capacity
        message = &answers.messages[slot]
        put64(snapshot, answers.ready[slot] - edge if answers.ready[slot] > edge else 0)
        put64(snapshot, message.kind)
        put64(snapshot, message.a - (snapshot.base if message.kind & ADDRESS else 0))
        put64(snapshot, message.b)
        put64(snapshot, message.c)


cdef void load_answers(Answers *answers, int64_t edge, Snapshot *snapshot) noexcept nogil:
    """Take a queue from a snapshot."""
    cdef int64_t i
    answers.head = 0
    answers.tail = get64(snapshot)
    for i in range(answers.tail):
        answers.ready[i] = edge + get64(snapshot)
        answers.messages[i].kind = get64(snapshot)
        answers.messages[i].a = get64(snapshot) + (snapshot.base if answers.messages[i].kind & ADDRESS else 0)
        answers.messages[i].b = get64(snapshot)
        answers.messages[i].c = get64(snapshot)
