# csrc/dram/pooled.pyx: a controller with one pool of reads and one of writes for the whole channel.
#
# Rules:  candidates in this order: a request whose row was opened for it ("active", one a bank); the oldest waiting
#         refresh; and, only while no refresh waits, the pool of the current mode. Write mode by two watermarks.
#         (Ramulator 2.1, src/ramulator/controller: with order "ready" this is its generic DDR controller.)
# State:  waiting requests by bank, so that a tick looks at one hit and one miss of each bank and at no others.

from libc.stdlib cimport free
from libc.string cimport memset

from bitline.csrc.dram.channel cimport (
    answer, CLOSED, Channel, count_read_latency, free_channel, issue_command, MAX_WORDS, N_FORWARDED, N_MERGED, N_READS,
    N_ROW_CONFLICTS, N_ROW_HITS, N_ROW_MISSES, N_REUSED_ROWS, N_WRITES, new_channel, reset_channel,
)
from bitline.csrc.dram.pooled_lpddr cimport set_up_split, tick_split
from bitline.csrc.dram.pooled_hbm cimport tick_two_buses
from bitline.csrc.dram.request cimport (
    complete, Entry, free_pool, give_entry, new_pool, NONE, READ, Request, reset_pool, take_entry, WRITE,
)
from bitline.csrc.dram.timing cimport (
    allocate, bank_ready, MAX_ABOVE, NEVER, ready_above, ready_at, ready_at_node, Timing,
)

cdef extern from *:
    int __builtin_ctzll(unsigned long long) nogil

cdef enum:
    FILTER = 1024


cdef inline int64_t _gated(const Timing *timing, int64_t look, int32_t command) noexcept nogil:
    # A bound, raised to what the whole channel allows.
    cdef int64_t gate = timing.earliest[timing.commands[command].group * timing.n_nodes]
    return gate if gate > look else look


cdef void skip_idle(Controller *controller, Pooled *pooled) noexcept nogil:
    """After an issue: wake at the first tick at which a candidate may be ready, as far as bounds tell."""
    cdef const Channel *channel = controller.channel
    cdef const Timing *timing = channel.timing
    cdef const Queue *queue
    cdef int64_t read, write
    cdef int32_t kind
    if pooled.urgent_size or pooled.policy.page == PAGE_TIMEOUT or pooled.policy.order == ORDER_ARRIVAL:
        controller.next = controller.clk + 1
        return
    controller.next = NEVER
    if pooled.policy.refresh:
        note_next(controller, pooled.next_refresh)
    if pooled.n_active:
        read = _gated(timing, pooled.look_active, channel.names.read)
        write = _gated(timing, pooled.look_active, channel.names.write)
        note_next(controller, read if read < write else write)
    for kind in range(2):
        queue = pooled.queues + kind
        if queue.size:
            note_next(controller, _gated(timing, queue.look[CLASS_COLUMN],
                                         channel.names.read if kind == READ else channel.names.write))
            note_next(controller, _gated(timing, queue.look[CLASS_ACTIVATE], channel.names.activate))
            note_next(controller, queue.look[CLASS_PRECHARGE])
    pooled.mode_due = controller.clk + 1


# --- lists of waiting requests ---

cdef inline void _set(uint64_t *mask, int32_t bank) noexcept nogil:
    mask[bank >> 6] |= (<uint64_t> 1) << (bank & 63)


cdef inline void _clear(uint64_t *mask, int32_t bank) noexcept nogil:
    mask[bank >> 6] &= ~((<uint64_t> 1) << (bank & 63))


cdef inline bint _has(const uint64_t *mask, int32_t bank) noexcept nogil:
    return (mask[bank >> 6] >> (bank & 63)) & 1


cdef inline int32_t _find(Pooled *pooled, int32_t index, int32_t row, bint equal) noexcept nogil:
    # First entry from `index` on whose row is (not) `row`.
    cdef Entry *entries = pooled.pool.entries
    while index != NONE and (entries[index].request.row == row) != equal:
        index = entries[index].next
    return index


cdef inline void _mark(uint64_t *mask, int32_t bank, bint value) noexcept nogil:
    mask[bank >> 6] = (mask[bank >> 6] & ~((<uint64_t> 1) << (bank & 63))) | ((<uint64_t> value) << (bank & 63))


cdef inline void _point(Pooled *pooled, Queue *queue, int32_t bank, int32_t hit, int32_t miss) noexcept nogil:
    cdef const Entry *entries = pooled.pool.entries
    queue.hit[bank] = hit
    queue.miss[bank] = miss
    _mark(queue.has_hit, bank, hit != NONE)
    _mark(queue.has_miss, bank, miss != NONE)
    _mark(queue.older_hit, bank, hit != NONE and (miss == NONE or entries[hit].order < entries[miss].order))


