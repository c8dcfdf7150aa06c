# csrc/dram/banked.pyx: a controller with a command queue for each bank behind a transaction queue.
#
# Rules:  each tick: a step of a waiting refresh, else the first ready command, bank queues in turn; then one
#         transaction moves from the read queue, or from the write buffer while it drains, to its bank's queue.
#         Within a queue the oldest entry whose command is ready goes first; only the head may precharge, and only
#         when no entry hits the open row or the row was used `hit_cap` times. (DRAMsim3, src/controller.cc and
#         src/command_queue.cc.)
# State:  the oldest read and write of each bank's open row; which banks are asleep until a tick before which their
#         queues offer nothing.

from libc.stdint cimport uint64_t
from libc.stdlib cimport abort, calloc, free
from libc.string cimport memset

from bitline.csrc.dram.channel cimport (
    answer, CLOSED, Channel, count_read_latency, free_channel, issue_command, N_FORWARDED, N_MERGED, N_READS,
    N_REUSED_ROWS, N_ROW_CONFLICTS, N_ROW_HITS, N_ROW_MISSES, N_WRITES, new_channel, reset_channel,
)
from bitline.csrc.dram.request cimport (
    complete, Entry, free_pool, give_entry, new_pool, NONE, READ, Request, reset_pool, take_entry, WRITE,
)
from bitline.csrc.dram.timing cimport allocate, NEVER, ready_at, Timing

cdef enum:
    FILTER_SHIFT = 54       # to the high bits of a 64-bit product

cdef extern from *:
    """
    /* 2^64 / golden ratio, odd: Knuth, The Art of Computer Programming 3, 6.4. */
    #define BITLINE_SPREAD 0x9E3779B97F4A7C15ull
    """
    const uint64_t SPREAD "BITLINE_SPREAD"


# --- first-in-first-out lists over the pool ---

cdef inline void _take_out(Pool *pool, Line *line, int32_t index) noexcept nogil:
    cdef Entry *entry = pool.entries + index
    if entry.previous == NONE:
        line.head = entry.next
    else:
        pool.entries[entry.previous].next = entry.next
    if entry.next == NONE:
        line.tail = entry.previous
    else:
        pool.entries[entry.next].previous = entry.previous
    line.size -= 1


cdef inline int32_t _filter_place(int64_t line) noexcept nogil:
    # Where lines are counted by the few bits of a product: streams that begin at round addresses stay apart.
    return <int32_t> ((<uint64_t> line * SPREAD) >> FILTER_SHIFT)


cdef int32_t _find_line(const Banked *banked, const Line *line, int64_t address, int32_t kind) noexcept nogil:
    cdef int32_t index = line.head
    while index != NONE and (banked.pool.entries[index].request.line != address
                             or banked.pool.entries[index].request.kind != kind):
        index = banked.pool.entries[index].next
    return index


cdef int32_t _pending(const Banked *banked, int64_t address, int32_t bank, int32_t kind) noexcept nogil:
    # A waiting request of this kind to this line, in its transaction queue or its bank's queue.
    cdef const int32_t *counts = banked.read_filter if kind == READ else banked.write_filter
    cdef int32_t index
    if counts[_filter_place(address)] == 0:
        return NONE
    index = _find_line(banked, &banked.banks[bank].line, address, kind)
    if index == NONE:
        index = _find_line(banked, &banked.reads if kind == READ else &banked.writes, address, kind)
    return index


# --- what a sender sees ---

cdef int32_t _accepts(const Controller *controller, int32_t kind, int64_t line) noexcept nogil:
    cdef const Banked *banked = <const Banked *> controller.queues
    return (banked.writes.size if kind == WRITE else banked.reads.size) < banked.policy.transactions


