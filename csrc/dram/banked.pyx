# csrc/dram/banked.pyx: a controller with a command queue for each bank behind a transaction queue.
#
# Rules:  each tick: a step of a waiting refresh, else the first ready command, bank queues in turn; then one
#         transaction moves from the read queue, or from the write buffer while it drains, to its bank's queue.
#         Within a queue the oldest entry whose command is ready goes first; only the head may precharge, and only
#         when no entry hits the open row or the row was used `hit_cap` times. (DRAMsim3, src/controller.cc and
#         src/command_queue.cc.)
# State:  for each bank a lower bound of the tick at which its queue can offer a command.

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
    FILTER = 4096


# --- first-in-first-out lists over the pool ---

cdef inline void _push(Pool *pool, Line *line, int32_t index) noexcept nogil:
    pool.entries[index].next = NONE
    pool.entries[index].previous = line.tail
    if line.tail == NONE:
        line.head = index
    else:
        pool.entries[line.tail].next = index
    line.tail = index
    line.size += 1


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
    if counts[address & (FILTER - 1)] == 0:
        return NONE
    index = _find_line(banked, &banked.banks[bank], address, kind)
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
        _grow_pool(banked)
    if request.kind == WRITE:
        channel.counts[N_WRITES] += 1
        complete(&controller.completions, request.tag, arrival + 1)
        answer(channel, arrival + 1)
        if _pending(banked, request.line, request.bank, WRITE) != NONE:
            channel.counts[N_MERGED] += 1
            return
        index = take_entry(banked.pool, request)
        banked.write_filter[request.line & (FILTER - 1)] += 1
        _push(banked.pool, &banked.writes, index)
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
        banked.read_filter[request.line & (FILTER - 1)] += 1
        _push(banked.pool, &banked.reads, index)
    sooner(controller, controller.clk + 1)


cdef void _grow_pool(Banked *banked) noexcept nogil:
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

cdef inline bint _may_precharge(Controller *controller, Banked *banked, int32_t bank) noexcept nogil:
    cdef int32_t row = controller.channel.open_row[bank]
    cdef int32_t index = banked.banks[bank].head
    if controller.channel.row_uses[bank] >= banked.policy.hit_cap:
        return True
    while index != NONE:
        if banked.pool.entries[index].request.row == row:
            return False
        index = banked.pool.entries[index].next
    return True


cdef inline bint _waits_for_read(Banked *banked, int32_t index) noexcept nogil:
    # A write does not overtake an older read of its line.
    cdef int64_t line = banked.pool.entries[index].request.line
    if banked.read_filter[line & (FILTER - 1)] == 0:
        return False
    index = banked.pool.entries[index].previous
    while index != NONE:
        if banked.pool.entries[index].request.line == line and banked.pool.entries[index].request.kind == READ:
            return True
        index = banked.pool.entries[index].previous
    return False


cdef Offer offer_of(Controller *controller, Banked *banked, int32_t bank, int32_t reserved) noexcept nogil:
    """The first ready command of a bank's queue, oldest entry first. Requests for row `reserved` are passed over."""
    cdef Channel *channel = controller.channel
    cdef const Timing *timing = channel.timing
    cdef int32_t row = channel.open_row[bank], index = banked.banks[bank].head, command
    cdef const Entry *entry
    cdef int64_t at, now = controller.clk
    cdef int64_t read_at = -1, write_at = -1
    cdef Offer offer
    offer.command = NONE
    offer.entry = NONE
    offer.at = NEVER
    if reserved != NO_ROW and row == CLOSED:
        while index != NONE and banked.pool.entries[index].request.row == reserved:
            index = banked.pool.entries[index].next
        if index == NONE:
            return offer
    if row == CLOSED:
        command = channel.names.activate
        at = ready_at(timing, bank, timing.commands[command].group)
        offer.at = at
        if at <= now:
            offer.command = command
            offer.entry = index
        return offer
    entry = banked.pool.entries + index
    if entry.request.row != row and (reserved == NO_ROW or entry.request.row != reserved) and _may_precharge(
            controller, banked, bank):
        command = channel.names.precharge
        at = ready_at(timing, bank, timing.commands[command].group)
        offer.at = at
        if at <= now:
            offer.command = command
            offer.entry = index
            return offer
    while index != NONE:
        entry = banked.pool.entries + index
        if entry.request.row == row and (reserved == NO_ROW or row != reserved):
            if entry.request.kind == READ:
                command = channel.names.read_close if banked.policy.closed_page else channel.names.read
                if read_at < 0:
                    read_at = ready_at(timing, bank, timing.commands[command].group)
                at = read_at
            else:
                command = channel.names.write_close if banked.policy.closed_page else channel.names.write
                if write_at < 0:
                    write_at = ready_at(timing, bank, timing.commands[command].group)
                at = write_at
            if at <= now:
                if entry.request.kind == READ or not _waits_for_read(banked, index):
                    offer.command = command
                    offer.entry = index
                    offer.at = at
                    return offer
            elif at < offer.at:
                offer.at = at
            if read_at >= 0 and write_at >= 0 and read_at > now and write_at > now:
                break
        index = entry.next
    return offer