cdef inline void _look_at(int64_t *bound, int64_t tick) noexcept nogil:
    if tick < bound[0]:
        bound[0] = tick


cdef void _look_again(Controller *controller, Pooled *pooled, int32_t bank) noexcept nogil:
    """A bank's candidates changed: lower the bounds to when they may be ready."""
    cdef Channel *channel = controller.channel
    cdef const Timing *timing = channel.timing
    cdef int32_t kind, command
    cdef int64_t at
    cdef Queue *queues = pooled.queues
    if channel.open_row[bank] == CLOSED:
        command = channel.names.activate if channel.names.activate_half == NONE else channel.names.activate_half
        at = ready_at(timing, bank, timing.commands[command].group)
        for kind in range(2):
            if queues[kind].head[bank] != NONE:
                _look_at(&queues[kind].look[CLASS_ACTIVATE], at)
        return
    if _has(queues[READ].has_miss, bank) or _has(queues[WRITE].has_miss, bank):
        at = ready_at(timing, bank, timing.commands[channel.names.precharge].group)
        for kind in range(2):
            if queues[kind].miss[bank] != NONE:
                _look_at(&queues[kind].look[CLASS_PRECHARGE], at)
    for kind in range(2):
        if queues[kind].hit[bank] != NONE:
            command = channel.names.read if kind == READ else channel.names.write
            _look_at(&queues[kind].look[CLASS_COLUMN], ready_at(timing, bank, timing.commands[command].group))


cdef void row_changed(Controller *controller, Pooled *pooled, int32_t bank) noexcept nogil:
    """Look again which entries of a bank hit its row."""
    cdef int32_t row = controller.channel.open_row[bank], kind
    cdef Queue *queue
    for kind in range(2):
        queue = pooled.queues + kind
        if queue.head[bank] == NONE:
            continue
        if row == CLOSED:
            _point(pooled, queue, bank, NONE, NONE)
        else:
            _point(pooled, queue, bank, _find(pooled, queue.head[bank], row, True),
                   _find(pooled, queue.head[bank], row, False))
    _look_again(controller, pooled, bank)


cdef inline void _append(Controller *controller, Pooled *pooled, int32_t index) noexcept nogil:
    cdef Entry *entry = pooled.pool.entries + index
    cdef int32_t bank = entry.request.bank, row = controller.channel.open_row[bank]
    cdef Queue *queue = pooled.queues + entry.request.kind
    cdef int32_t tail = queue.tail[bank]
    entry.previous = tail
    if tail == NONE:
        queue.head[bank] = index
        _set(queue.busy, bank)
    else:
        pooled.pool.entries[tail].next = index
    queue.tail[bank] = index
    queue.size += 1
    if row != CLOSED:
        if entry.request.row == row:
            if queue.hit[bank] == NONE:
                _point(pooled, queue, bank, index, queue.miss[bank])
        elif queue.miss[bank] == NONE:
            _point(pooled, queue, bank, queue.hit[bank], index)


cdef void _remove(Controller *controller, Pooled *pooled, int32_t index) noexcept nogil:
    cdef Entry *entry = pooled.pool.entries + index
    cdef int32_t bank = entry.request.bank, row = controller.channel.open_row[bank]
    cdef Queue *queue = pooled.queues + entry.request.kind
    if entry.previous == NONE:
        queue.head[bank] = entry.next
    else:
        pooled.pool.entries[entry.previous].next = entry.next
    if entry.next == NONE:
        queue.tail[bank] = entry.previous
    else:
        pooled.pool.entries[entry.next].previous = entry.previous
    queue.size -= 1
    if queue.head[bank] == NONE:
        _clear(queue.busy, bank)
    if index == queue.hit[bank]:
        _point(pooled, queue, bank, _find(pooled, entry.next, row, True), queue.miss[bank])
    if index == queue.miss[bank]:
        _point(pooled, queue, bank, queue.hit[bank], _find(pooled, entry.next, row, False))
    if entry.request.kind == WRITE:
        pooled.line_filter[entry.request.line & (FILTER - 1)] -= 1


cdef int32_t _buffered_write(const Pooled *pooled, int64_t line, int32_t bank) noexcept nogil:
    # The buffered write to this line, or NONE.
    if pooled.line_filter[line & (FILTER - 1)] == 0:
        return NONE
    cdef int32_t index = pooled.queues[WRITE].head[bank]
    while index != NONE and pooled.pool.entries[index].request.line != line:
        index = pooled.pool.entries[index].next
    return index