cdef void _accept(Controller *controller, const Request *request) noexcept nogil:
    cdef Banked *banked = <Banked *> controller.queues
    cdef Channel *channel = controller.channel
    cdef int64_t arrival = controller.clk + 1
    cdef int32_t index, twin
    banked.drain_above = banked.policy.drain_above
    if banked.pool.free_head == NONE:
        grow_pool(banked)
    if request.kind == WRITE:
        channel.counts[N_WRITES] += 1
        complete(&controller.completions, request.tag, arrival + 1)
        answer(channel, arrival + 1)
        if _pending(banked, request.line, request.bank, WRITE) != NONE:
            channel.counts[N_MERGED] += 1
            return
        index = take_entry(banked.pool, request)
        banked.write_filter[_filter_place(request.line)] += 1
        push(banked.pool, &banked.writes, index)
    else:
        channel.counts[N_READS] += 1
        if _pending(banked, request.line, request.bank, WRITE) != NONE:
            channel.counts[N_FORWARDED] += 1
            count_read_latency(channel, request.arrival, arrival + 1)
            complete(&controller.completions, request.tag, arrival + 1)
            return
        twin = _pending(banked, request.line, request.bank, READ)
        index = take_entry(banked.pool, request)
        banked.followers[index] = NONE
        if twin != NONE:
            channel.counts[N_MERGED] += 1
            banked.followers[index] = banked.followers[twin]
            banked.followers[twin] = index
            return
        banked.read_filter[_filter_place(request.line)] += 1
        push(banked.pool, &banked.reads, index)
    sooner(controller, controller.clk + 1)


cdef void grow_pool(Banked *banked) noexcept nogil:
    """Reads that share a command take no place in a queue, so their number has no bound: make room for more."""
    cdef int32_t old = banked.pool.capacity, i
    cdef int32_t *followers
    cdef Entry *entries = <Entry *> calloc(2 * old, sizeof(Entry))
    followers = <int32_t *> calloc(2 * old, sizeof(int32_t))
    if entries == NULL or followers == NULL:
        abort()
    for i in range(old):
        entries[i] = banked.pool.entries[i]
        followers[i] = banked.followers[i]
    for i in range(old, 2 * old):
        entries[i].next = i + 1 if i + 1 < 2 * old else NONE
    free(banked.pool.entries)
    free(banked.followers)
    banked.pool.entries = entries
    banked.followers = followers
    banked.pool.capacity = 2 * old
    banked.pool.free_head = old


cdef int32_t _waiting(const Controller *controller) noexcept nogil:
    cdef const Banked *banked = <const Banked *> controller.queues
    return banked.reads.size + banked.writes.size + banked.n_queued


cdef void _flush(Controller *controller) noexcept nogil:
    (<Banked *> controller.queues).drain_above = 0
    sooner(controller, controller.clk + 1)


# --- what a bank queue offers ---

cdef inline bint _waits_for_read(Banked *banked, int32_t index) noexcept nogil:
    # A write does not overtake an older read of its line.
    cdef int64_t line = banked.pool.entries[index].request.line
    if banked.read_filter[_filter_place(line)] == 0:
        return False
    index = banked.pool.entries[index].previous
    while index != NONE:
        if banked.pool.entries[index].request.line == line and banked.pool.entries[index].request.kind == READ:
            return True
        index = banked.pool.entries[index].previous
    return False


cdef int32_t _hit_from(Banked *banked, int32_t index, int32_t row, int32_t kind) noexcept nogil:
    """The first access of a row that may go, from an entry of a bank queue on."""
    cdef const Entry *entries = banked.pool.entries
    while index != NONE and (entries[index].request.row != row or entries[index].request.kind != kind
                             or (kind == WRITE and _waits_for_read(banked, index))):
        index = entries[index].next
    return index


cdef inline void _find_hits(Banked *banked, BankQueue *queue, int32_t row) noexcept nogil:
    queue.row = row
    queue.read = _hit_from(banked, queue.line.head, row, READ)
    queue.write = _hit_from(banked, queue.line.head, row, WRITE)


