# csrc/engine/probes.pyx: small components that tests, benchmarks and examples of the engine are made of.

from libc.stdint cimport int32_t, int64_t
from libc.stdlib cimport calloc, free

from bitline.base.errors import SpecError

from bitline.csrc.engine.answers cimport (
    Answers, answers_full, free_answers, load_answers, new_answers, next_answer, queue_answer, save_answers,
    send_answers,
)
from bitline.csrc.engine.clock cimport edge_at_or_after, edge_time, make_clock
from bitline.csrc.engine.component cimport (
    Component, FOREVER, Message, Part, port_has_room, port_peek, port_pop, port_send, Waits, WAITS_FOR_NOTHING,
    WAITS_FOR_ROOM, WAITS_FOR_TIME,
)
from bitline.csrc.engine.snapshot cimport get64, get_timer, put64, put_timer, Snapshot


cdef struct Stop:
    int64_t tokens
    int64_t hops
    int64_t left              # tokens that are still to be started
    int64_t may_send          # edge


cdef class RingStop(Component):
    """Hands tokens on from its input to its output, one a cycle, each as often as its count of hops says.

    `tokens`: that it starts with; `hops`: of each of these.
    """

    cdef Stop stop

    def __init__(self, str name, clock_mhz, *, int64_t tokens=0, int64_t hops=0):
        self._set_up(name, make_clock(clock_mhz), 1, 1, ("passed", "ended"))
        self.stop.tokens = self.stop.left = tokens
        self.stop.hops = hops
        self.part.self = &self.stop
        self.part.advance = _pass_tokens
        self.part.reset = _reset_stop
        self.part.save = _save_stop
        self.part.load = _load_stop
        self.part.waits = _stop_waits


cdef int64_t _pass_tokens(Part *part, int64_t now) noexcept nogil:
    cdef Stop *stop = <Stop *> part.self
    cdef int64_t edge = edge_at_or_after(&part.clock, now), hops
    cdef const Message *message
    while True:
        message = port_peek(part.inputs[0], edge)
        if message != NULL and message.a == 0:
            part.counts[1] += 1
            port_pop(part.inputs[0], now)
            continue
        if message == NULL and not stop.left:
            return FOREVER
        if stop.may_send > edge:
            return edge_time(&part.clock, stop.may_send)
        if not port_has_room(part.outputs[0], now):
            return FOREVER
        stop.may_send = edge + 1
        part.counts[0] += 1
        if message == NULL:
            stop.left -= 1
            hops = stop.hops
        else:
            hops = message.a - 1
            port_pop(part.inputs[0], now)
        port_send(part.outputs[0], now, 1, hops, 0, 0)


cdef Waits _stop_waits(const Part *part, int32_t *port) noexcept nogil:
    cdef const Stop *stop = <const Stop *> part.self
    port[0] = 0
    if stop.left or part.inputs[0].head < part.inputs[0].tail:
        return WAITS_FOR_ROOM
    return WAITS_FOR_NOTHING


cdef void _reset_stop(Part *part) noexcept nogil:
    cdef Stop *stop = <Stop *> part.self
    stop.left = stop.tokens
    stop.may_send = 0


cdef void _save_stop(Part *part, int64_t edge, Snapshot *snapshot) noexcept nogil:
    cdef Stop *stop = <Stop *> part.self
    put64(snapshot, stop.left)
    put64(snapshot, stop.may_send - edge if stop.may_send > edge else 0)


cdef void _load_stop(Part *part, int64_t edge, Snapshot *snapshot) noexcept nogil:
    cdef Stop *stop = <Stop *> part.self
    stop.left = get64(snapshot)
    stop.may_send = edge + get64(snapshot)


# --- a memory with rows, banks and refresh, as small as it can be ---

cdef enum:
    CLOSED = -1
    SAVED_CLOSED = -1 << 30   # in place of a row
    N_ACCESSES = 0
    N_MISSES
    N_REFRESHES

cdef struct Rows:
    int64_t columns
    int64_t banks             # a power of two
    int64_t hit
    int64_t miss
    int64_t interval          # between refreshes
    int64_t refresh           # cycles of one
    int64_t next_refresh
    int64_t last_ready        # answers keep their order
    int64_t *bank_free        # edge, by bank
    int64_t *open_row
    Answers answers
    int32_t hashed


cdef class RowMemory(Component):
    """A memory with open rows: an access takes `hit` cycles of its bank, or `miss`; all banks refresh every `interval`.

    Addresses count in columns: bank = address // columns % banks. `hashed`: the bank is mixed with the row, so that
    no loop with a stride looks the same one iteration on.
    """

    cdef Rows rows

    def __init__(self, str name, clock_mhz, *, int64_t columns=16, int64_t banks=4, int64_t hit=2, int64_t miss=11,
                 int64_t interval=997, int64_t refresh=40, int queue=8, bint hashed=False):
        if banks < 1 or banks & (banks - 1) or columns < 1 or hit < 1 or miss < 1 or interval <= refresh or queue < 1:
            raise SpecError(f"'{name}': a memory that cannot be")
        self._set_up(name, make_clock(clock_mhz), 1, 1, ("accesses", "misses", "refreshes"))
        new_answers(&self.rows.answers, queue)
        self.rows.columns, self.rows.banks, self.rows.hit, self.rows.miss = columns, banks, hit, miss
        self.rows.interval, self.rows.refresh, self.rows.hashed = interval, refresh, hashed
        self.rows.bank_free = <int64_t *> calloc(banks, sizeof(int64_t))
        self.rows.open_row = <int64_t *> calloc(banks, sizeof(int64_t))
        if self.rows.bank_free == NULL or self.rows.open_row == NULL:
            raise MemoryError()
        self.part.self = &self.rows
        self.part.advance = _access_rows
        self.part.reset = _reset_rows
        self.part.save = _save_rows
        self.part.load = _load_rows
        self.part.waits = _rows_wait
        self.part.n_timers = 1
        _reset_rows(&self.part)

    def __dealloc__(self):
        free_answers(&self.rows.answers)
        free(self.rows.bank_free)
        free(self.rows.open_row)