# --- what a sender sees ---

cdef int32_t _accepts(const Controller *controller, int32_t kind, int64_t line) noexcept nogil:
    cdef const Pooled *pooled = <const Pooled *> controller.queues
    if pooled.queues[kind].size < (pooled.policy.write_capacity if kind == WRITE else pooled.policy.read_capacity):
        return 1
    # A full pool still takes what needs no place in it. Rare: look through every bank.
    cdef int32_t bank
    if pooled.line_filter[line & (FILTER - 1)]:
        for bank in range(controller.channel.n_banks):
            if _buffered_write(pooled, line, bank) != NONE:
                return 1
    return 0


cdef void _accept(Controller *controller, const Request *request) noexcept nogil:
    cdef Pooled *pooled = <Pooled *> controller.queues
    cdef Channel *channel = controller.channel
    cdef int32_t index
    if pooled.mode_due <= controller.clk:
        _set_write_mode(pooled)
        pooled.mode_due = NEVER
    channel.counts[N_WRITES if request.kind == WRITE else N_READS] += 1
    if _buffered_write(pooled, request.line, request.bank) != NONE:
        if request.kind == READ:
            channel.counts[N_FORWARDED] += 1
            count_read_latency(channel, request.arrival, controller.clk + 1)
        else:
            channel.counts[N_MERGED] += 1
            answer(channel, controller.clk + 1)
        complete(&controller.completions, request.tag, controller.clk + 1)
        return
    index = take_entry(pooled.pool, request)
    if request.kind == WRITE:
        pooled.line_filter[request.line & (FILTER - 1)] += 1
    _append(controller, pooled, index)
    _look_again(controller, pooled, request.bank)
    note_next(controller, controller.clk + 1)


cdef int32_t _waiting(const Controller *controller) noexcept nogil:
    cdef const Pooled *pooled = <const Pooled *> controller.queues
    return pooled.queues[READ].size + pooled.queues[WRITE].size + pooled.n_active + pooled.n_activating


cdef void _flush(Controller *controller) noexcept nogil:
    # Writes drain by themselves once no read waits.
    pass


# --- candidates ---

cdef inline Candidate _nothing() noexcept nogil:
    cdef Candidate candidate
    candidate.command = NONE
    candidate.entry = NONE
    candidate.bank = NONE
    candidate.source = FROM_QUEUE
    return candidate


cdef int32_t access_command(Controller *controller, Pooled *pooled, int32_t index) noexcept nogil:
    """RD or WR, or their closing form where the page policy wants the row closed now."""
    cdef const Request *request = &pooled.pool.entries[index].request
    cdef int32_t bank = request.bank, left = 0, kind
    cdef bint closing = False
    if pooled.policy.page == PAGE_CLOSED:
        # Whoever the row was opened for has left the queues and still needs it.
        closing = not _has(pooled.active_mask, bank) or pooled.active[bank] == index
        for kind in range(2):
            if pooled.queues[kind].head[bank] != NONE:
                left = _find(pooled, pooled.queues[kind].head[bank], request.row, True)
                if left == index:
                    left = _find(pooled, pooled.pool.entries[left].next, request.row, True)
                closing = closing and left == NONE
    if request.kind == READ:
        return controller.channel.names.read_close if closing else controller.channel.names.read
    return controller.channel.names.write_close if closing else controller.channel.names.write


cdef Candidate pick_active(Controller *controller, Pooled *pooled) noexcept nogil:
    """The oldest ready access of a request whose row was opened for it."""
    cdef Candidate best = _nothing()
    cdef const Timing *timing = controller.channel.timing
    cdef int64_t best_order = NEVER, rest = NEVER, at
    cdef int32_t word, bank, command
    cdef uint64_t mask
    cdef const Entry *entry
    best.source = FROM_ACTIVE
    if pooled.n_active == 0:
        return best
    if pooled.look_active > controller.clk:
        note_next(controller, pooled.look_active)
        return best
    for word in range(controller.channel.n_words):
        mask = pooled.active_mask[word]
        while mask:
            bank = word * 64 + __builtin_ctzll(mask)
            mask &= mask - 1
            entry = pooled.pool.entries + pooled.active[bank]
            command = controller.channel.names.read if entry.request.kind == READ else controller.channel.names.write
            at = ready_at(timing, bank, timing.commands[command].group)
            if at > controller.clk:
                if at < rest:
                    rest = at
                continue
            if best.bank != NONE:
                rest = controller.clk
            if entry.order < best_order:
                best_order = entry.order
                best.bank = bank
                best.command = command
    pooled.look_active = rest
    note_next(controller, rest)
    if best.bank != NONE:
        best.entry = pooled.active[best.bank]
    if best.entry != NONE and pooled.policy.page == PAGE_CLOSED:
        best.command = access_command(controller, pooled, best.entry)
    return best