cdef inline void _enqueue(Banked *banked, int32_t bank, int32_t index) noexcept nogil:
    cdef BankQueue *queue = banked.banks + bank
    cdef Entry *entry = banked.pool.entries + index
    push(banked.pool, &queue.line, index)
    # Age within the queue: reads and writes overtake each other on the way to it.
    entry.order = banked.pool.next_order
    banked.pool.next_order += 1
    if entry.request.row == queue.row:
        if entry.request.kind == READ:
            if queue.read == NONE:
                queue.read = index
        elif queue.write == NONE and not _waits_for_read(banked, index):
            queue.write = index
    banked.n_queued += 1
    put(banked.occupied, bank)
    # The newcomer may be ready at once, and a hit may hold back the head's precharge.
    put(banked.awake, bank)


cdef inline void _dequeue(Banked *banked, int32_t bank, int32_t index) noexcept nogil:
    # Take out the oldest read or write of the open row.
    cdef BankQueue *queue = banked.banks + bank
    cdef Entry *entry = banked.pool.entries + index
    cdef int32_t place = _filter_place(entry.request.line)
    _take_out(banked.pool, &queue.line, index)
    if entry.request.kind == WRITE:
        banked.write_filter[place] -= 1
        queue.write = _hit_from(banked, entry.next, queue.row, WRITE)
    else:
        banked.read_filter[place] -= 1
        queue.read = _hit_from(banked, entry.next, queue.row, READ)
        if banked.write_filter[place]:
            # A write of the line need not wait any more.
            queue.write = _hit_from(banked, queue.line.head, queue.row, WRITE)
    banked.n_queued -= 1
    if queue.line.size == 0:
        drop(banked.occupied, bank)
        drop(banked.awake, bank)


cdef Offer offer_of(Controller *controller, Banked *banked, int32_t bank) noexcept nogil:
    """The first ready command of a bank's queue, oldest entry first. Requests for a reserved row are passed over."""
    cdef Channel *channel = controller.channel
    cdef const Timing *timing = channel.timing
    cdef const Entry *entries = banked.pool.entries
    cdef BankQueue *queue = banked.banks + bank
    cdef int32_t row = channel.open_row[bank], index = queue.line.head, command
    cdef int64_t read_at = NEVER, write_at = NEVER, now = controller.clk
    cdef Offer offer
    offer.command = NONE
    offer.entry = index
    offer.at = NEVER
    if row == CLOSED:
        while index != NONE and entries[index].request.row == banked.reserved_row:
            index = entries[index].next
        if index == NONE:
            return offer
        command = channel.names.activate
        offer.entry = index
        offer.at = ready_at(timing, bank, timing.commands[command].group)
        if offer.at <= now:
            offer.command = command
        return offer
    if queue.row != row:
        _find_hits(banked, queue, row)
    if entries[index].request.row != row and entries[index].request.row != banked.reserved_row and (
            (queue.read == NONE and queue.write == NONE) or channel.row_uses[bank] >= banked.policy.hit_cap):
        command = channel.names.precharge
        offer.at = ready_at(timing, bank, timing.commands[command].group)
        if offer.at <= now:
            offer.command = command
            return offer
    if row == banked.reserved_row:
        return offer
    if queue.read != NONE:
        read_at = ready_at(timing, bank, timing.commands[banked.read].group)
        if read_at <= now:
            offer.command = banked.read
            offer.entry = queue.read
    if queue.write != NONE:
        write_at = ready_at(timing, bank, timing.commands[banked.write].group)
        if write_at <= now and (offer.command == NONE or entries[queue.write].order < entries[queue.read].order):
            offer.command = banked.write
            offer.entry = queue.write
    offer.at = min(offer.at, read_at, write_at)
    return offer