cdef void issue_offer(Controller *controller, Banked *banked, int32_t bank, Offer offer) noexcept nogil:
    cdef Channel *channel = controller.channel
    cdef Entry *entry = banked.pool.entries + offer.entry
    cdef Request *request = &entry.request
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
    banked.look_at[bank] = controller.clk + 1
    if channel.timing.commands[offer.command].data == 0:
        return
    channel.counts[N_REUSED_ROWS] += channel.row_uses[bank] > 1
    _take_out(banked.pool, &banked.banks[bank], offer.entry)
    banked.n_queued -= 1
    if banked.banks[bank].size == 0:
        banked.look_at[bank] = NEVER
    if request.kind == WRITE:
        banked.write_filter[request.line & (FILTER - 1)] -= 1
        give_entry(banked.pool, offer.entry)
        return
    banked.read_filter[request.line & (FILTER - 1)] -= 1
    follower = offer.entry
    while follower != NONE:
        request = &banked.pool.entries[follower].request
        count_read_latency(channel, request.arrival, controller.clk + channel.read_latency)
        complete(&controller.completions, request.tag, controller.clk + channel.read_latency)
        next_follower = banked.followers[follower]
        give_entry(banked.pool, follower)
        follower = next_follower


cdef int32_t _issue_next(Controller *controller, Banked *banked, int32_t first_command) noexcept nogil:
    """Issue the first ready command, bank queues in turn. With `first_command` (dual issue) the two have to be one
    row and one column command: a second one that is not is dropped. Returns the command, or NONE."""
    cdef Channel *channel = controller.channel
    cdef const Timing *timing = channel.timing
    cdef int32_t bank = banked.turn, _step, low = -1, high = -1
    cdef Offer offer
    if banked.n_queued == 0:
        return NONE
    if banked.blocked_unit != NONE:
        low = banked.blocked_unit * banked.unit_banks
        high = low + banked.unit_banks
    for _step in range(channel.n_banks):
        bank = bank + 1 if bank + 1 < channel.n_banks else 0
        if banked.look_at[bank] > controller.clk:
            if banked.look_at[bank] < controller.next and not (low <= bank < high):
                controller.next = banked.look_at[bank]
            continue
        if low <= bank < high:
            continue
        offer = offer_of(controller, banked, bank, NO_ROW)
        if offer.command == NONE:
            banked.look_at[bank] = offer.at
            sooner(controller, offer.at)
            continue
        banked.turn = bank
        if first_command != NONE:
            if (timing.commands[offer.command].data == 0) == (timing.commands[first_command].data == 0):
                return NONE
        issue_offer(controller, banked, bank, offer)
        return offer.command
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
        if banked.banks[bank].size:
            banked.look_at[bank] = controller.clk + 1


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
    cdef Line *queue
    cdef Request *request
    cdef int32_t index = line.head, bank, read
    while index != NONE:
        request = &banked.pool.entries[index].request
        bank = request.bank
        queue = &banked.banks[bank]
        if queue.size < banked.policy.commands:
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
            _push(banked.pool, queue, index)
            banked.n_queued += 1
            # The newcomer may be ready at once, and a hit may hold back the head's precharge.
            banked.look_at[bank] = controller.clk + 1
            sooner(controller, controller.clk + 1)
            return
        index = banked.pool.entries[index].next
    # Nothing moves before a bank queue has room, and that takes a command. When the queues run empty the write
    # buffer may start to drain.


cdef void _tick(Controller *controller) noexcept nogil:
    cdef Banked *banked = <Banked *> controller.queues
    cdef int32_t command = NONE
    if banked.half_ticks and not controller.clk & 1:
        controller.next = controller.clk + 1
        return
    controller.next = NEVER
    count_refresh(controller, banked)
    if banked.n_pending:
        command = _refresh_step(controller, banked)
    if command == NONE:
        command = _issue_next(controller, banked, NONE)
    if command != NONE:
        if banked.policy.dual_issue:
            _issue_next(controller, banked, command)
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
        banked.banks[bank].head = banked.banks[bank].tail = NONE
        banked.banks[bank].size = 0
        banked.look_at[bank] = NEVER
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
        free(banked.look_at)
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
    banked.half_ticks = table.part.rules_of.ticks_per_clock == 2
    banked.n_units = channel.timing.level_nodes[channel.refresh_scope]
    banked.unit_banks = banks // banked.n_units
    places = 2 * banked.policy.transactions + banks * banked.policy.commands
    banked.pool = new_pool(places)
    banked.followers = <int32_t *> allocate(places, sizeof(int32_t))
    banked.banks = <Line *> allocate(banks, sizeof(Line))
    banked.look_at = <int64_t *> allocate(banks, sizeof(int64_t))
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