cdef Candidate pick_urgent(Controller *controller, Pooled *pooled, int32_t allow) noexcept nogil:
    """The next command of the oldest waiting refresh, if it is ready and closes no bank that is waited for."""
    cdef Candidate candidate = _nothing()
    cdef Channel *channel = controller.channel
    cdef const Timing *timing = channel.timing
    cdef int32_t command, bank, first, other, span, closing
    cdef bint any_open = False, any_waited = False
    cdef int64_t at
    candidate.source = FROM_URGENT
    if pooled.urgent_size == 0:
        return candidate
    command = pooled.urgent[pooled.urgent_head].command
    bank = pooled.urgent[pooled.urgent_head].bank
    span = timing.commands[command].span
    first = bank & -span
    for other in range(first, first + span):
        any_open = any_open or channel.open_row[other] != CLOSED
        any_waited = any_waited or _has(pooled.active_mask, other) or _has(pooled.activating_mask, other)
    if any_waited:
        return candidate
    if any_open:
        closing = channel.names.precharge_all if span > 1 else channel.names.precharge
        command = closing
    if not allow & (ALLOW_PRECHARGE if any_open else ALLOW_ACTIVATE):
        note_next(controller, controller.clk + 1)
        return candidate
    at = ready_at_node(timing, bank, timing.commands[command].group, timing.commands[command].scope)
    if at > controller.clk:
        note_next(controller, at)
        return candidate
    candidate.command = command
    candidate.bank = bank
    return candidate


cdef inline void _set_write_mode(Pooled *pooled) noexcept nogil:
    cdef int32_t reads = pooled.queues[READ].size, writes = pooled.queues[WRITE].size
    if pooled.write_mode:
        if reads and (writes == 0 or writes < pooled.policy.write_low * pooled.policy.write_capacity):
            pooled.write_mode = 0
    elif writes > pooled.policy.write_high * pooled.policy.write_capacity or reads == 0:
        pooled.write_mode = 1


cdef Candidate pick_queue(Controller *controller, Pooled *pooled, int32_t allow) noexcept nogil:
    """The best ready command for the requests of the current mode."""
    _set_write_mode(pooled)
    pooled.mode_due = NEVER
    if pooled.policy.order == ORDER_ARRIVAL:
        return _pick_oldest(controller, pooled, allow)
    cdef Candidate best = _nothing(), rival
    cdef Channel *channel = controller.channel
    cdef Queue *queue = pooled.queues + pooled.write_mode
    cdef int32_t kind, best_kind = CLASS_COLUMN
    if queue.size:
        for kind in range(3):
            if not allow & (1 << kind):
                continue
            if queue.look[kind] < NEVER:
                queue.look[kind] = _gated(channel.timing, queue.look[kind], _class_command(channel, pooled, kind))
            if queue.look[kind] > controller.clk:
                note_next(controller, queue.look[kind])
                continue
            rival = _bid(controller, pooled, queue, kind)
            note_next(controller, queue.look[kind])
            if rival.command == NONE:
                continue
            if best.command == NONE or _entry_order(pooled, rival.entry) < _entry_order(pooled, best.entry):
                if best.command != NONE:
                    _look_at(&queue.look[best_kind], controller.clk)
                best = rival
                best_kind = kind
            else:
                _look_at(&queue.look[kind], controller.clk)
            if pooled.policy.order == ORDER_ROW_HIT:
                break
    if best.entry == NONE and pooled.policy.page == PAGE_TIMEOUT and allow & ALLOW_PRECHARGE:
        return _pick_stale(controller, pooled)
    if best.entry != NONE and best_kind == CLASS_COLUMN and pooled.policy.page == PAGE_CLOSED:
        best.command = access_command(controller, pooled, best.entry)
    return best


cdef inline int32_t _class_command(const Channel *channel, const Pooled *pooled, int32_t kind) noexcept nogil:
    if kind == CLASS_COLUMN:
        return channel.names.write if pooled.write_mode else channel.names.read
    if kind == CLASS_PRECHARGE:
        return channel.names.precharge
    return channel.names.activate if channel.names.activate_half == NONE else channel.names.activate_half


