# csrc/engine/answers.pxd: a bounded queue of answers, each with the edge at which it is ready.

from libc.stdint cimport int32_t, int64_t

from bitline.csrc.engine.component cimport Message, Port
from bitline.csrc.engine.snapshot cimport Snapshot

cdef struct Answers:
    Message *messages         # ring of `capacity`
    int64_t *ready
    int32_t capacity
    int64_t head              # answers sent so far
    int64_t tail              # answers queued so far

cdef void new_answers(Answers *answers, int32_t capacity) except *
cdef void free_answers(Answers *answers) noexcept nogil
cdef void queue_answer(Answers *answers, const Message *message, int64_t ready) noexcept nogil
cdef void send_answers(Answers *answers, Port *port, int64_t now, int64_t edge) noexcept nogil
cdef void save_answers(const Answers *answers, int64_t edge, Snapshot *snapshot) noexcept nogil
cdef void load_answers(Answers *answers, int64_t edge, Snapshot *snapshot) noexcept nogil

cdef inline bint answers_full(const Answers *answers) noexcept nogil:
    return answers.tail - answers.head == answers.capacity

cdef inline int64_t next_answer(const Answers *answers) noexcept nogil:
    # The edge at which the oldest is ready; there has to be one.
    return answers.ready[answers.head % answers.capacity]