cdef int64_t _access_rows(Part *part, int64_t now) noexcept nogil:
    cdef Rows *rows = <Rows *> part.self
    cdef int64_t edge = edge_at_or_after(&part.clock, now), ready
    cdef const Message *message
    while True:
        message = port_peek(part.inputs[0], edge)
        # A refresh counts once something is there that it could hold up.
        if message != NULL or rows.answers.head < rows.answers.tail:
            _refresh_rows(part, rows, edge)
        send_answers(&rows.answers, part.outputs[0], now, edge)
        if message == NULL or answers_full(&rows.answers):
            break
        ready = _access(part, rows, message.a, edge)
        rows.last_ready = ready if ready > rows.last_ready else rows.last_ready
        queue_answer(&rows.answers, message, rows.last_ready)
        port_pop(part.inputs[0], now)
    if rows.answers.head == rows.answers.tail:
        return FOREVER
    ready = next_answer(&rows.answers)
    return edge_time(&part.clock, ready if edge < ready < rows.next_refresh else rows.next_refresh)


cdef void _refresh_rows(Part *part, Rows *rows, int64_t edge) noexcept nogil:
    cdef int64_t bank
    while rows.next_refresh <= edge:
        for bank in range(rows.banks):
            rows.open_row[bank] = CLOSED
            if rows.bank_free[bank] < rows.next_refresh:
                rows.bank_free[bank] = rows.next_refresh
            rows.bank_free[bank] += rows.refresh
        rows.next_refresh += rows.interval
        part.counts[N_REFRESHES] += 1


cdef int64_t _access(Part *part, Rows *rows, int64_t address, int64_t edge) noexcept nogil:
    cdef int64_t row = address // (rows.columns * rows.banks)
    cdef int64_t bank = address // rows.columns % rows.banks
    if rows.hashed:
        bank ^= row % rows.banks
    if rows.bank_free[bank] < edge:
        rows.bank_free[bank] = edge
    part.counts[N_ACCESSES] += 1
    if rows.open_row[bank] == row:
        rows.bank_free[bank] += rows.hit
    else:
        rows.open_row[bank] = row
        rows.bank_free[bank] += rows.miss
        part.counts[N_MISSES] += 1
    return rows.bank_free[bank]


cdef Waits _rows_wait(const Part *part, int32_t *port) noexcept nogil:
    cdef const Rows *rows = <const Rows *> part.self
    port[0] = 0
    if rows.answers.head < rows.answers.tail:
        return WAITS_FOR_ROOM if part.outputs[0].sender_waits else WAITS_FOR_TIME
    return WAITS_FOR_NOTHING


cdef void _reset_rows(Part *part) noexcept nogil:
    cdef Rows *rows = <Rows *> part.self
    cdef int64_t bank
    rows.next_refresh = rows.interval
    rows.last_ready = rows.answers.head = rows.answers.tail = 0
    for bank in range(rows.banks):
        rows.bank_free[bank] = 0
        rows.open_row[bank] = CLOSED


cdef void _save_rows(Part *part, int64_t edge, Snapshot *snapshot) noexcept nogil:
    cdef Rows *rows = <Rows *> part.self
    cdef int64_t size = rows.columns * rows.banks, bank, row
    # A refresh that is overdue asks what the banks did since its time; before that nothing matters any more.
    cdef int64_t past = edge if edge < rows.next_refresh else rows.next_refresh
    if rows.hashed and snapshot.stride:
        snapshot.refused = 1
    # Addresses that differ by a multiple of `size` lie in the same bank and column. A row that was left open long ago
    # keeps a loop from being replayed until a refresh closes it.
    # With a hash, the row that the bank is mixed with has to be alike as well.
    put64(snapshot, snapshot.base % (size * rows.banks if rows.hashed else size))
    for bank in range(rows.banks):
        row = rows.open_row[bank]
        put64(snapshot, SAVED_CLOSED if row == CLOSED else row - snapshot.base // size)
        put64(snapshot, rows.bank_free[bank] - past if rows.bank_free[bank] > past else 0)
    put64(snapshot, rows.last_ready - edge if rows.last_ready > edge else 0)
    save_answers(&rows.answers, edge, snapshot)
    put_timer(snapshot, rows.next_refresh, edge)


cdef void _load_rows(Part *part, int64_t edge, Snapshot *snapshot) noexcept nogil:
    cdef Rows *rows = <Rows *> part.self
    cdef int64_t size = rows.columns * rows.banks, bank, row, past
    rows.next_refresh = get_timer(snapshot, edge)
    past = edge if edge < rows.next_refresh else rows.next_refresh
    get64(snapshot)
    for bank in range(rows.banks):
        row = get64(snapshot)
        rows.open_row[bank] = CLOSED if row == SAVED_CLOSED else row + snapshot.base // size
        rows.bank_free[bank] = past + get64(snapshot)
    rows.last_ready = edge + get64(snapshot)
    load_answers(&rows.answers, edge, snapshot)