cdef inline int64_t _entry_order(const Pooled *pooled, int32_t index) noexcept nogil:
    return pooled.pool.entries[index].order


cdef Candidate _bid(Controller *controller, Pooled *pooled, Queue *queue, int32_t kind) noexcept nogil:
    """The oldest ready candidate of a class. Afterwards the class's bound speaks of the other candidates."""
    cdef Channel *channel = controller.channel
    cdef const Timing *timing = channel.timing
    cdef const int32_t *entries = queue.hit
    cdef int64_t[MAX_ABOVE] room
    cdef const int64_t *above
    cdef const int64_t *own
    cdef int64_t at, order, best_order = NEVER, rest = NEVER
    cdef int32_t word, bank, command = _class_command(channel, pooled, kind)
    cdef uint64_t mask
    cdef Candidate best = _nothing()
    if kind == CLASS_ACTIVATE:
        entries = queue.head
    elif kind == CLASS_PRECHARGE:
        entries = queue.miss
    above = ready_above(timing, timing.commands[command].group, room)
    own = bank_ready(timing, timing.commands[command].group)
    for word in range(channel.n_words):
        mask = _bidders(channel, pooled, queue, kind, word)
        while mask:
            bank = word * 64 + __builtin_ctzll(mask)
            mask &= mask - 1
            at = above[bank >> timing.bank_shift]
            if own[bank] > at:
                at = own[bank]
            if at > controller.clk:
                if at < rest:
                    rest = at
                continue
            order = pooled.pool.entries[entries[bank]].order
            if best.bank != NONE:
                rest = controller.clk
            if order < best_order:
                best_order = order
                best.bank = bank
    queue.look[kind] = rest
    if best.bank != NONE:
        best.entry = entries[best.bank]
        best.command = command
    return best


cdef inline uint64_t _bidders(
    const Channel *channel, const Pooled *pooled, const Queue *queue, int32_t kind, int32_t word
) noexcept nogil:
    """Banks with a candidate of a class, as far as the row policy lets them have one."""
    cdef uint64_t held
    if kind == CLASS_COLUMN:
        return queue.has_hit[word] & ~(pooled.capped[word] & queue.has_miss[word])
    if kind == CLASS_ACTIVATE:
        return queue.busy[word] & ~channel.open_mask[word]
    held = pooled.active_mask[word] | pooled.activating_mask[word]
    if pooled.policy.keep_hits == 1:
        held |= queue.older_hit[word] & ~pooled.capped[word]
    elif pooled.policy.keep_hits == 2:
        held |= queue.has_hit[word] & ~pooled.capped[word]
    return queue.has_miss[word] & ~held


cdef Candidate _pick_oldest(Controller *controller, Pooled *pooled, int32_t allow) noexcept nogil:
    """First come, first served: the next command of the oldest request, or nothing."""
    cdef Candidate best = _nothing()
    cdef const Queue *queue = pooled.queues + pooled.write_mode
    cdef Channel *channel = controller.channel
    cdef const Timing *timing = channel.timing
    cdef int64_t best_order = NEVER, at
    cdef int32_t word, bank, index = NONE, row, kind
    cdef uint64_t mask
    for word in range(channel.n_words):
        mask = queue.busy[word]
        while mask:
            bank = word * 64 + __builtin_ctzll(mask)
            mask &= mask - 1
            if pooled.pool.entries[queue.head[bank]].order < best_order:
                best_order = pooled.pool.entries[queue.head[bank]].order
                index = queue.head[bank]
    if index == NONE:
        return best
    bank = pooled.pool.entries[index].request.bank
    row = channel.open_row[bank]
    if row == CLOSED:
        best.command = channel.names.activate_half
        if best.command == NONE:
            best.command = channel.names.activate
        kind = ALLOW_ACTIVATE
    elif row == pooled.pool.entries[index].request.row:
        best.command = access_command(controller, pooled, index)
        kind = ALLOW_COLUMN
    else:
        best.command = channel.names.precharge
        kind = ALLOW_PRECHARGE
        if _has(pooled.active_mask, bank) or _has(pooled.activating_mask, bank):
            best.command = NONE
            return best
    at = ready_at(timing, bank, timing.commands[best.command].group)
    if at > controller.clk or not allow & kind:
        note_next(controller, at)
        best.command = NONE
        return best
    best.entry = index
    best.bank = bank
    return best