cdef void issue_offer(Controller *controller, Banked *banked, int32_t bank, Offer offer) noexcept nogil:
    cdef Channel *channel = controller.channel
    cdef Entry *entry = banked.pool.entries + offer.entry
    cdef Request *request = &entry.request
    cdef int64_t end = controller.clk + channel.read_latency
    cdef int32_t follower, next_follower
    if not entry.started:
        entry.started = 1
        if offer.command == channel.names.precharge:
            channel.counts[N_ROW_CONFLICTS] += 1
        elif offer.command == channel.names.activate:
            channel.counts[N_ROW_MISSES] += 1
        else:
            channel.counts[N_ROW_HITS] += 1
    issue_command(channel, offer.command, bank, request.row, request.column, controller.clk)
    if offer.command == channel.names.precharge or offer.command == channel.names.activate:
        return
    channel.counts[N_REUSED_ROWS] += channel.row_uses[bank] > 1
    _dequeue(banked, bank, offer.entry)
    if request.kind == WRITE:
        give_entry(banked.pool, offer.entry)
        return
    follower = offer.entry
    while follower != NONE:
        request = &banked.pool.entries[follower].request
        count_read_latency(channel, request.arrival, end)
        complete(&controller.completions, request.tag, end)
        next_follower = banked.followers[follower]
        give_entry(banked.pool, follower)
        follower = next_follower


cdef bint wake_banks(Controller *controller, Banked *banked, uint64_t *awake) noexcept nogil:
    """`awake`: banks, but those held back for a refresh, that may have a ready command. False if there are none."""
    cdef int32_t n_words = controller.channel.n_words, word, bank, low
    cdef uint64_t bits, any_bank = 0
    if controller.clk >= banked.wake_at:
        banked.wake_at = NEVER
        for word in range(n_words):
            bits = banked.occupied[word] & ~banked.awake[word]
            while bits:
                bank = word * 64 + __builtin_ctzll(bits)
                bits &= bits - 1
                if banked.banks[bank].look_at <= controller.clk:
                    put(banked.awake, bank)
                elif banked.banks[bank].look_at < banked.wake_at:
                    banked.wake_at = banked.banks[bank].look_at
    for word in range(n_words):
        awake[word] = banked.awake[word]
    if banked.blocked_unit != NONE:
        low = banked.blocked_unit * banked.unit_banks
        for bank in range(low, low + banked.unit_banks):
            drop(awake, bank)
    for word in range(n_words):
        any_bank |= awake[word]
    return any_bank != 0


cdef int32_t _issue_next(
    Controller *controller, Banked *banked, int32_t first_command, int32_t first_bank
) noexcept nogil:
    """Issue the first ready command, bank queues in turn. With `first_command` (dual issue) the two have to be one
    row and one column command: a second one that is not is dropped. Returns the command, or NONE."""
    cdef Channel *channel = controller.channel
    cdef const Timing *timing = channel.timing
    cdef int32_t bank = banked.turn
    cdef uint64_t awake[8]
    cdef Offer offer
    if banked.n_queued == 0:
        return NONE
    wake_banks(controller, banked, awake)
    if first_bank != NONE:
        drop(awake, first_bank)
    bank = next_bank(awake, channel.n_words, bank)
    while bank != NONE:
        drop(awake, bank)
        offer = offer_of(controller, banked, bank)
        if offer.command != NONE:
            banked.turn = bank
            if first_command != NONE:
                if (timing.commands[offer.command].data == 0) == (timing.commands[first_command].data == 0):
                    return NONE
            issue_offer(controller, banked, bank, offer)
            return offer.command
        sleep_until(banked, bank, offer.at)
        bank = next_bank(awake, channel.n_words, bank)
    sooner(controller, banked.wake_at)
    return NONE


# --- refresh ---

cdef int32_t _refresh_step(Controller *controller, Banked *banked) noexcept nogil:
    """A precharge towards the waiting refresh, or the refresh itself. Returns the command, or NONE."""
    cdef Channel *channel = controller.channel
    cdef const Timing *timing = channel.timing
    cdef int32_t unit = banked.pending[banked.pending_head], bank, first, ready = 0
    cdef int32_t refresh = channel.names.refresh, precharge = channel.names.precharge
    cdef int64_t at
    banked.blocked_unit = unit
    first = unit * banked.unit_banks
    for bank in range(first, first + banked.unit_banks):
        if channel.open_row[bank] != CLOSED:
            at = ready_at(timing, bank, timing.commands[precharge].group)
            if at <= controller.clk:
                issue_command(channel, precharge, bank, -1, -1, controller.clk)
                return precharge
            sooner(controller, at)
        else:
            ready += 1
    if ready < banked.unit_banks:
        return NONE
    at = ready_at(timing, first, timing.commands[refresh].group)
    if at > controller.clk:
        sooner(controller, at)
        return NONE
    issue_command(channel, refresh, first, -1, -1, controller.clk)
    finish_refresh(controller, banked)
    return refresh