cdef Candidate _pick_stale(Controller *controller, Pooled *pooled) noexcept nogil:
    """A precharge of a row that nobody waits for and nobody used for the timeout."""
    cdef Candidate best = _nothing()
    cdef Channel *channel = controller.channel
    cdef const Timing *timing = channel.timing
    cdef int32_t word, bank, command = channel.names.precharge
    cdef uint64_t mask
    cdef int64_t at, ready
    for word in range(channel.n_words):
        mask = (channel.open_mask[word] & ~pooled.active_mask[word] & ~pooled.activating_mask[word]
                & ~pooled.queues[READ].has_hit[word] & ~pooled.queues[WRITE].has_hit[word])
        while mask:
            bank = word * 64 + __builtin_ctzll(mask)
            mask &= mask - 1
            at = pooled.last_use[bank] + pooled.policy.timeout_ticks
            ready = ready_at(timing, bank, timing.commands[command].group)
            at = ready if ready > at else at
            if at > controller.clk:
                note_next(controller, at)
            elif best.command == NONE:
                best.command = command
                best.bank = bank
    return best


# --- what an issue changes ---

cdef void count_start(Controller *controller, Pooled *pooled, int32_t index, int32_t command) noexcept nogil:
    """Classify a request by the first command that is issued for it."""
    cdef Entry *entry = pooled.pool.entries + index
    cdef Channel *channel = controller.channel
    if entry.started:
        return
    entry.started = 1
    if command == channel.names.precharge:
        channel.counts[N_ROW_CONFLICTS] += 1
    elif command == channel.names.activate or command == channel.names.activate_half:
        channel.counts[N_ROW_MISSES] += 1
    else:
        channel.counts[N_ROW_HITS] += 1


cdef void take_for_row(Controller *controller, Pooled *pooled, int32_t index) noexcept nogil:
    """The request's row is open now: it is served from the active list."""
    cdef int32_t bank = pooled.pool.entries[index].request.bank
    cdef const Timing *timing = controller.channel.timing
    cdef int32_t command = controller.channel.names.write
    if pooled.pool.entries[index].request.kind == READ:
        command = controller.channel.names.read
    pooled.active[bank] = index
    _set(pooled.active_mask, bank)
    pooled.n_active += 1
    _look_at(&pooled.look_active, ready_at(timing, bank, timing.commands[command].group))


cdef void retire(Controller *controller, Pooled *pooled, int32_t index, int32_t source) noexcept nogil:
    """The request's access was issued at this tick."""
    cdef Channel *channel = controller.channel
    cdef Request *request = &pooled.pool.entries[index].request
    cdef int32_t bank = request.bank
    if source == FROM_ACTIVE:
        _clear(pooled.active_mask, bank)
        pooled.n_active -= 1
    else:
        _remove(controller, pooled, index)
    _look_again(controller, pooled, bank)
    channel.counts[N_REUSED_ROWS] += channel.row_uses[bank] > 1
    if request.kind == READ:
        count_read_latency(channel, request.arrival, controller.clk + channel.read_latency)
        complete(&controller.completions, request.tag, controller.clk + channel.read_latency)
    else:
        answer(channel, controller.clk + channel.write_latency)
        complete(&controller.completions, request.tag, controller.clk)
    give_entry(pooled.pool, index)


cdef void issue_candidate(Controller *controller, Pooled *pooled, Candidate candidate) noexcept nogil:
    """Issue a candidate and move its request on."""
    cdef Channel *channel = controller.channel
    cdef int32_t bank = candidate.bank, row = -1, column = -1, first, other, span
    cdef const Request *request
    if candidate.entry != NONE:
        request = &pooled.pool.entries[candidate.entry].request
        row = request.row
        column = request.column
        count_start(controller, pooled, candidate.entry, candidate.command)
    issue_command(channel, candidate.command, bank, row, column, controller.clk)
    pooled.last_use[bank] = controller.clk
    if candidate.command == channel.names.activate or candidate.command == channel.names.activate_half:
        _remove(controller, pooled, candidate.entry)
        if candidate.command == channel.names.activate:
            take_for_row(controller, pooled, candidate.entry)
        _clear(pooled.capped, bank)
        row_changed(controller, pooled, bank)
    elif channel.timing.commands[candidate.command].data:
        if pooled.policy.hit_cap and channel.row_uses[bank] >= pooled.policy.hit_cap:
            _set(pooled.capped, bank)
        retire(controller, pooled, candidate.entry, candidate.source)
        if channel.open_row[bank] == CLOSED:
            row_changed(controller, pooled, bank)
    else:
        span = channel.timing.commands[candidate.command].span
        first = bank & -span
        for other in range(first, first + span):
            row_changed(controller, pooled, other)
        if candidate.command == channel.names.refresh or candidate.command == channel.names.refresh_bank:
            pooled.urgent_head = (pooled.urgent_head + 1) % pooled.urgent_capacity
            pooled.urgent_size -= 1


# --- refresh ---

cdef void _push_refresh(Pooled *pooled, int32_t command, int32_t bank) noexcept nogil:
    cdef int32_t place
    if pooled.urgent_size == pooled.urgent_capacity:
        return
    place = (pooled.urgent_head + pooled.urgent_size) % pooled.urgent_capacity
    pooled.urgent[place].command = command
    pooled.urgent[place].bank = bank
    pooled.urgent_size += 1


cdef void refresh_tick(Controller *controller, Pooled *pooled) noexcept nogil:
    """Queue the refreshes that are due at this tick, and wake for the next ones."""
    cdef Channel *channel = controller.channel
    cdef int32_t node, nodes, span
    if pooled.policy.refresh == REFRESH_NONE:
        return
    if controller.clk == pooled.next_refresh:
        if pooled.policy.refresh == REFRESH_ALL_BANK:
            nodes = channel.timing.level_nodes[channel.refresh_scope]
            span = channel.n_banks // nodes
            for node in range(nodes):
                _push_refresh(pooled, channel.names.refresh, node * span)
            pooled.next_refresh += pooled.policy.refresh_interval
        elif pooled.policy.refresh_pairs > 1:
            _refresh_set(controller, pooled)
        else:
            _push_refresh(pooled, channel.names.refresh_bank, pooled.refresh_bank)
            pooled.refresh_bank = (pooled.refresh_bank + 1) % channel.n_banks
            pooled.next_refresh += pooled.policy.refresh_interval
    note_next(controller, pooled.next_refresh)


cdef void _refresh_set(Controller *controller, Pooled *pooled) noexcept nogil:
    """The same bank of every pseudo channel, one tick after another; a pause after each full set of banks."""
    cdef Channel *channel = controller.channel
    cdef int32_t units = pooled.policy.refresh_pairs
    cdef int32_t banks = channel.n_banks // units
    if pooled.refresh_pending_pair == 0 and controller.clk < pooled.refresh_set_allowed:
        pooled.next_refresh += 1
        return
    _push_refresh(pooled, channel.names.refresh_bank, pooled.refresh_pending_pair * banks + pooled.refresh_bank)
    pooled.refresh_pending_pair += 1
    if pooled.refresh_pending_pair < units:
        pooled.next_refresh += 1
        return
    pooled.refresh_pending_pair = 0
    pooled.refresh_bank = (pooled.refresh_bank + 1) % banks
    if pooled.refresh_bank % channel.banks_per_standby == 0:
        pooled.refresh_set_allowed = controller.clk + pooled.policy.refresh_set_gap
    pooled.next_refresh += pooled.policy.refresh_interval - (units - 1)


# --- one tick, one command bus ---

cdef void _tick_one_bus(Controller *controller) noexcept nogil:
    cdef Pooled *pooled = <Pooled *> controller.queues
    cdef Candidate candidate
    controller.next = NEVER
    refresh_tick(controller, pooled)
    candidate = pick_active(controller, pooled)
    if candidate.command == NONE:
        candidate = pick_urgent(controller, pooled, ALLOW_ALL)
    if candidate.command == NONE and pooled.urgent_size == 0:
        candidate = pick_queue(controller, pooled, ALLOW_ALL)
    if candidate.command != NONE:
        issue_candidate(controller, pooled, candidate)
        skip_idle(controller, pooled)


# --- life ---

cdef void _reset(Controller *controller) noexcept nogil:
    cdef Pooled *pooled = <Pooled *> controller.queues
    cdef int32_t bank, kind
    reset_channel(controller.channel)
    reset_pool(pooled.pool)
    for kind in range(2):
        pooled.queues[kind].size = 0
        memset(pooled.queues[kind].busy, 0, MAX_WORDS * 8)
        memset(pooled.queues[kind].has_hit, 0, MAX_WORDS * 8)
        memset(pooled.queues[kind].has_miss, 0, MAX_WORDS * 8)
        memset(pooled.queues[kind].older_hit, 0, MAX_WORDS * 8)
        memset(pooled.queues[kind].look, 0, 3 * 8)
        for bank in range(controller.channel.n_banks):
            pooled.queues[kind].head[bank] = NONE
            pooled.queues[kind].tail[bank] = NONE
            pooled.queues[kind].hit[bank] = NONE
            pooled.queues[kind].miss[bank] = NONE
    memset(pooled.active_mask, 0, MAX_WORDS * 8)
    memset(pooled.activating_mask, 0, MAX_WORDS * 8)
    memset(pooled.line_filter, 0, FILTER * sizeof(int32_t))
    memset(pooled.last_use, 0, controller.channel.n_banks * sizeof(int64_t))
    memset(pooled.capped, 0, MAX_WORDS * 8)
    pooled.write_mode = 0
    pooled.mode_due = NEVER
    pooled.n_active = 0
    pooled.look_active = 0
    pooled.n_activating = 0
    pooled.urgent_head = 0
    pooled.urgent_size = 0
    pooled.next_refresh = pooled.policy.refresh_interval
    pooled.refresh_bank = 0
    pooled.refresh_pending_pair = 0
    pooled.refresh_set_allowed = 0
    pooled.pairing_tick = -1
    pooled.sync_expiry = 0
    pooled.sync_entry = NONE
    controller.clk = 0
    controller.next = 1
    controller.completions.used = 0