cdef void finish_refresh(Controller *controller, Banked *banked) noexcept nogil:
    """The refresh that waited longest has been issued: its queues may go on."""
    cdef int32_t first = banked.pending[banked.pending_head] * banked.unit_banks, bank
    banked.blocked_unit = NONE
    banked.pending_head = (banked.pending_head + 1) % (2 * banked.n_units)
    banked.n_pending -= 1
    for bank in range(first, first + banked.unit_banks):
        wake(banked, bank)


cdef void count_refresh(Controller *controller, Banked *banked) noexcept nogil:
    cdef int32_t units = banked.n_units
    if banked.policy.refresh == 0:
        return
    if controller.clk >= banked.next_refresh:
        banked.next_refresh += banked.policy.refresh_interval
        if banked.n_pending < 2 * units:
            banked.pending[(banked.pending_head + banked.n_pending) % (2 * units)] = banked.refresh_unit
            banked.n_pending += 1
        banked.refresh_unit = (banked.refresh_unit + 1) % units
    sooner(controller, banked.next_refresh)


# --- from transactions to bank queues ---

cdef void start_drain(Banked *banked) noexcept nogil:
    """Drain the write buffer when it is full, or when it holds enough and no command waits."""
    if banked.draining == 0 and banked.owed_read == NONE:
        if banked.writes.size >= banked.policy.transactions or (
                banked.writes.size > banked.drain_above and banked.n_queued == 0):
            banked.draining = banked.writes.size


cdef void move_from(Controller *controller, Banked *banked, Line *line) noexcept nogil:
    """Move the oldest request of a transaction queue whose bank queue has room."""
    cdef Request *request
    cdef int32_t index = line.head, bank, read
    while index != NONE:
        request = &banked.pool.entries[index].request
        bank = request.bank
        if banked.banks[bank].line.size < banked.policy.commands:
            if request.kind == WRITE:
                if _pending(banked, request.line, bank, READ) != NONE:
                    # Reads go on. Where the read itself still waits here, no draining starts before it has moved:
                    # DRAMsim3, which lets one start, stands still for ever.
                    banked.draining = 0
                    read = _find_line(banked, &banked.reads, request.line, READ)
                    if read != NONE:
                        banked.owed_read = read
                    sooner(controller, controller.clk + 1)
                    return
                banked.draining -= 1
            elif index == banked.owed_read:
                banked.owed_read = NONE
            _take_out(banked.pool, line, index)
            _enqueue(banked, bank, index)
            sooner(controller, controller.clk + 1)
            return
        index = banked.pool.entries[index].next
    # Nothing moves before a bank queue has room, and that takes a command. When the queues run empty the write
    # buffer may start to drain.


cdef void _tick(Controller *controller) noexcept nogil:
    cdef Banked *banked = <Banked *> controller.queues
    cdef int32_t command = NONE, first_bank = NONE
    if banked.half_ticks and not controller.clk & 1:
        controller.next = controller.clk + 1
        return
    controller.next = NEVER
    count_refresh(controller, banked)
    if banked.n_pending:
        command = _refresh_step(controller, banked)
    if command == NONE:
        command = _issue_next(controller, banked, NONE, NONE)
        first_bank = banked.turn
    if command != NONE:
        if banked.policy.dual_issue:
            _issue_next(controller, banked, command, first_bank)
        controller.next = controller.clk + 1
    start_drain(banked)
    move_from(controller, banked, &banked.writes if banked.draining > 0 else &banked.reads)


# --- life ---