cdef void _release(Controller *controller) noexcept:
    cdef Pooled *pooled = <Pooled *> controller.queues
    cdef int32_t kind
    if pooled != NULL:
        free_pool(pooled.pool)
        for kind in range(2):
            free(pooled.queues[kind].head)
            free(pooled.queues[kind].tail)
            free(pooled.queues[kind].hit)
            free(pooled.queues[kind].miss)
        free(pooled.active)
        free(pooled.urgent)
        free(pooled.last_use)
        free(pooled.line_filter)
        free(pooled.activating)
        free(pooled.deadline)
        free(pooled)
    free_channel(controller.channel)
    free(controller.completions.items)
    free(controller)


cdef Controller *new_pooled(table, policy) except NULL:
    """A pooled controller of one channel. `policy`: a PooledPolicy (arch/dram/controller.py) resolved to ticks."""
    cdef Controller *controller = <Controller *> allocate(1, sizeof(Controller))
    cdef Pooled *pooled = <Pooled *> allocate(1, sizeof(Pooled))
    cdef Channel *channel = new_channel(table)
    cdef int32_t banks = channel.n_banks, kind
    controller.channel = channel
    controller.queues = pooled
    pooled.policy.read_capacity = policy["read_capacity"]
    pooled.policy.write_capacity = policy["write_capacity"]
    pooled.policy.write_high = policy["write_high"]
    pooled.policy.write_low = policy["write_low"]
    pooled.policy.order = policy["order"]
    pooled.policy.keep_hits = policy["keep_hits"]
    pooled.policy.hit_cap = policy["hit_cap"]
    pooled.policy.page = policy["page"]
    pooled.policy.timeout_ticks = policy["timeout_ticks"]
    pooled.policy.refresh = policy["refresh"]
    pooled.policy.refresh_interval = policy["refresh_interval"]
    pooled.policy.refresh_pairs = policy["refresh_pairs"]
    pooled.policy.refresh_set_gap = policy["refresh_set_gap"]
    pooled.pool = new_pool(pooled.policy.read_capacity + pooled.policy.write_capacity + 2 * banks)
    for kind in range(2):
        pooled.queues[kind].head = <int32_t *> allocate(banks, sizeof(int32_t))
        pooled.queues[kind].tail = <int32_t *> allocate(banks, sizeof(int32_t))
        pooled.queues[kind].hit = <int32_t *> allocate(banks, sizeof(int32_t))
        pooled.queues[kind].miss = <int32_t *> allocate(banks, sizeof(int32_t))
    pooled.active = <int32_t *> allocate(banks, sizeof(int32_t))
    pooled.last_use = <int64_t *> allocate(banks, sizeof(int64_t))
    pooled.line_filter = <int32_t *> allocate(FILTER, sizeof(int32_t))
    pooled.urgent_capacity = 64 * banks
    pooled.urgent = <Maintenance *> allocate(pooled.urgent_capacity, sizeof(Maintenance))
    pooled.activating = <int32_t *> allocate(banks, sizeof(int32_t))
    pooled.deadline = <int64_t *> allocate(banks, sizeof(int64_t))
    controller.accepts = _accepts
    controller.accept = _accept
    controller.flush = _flush
    controller.waiting = _waiting
    controller.reset = _reset
    controller.release = _release
    standard = table.part.rules_of
    if standard.split_activate:
        set_up_split(pooled, table)
        controller.tick = tick_split
    elif standard.two_command_buses:
        pooled.half_ticks = standard.ticks_per_clock == 2
        controller.tick = tick_two_buses
    else:
        controller.tick = _tick_one_bus
    _reset(controller)
    return controller