cdef void reset_banked(Controller *controller) noexcept nogil:
    """Back to tick 0: banks closed, queues empty, nothing counted."""
    cdef Banked *banked = <Banked *> controller.queues
    cdef int32_t bank
    reset_channel(controller.channel)
    reset_pool(banked.pool)
    banked.reads.head = banked.reads.tail = NONE
    banked.writes.head = banked.writes.tail = NONE
    banked.reads.size = banked.writes.size = 0
    for bank in range(controller.channel.n_banks):
        banked.banks[bank].line.head = banked.banks[bank].line.tail = NONE
        banked.banks[bank].line.size = 0
        banked.banks[bank].row = NO_ROW
        banked.banks[bank].read = banked.banks[bank].write = NONE
        banked.banks[bank].look_at = NEVER
    memset(banked.occupied, 0, sizeof(banked.occupied))
    memset(banked.awake, 0, sizeof(banked.awake))
    banked.wake_at = NEVER
    banked.reserved_row = NO_ROW
    memset(banked.read_filter, 0, FILTER * sizeof(int32_t))
    memset(banked.write_filter, 0, FILTER * sizeof(int32_t))
    banked.n_queued = 0
    banked.draining = 0
    banked.owed_read = NONE
    banked.drain_above = banked.policy.drain_above
    banked.turn = 0
    banked.next_refresh = banked.policy.refresh_interval
    banked.refresh_unit = 0
    banked.pending_head = 0
    banked.n_pending = 0
    banked.blocked_unit = NONE
    controller.clk = 0
    controller.next = 1
    controller.completions.used = 0


cdef void release_banked(Controller *controller) noexcept:
    """Give all memory back."""
    cdef Banked *banked = <Banked *> controller.queues
    if banked != NULL:
        free_pool(banked.pool)
        free(banked.banks)
        free(banked.pending)
        free(banked.read_filter)
        free(banked.write_filter)
        free(banked.followers)
        free(banked)
    free_channel(controller.channel)
    free(controller.completions.items)
    free(controller)


cdef Controller *new_banked(table, policy) except NULL:
    """A banked controller of one channel. `policy`: a BankedPolicy (arch/dram/controller.py) resolved to ticks."""
    cdef Controller *controller = <Controller *> allocate(1, sizeof(Controller))
    init_banked(controller, <Banked *> allocate(1, sizeof(Banked)), table, policy)
    return controller


cdef void init_banked(Controller *controller, Banked *banked, table, policy) except *:
    """Make a controller and its queues, both zeroed, those of one channel."""
    cdef Channel *channel = new_channel(table)
    cdef int32_t banks = channel.n_banks, places
    controller.channel = channel
    controller.queues = banked
    banked.policy.transactions = policy["transactions"]
    banked.policy.commands = policy["commands"]
    banked.policy.hit_cap = policy["hit_cap"]
    banked.policy.drain_above = policy["drain_above"]
    banked.policy.dual_issue = policy["dual_issue"]
    banked.policy.closed_page = policy["closed_page"]
    banked.policy.refresh = policy["refresh"]
    banked.policy.refresh_interval = policy["refresh_interval"]
    banked.read = channel.names.read_close if banked.policy.closed_page else channel.names.read
    banked.write = channel.names.write_close if banked.policy.closed_page else channel.names.write
    banked.half_ticks = table.part.rules_of.ticks_per_clock == 2
    banked.n_units = channel.timing.level_nodes[channel.refresh_scope]
    banked.unit_banks = banks // banked.n_units
    places = 2 * banked.policy.transactions + banks * banked.policy.commands
    banked.pool = new_pool(places)
    banked.followers = <int32_t *> allocate(places, sizeof(int32_t))
    banked.banks = <BankQueue *> allocate(banks, sizeof(BankQueue))
    banked.pending = <int32_t *> allocate(2 * banked.n_units, sizeof(int32_t))
    banked.read_filter = <int32_t *> allocate(FILTER, sizeof(int32_t))
    banked.write_filter = <int32_t *> allocate(FILTER, sizeof(int32_t))
    controller.accepts = _accepts
    controller.accept = _accept
    controller.flush = _flush
    controller.waiting = _waiting
    controller.tick = _tick
    controller.reset = reset_banked
    controller.release = release_banked
    reset_banked(controller)
