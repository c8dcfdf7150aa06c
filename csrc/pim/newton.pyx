# csrc/pim/newton.pyx: scheduling of PIM and memory commands in a channel of banks that compute (see newton.pxd).

from libc.stdint cimport uint64_t
from libc.stdlib cimport free

from bitline.csrc.dram.banked cimport (
    count_refresh, drop, finish_refresh, init_banked, issue_offer, move_from, next_bank, NO_ROW, Offer, offer_of,
    release_banked, reset_banked, sleep_until, sooner, start_drain, wake, wake_banks,
)
from bitline.csrc.dram.channel cimport (
    answer, CLOSED, Channel, issue_command, N_COMPOSITE_COLUMNS, N_DATA_TICKS,
)
from bitline.csrc.dram.controller cimport PIM_GWRITE, PIM_HEADER
from bitline.csrc.dram.request cimport complete, NONE
from bitline.csrc.pim.newton_estimate cimport group_holds, tile_estimate, vector_estimate, whole_tile_time
from bitline.csrc.pim.newton_state cimport copy_newton, same_newton
from bitline.csrc.dram.timing cimport allocate, NEVER, ready_at, ready_at_node, stretch, Timing


# --- the PIM queue ---

cdef int32_t _pim_room(const Controller *controller) noexcept nogil:
    cdef const Newton *newton = <const Newton *> controller.queues
    return newton.policy.transactions - (newton.used - newton.moved)


cdef void _pim_accept(Controller *controller, const PimRequest *request) noexcept nogil:
    cdef Newton *newton = <Newton *> controller.queues
    newton.ring[(newton.head + newton.used) % newton.size] = request[0]
    newton.used += 1
    sooner(controller, controller.clk + 1)


cdef int32_t _pim_waiting(const Controller *controller) noexcept nogil:
    return (<const Newton *> controller.queues).used


cdef void _pim_done(Controller *controller, Newton *newton, int64_t tick) noexcept nogil:
    """The oldest request is through; its data is there at `tick`."""
    cdef int64_t tag = newton.ring[newton.head].tag
    answer(controller.channel, tick)
    if tag != -1:
        complete(&controller.pim_completions, tag, tick)
    newton.head = newton.head + 1 if newton.head + 1 < newton.size else 0
    newton.used -= 1
    newton.moved -= 1
    newton.columns_done = 0


# --- commands ---

cdef inline bint _issue_if_ready(
    Controller *controller, int32_t command, int32_t bank, int32_t row, int32_t column
) noexcept nogil:
    cdef Channel *channel = controller.channel
    cdef const Timing *timing = channel.timing
    cdef int64_t at = ready_at_node(timing, bank, timing.commands[command].group, timing.commands[command].scope)
    if at > controller.clk:
        sooner(controller, at)
        return False
    issue_command(channel, command, bank, row, column, controller.clk)
    return True


cdef void _look_again(Controller *controller, Newton *newton) noexcept nogil:
    """What memory commands may do has changed in all banks: they see it a tick later."""
    cdef int32_t word
    newton.memory_at = controller.clk + 1
    for word in range(controller.channel.n_words):
        newton.banked.awake[word] = newton.banked.occupied[word]


cdef bint _close_row(Controller *controller, Newton *newton, int32_t command, int32_t bank) noexcept nogil:
    if not _issue_if_ready(controller, command, bank, -1, -1):
        return False
    newton.all_open_row = NO_ROW
    wake(&newton.banked, bank)
    return True


# --- does it fit before the next refresh? ---

cdef bint _fits(Controller *controller, Newton *newton, int64_t estimate) noexcept nogil:
    """Sets the slack. What fits between no two refreshes starts whenever it comes."""
    cdef int64_t left = NEVER
    if newton.banked.policy.refresh:
        left = newton.banked.next_refresh - controller.clk - 1
        if estimate >= newton.banked.policy.refresh_interval:
            left = estimate + newton.policy.least_slack
    newton.slack = left - estimate if left > estimate else 0
    if newton.slack == 0:
        newton.skipping = True
        sooner(controller, controller.clk + 1)
        return False
    if newton.banked.policy.refresh:
        sooner(controller, newton.banked.next_refresh - 1 - estimate)
    return True


# --- the request at the head of the PIM queue ---

cdef bint _vector_step(Controller *controller, Newton *newton, const PimRequest *request) noexcept nogil:
    cdef Channel *channel = controller.channel
    cdef int32_t bank = request.bank, row = channel.open_row[bank]
    if not newton.writing_vector:
        if not _fits(controller, newton, vector_estimate(channel, newton, request)):
            return False
        newton.writing_vector = True
        newton.vector_bank = bank
        newton.vector_done = NEVER
    if row == CLOSED:
        if channel.dual and channel.pim_row[bank] == request.row:
            return _close_row(controller, newton, newton.names.close, bank)
        return _issue_if_ready(controller, channel.names.activate, bank, request.row, -1)
    if row != request.row:
        return _close_row(controller, newton, channel.names.precharge, bank)
    if not _issue_if_ready(controller, newton.names.vector_write, bank, row, -1):
        return False
    newton.vector_done = controller.clk + newton.policy.vector_write
    _pim_done(controller, newton, newton.vector_done)
    return True


cdef bint _clear_step(Controller *controller, Newton *newton, int32_t row, bint *clear) noexcept nogil:
    """Close what is in the way of opening `row` in all banks; `clear`: nothing is."""
    cdef Channel *channel = controller.channel
    cdef int32_t group, bank, first
    clear[0] = True
    for group in range(newton.n_groups):
        first = group * newton.group_banks
        # Four banks open together, so a group that holds the row in some of them only is closed first.
        if channel.pim_row[first] == CLOSED or channel.pim_row[first] == row:
            if group_holds(channel, newton, group, channel.pim_row[first]):
                if not channel.dual or channel.pim_row[first] == row:
                    continue
                for bank in range(first, first + newton.group_banks):
                    if channel.open_row[bank] == row:
                        clear[0] = False
                        if _close_row(controller, newton, channel.names.precharge, bank):
                            return True
                continue
        for bank in range(first, first + newton.group_banks):
            if channel.pim_row[bank] != CLOSED:
                clear[0] = False
                if _close_row(controller, newton, newton.names.close, bank):
                    return True
    return False


cdef bint _header_step(Controller *controller, Newton *newton, const PimRequest *request) noexcept nogil:
    cdef bint clear
    cdef int64_t estimate, exact
    if newton.policy.whole_tiles and newton.used < newton.size and newton.used <= request.results:
        return False
    estimate = tile_estimate(controller.channel, newton, request)
    if newton.policy.whole_tiles:
        exact = whole_tile_time(controller, newton)
        estimate = exact if exact > estimate else estimate
    if not _fits(controller, newton, estimate):
        return False
    if newton.banked.reserved_row != request.row:
        newton.banked.reserved_row = request.row
        _look_again(controller, newton)
    newton.in_tile = True
    newton.results_left = request.results
    if _clear_step(controller, newton, request.row, &clear):
        return True
    if not clear or not _issue_if_ready(controller, newton.names.header, 0, request.row, request.comps):
        return False
    _pim_done(controller, newton, controller.clk)
    return True


cdef bint _open_step(Controller *controller, Newton *newton, const PimRequest *request, bint *opened) noexcept nogil:
    """Open the row in all banks, a group at a time; `opened`: every bank holds it."""
    cdef Channel *channel = controller.channel
    cdef int32_t group, closed = 0
    cdef bint clear
    opened[0] = newton.all_open_row == request.row
    if opened[0]:
        return False
    if _clear_step(controller, newton, request.row, &clear):
        return True
    if not clear:
        return False
    for group in range(newton.n_groups):
        if channel.pim_row[group * newton.group_banks] == CLOSED:
            closed += 1
            if _issue_if_ready(controller, newton.names.activate, group * newton.group_banks, request.row,
                               request.comps):
                return True
    if closed == 0:
        newton.all_open_row = request.row
        opened[0] = True
    return False


cdef void _results_read(Controller *controller, Newton *newton, int64_t tick) noexcept nogil:
    controller.channel.counts[N_DATA_TICKS] += controller.channel.burst_ticks
    _pim_done(controller, newton, tick)
    newton.results_left -= 1
    if newton.results_left <= 0 and newton.in_tile:
        newton.in_tile = False
        newton.banked.reserved_row = NO_ROW
        if newton.policy.blocked:
            newton.slack = 0
        _look_again(controller, newton)


cdef bint _compute_step(Controller *controller, Newton *newton, const PimRequest *request) noexcept nogil:
    cdef Channel *channel = controller.channel
    cdef NewtonPolicy *policy = &newton.policy
    cdef int32_t columns = request.comps
    cdef int64_t read = 0
    cdef bint opened
    if _open_step(controller, newton, request, &opened):
        return True
    if not opened:
        return False
    if policy.composite:
        if not _issue_if_ready(controller, newton.names.composite, 0, request.row, columns):
            return False
        stretch(channel.timing, newton.names.composite, 0, controller.clk, columns)
        channel.counts[N_COMPOSITE_COLUMNS] += columns
        if not policy.answer_at_issue:
            read = policy.pace * (columns if columns > policy.tree else policy.tree)
        _results_read(controller, newton, controller.clk + read + channel.read_latency)
        return True
    if newton.columns_done < columns:
        if not _issue_if_ready(controller, newton.names.compute, 0, request.row, newton.columns_done):
            return False
        if newton.columns_done == 0:
            newton.tree_full = controller.clk + policy.pace * policy.tree
        newton.columns_done += 1
        return True
    if newton.tree_full > controller.clk:
        sooner(controller, newton.tree_full)
        return False
    if not _issue_if_ready(controller, newton.names.results, 0, request.row, -1):
        return False
    _results_read(controller, newton, controller.clk + channel.read_latency)
    return True


cdef bint _pim_step(Controller *controller, Newton *newton) noexcept nogil:
    """One command towards the oldest PIM request. False when none is ready."""
    cdef const PimRequest *request = newton.ring + newton.head
    if request.kind == PIM_GWRITE:
        return _vector_step(controller, newton, request)
    if newton.writing_vector:
        return False
    if request.kind == PIM_HEADER:
        return _header_step(controller, newton, request)
    return _compute_step(controller, newton, request)


# --- memory commands ---

cdef bint _has_slack(Controller *controller, Newton *newton, int32_t command) noexcept nogil:
    """May this memory command go before the PIM work that waits? Takes its time off the slack."""
    cdef int32_t needs = newton.policy.to_write, costs = newton.policy.to_write
    if newton.slack == 0 or newton.moved == 0:
        return True
    if command == controller.channel.names.precharge:
        needs += newton.policy.precharge
        costs = newton.policy.precharge
    elif command != controller.channel.names.activate:
        return True
    if newton.slack <= needs:
        return False
    newton.slack -= costs
    return True


cdef bint _memory_step(Controller *controller, Newton *newton) noexcept nogil:
    """The first ready memory command, bank queues in turn. False when there is none."""
    cdef Channel *channel = controller.channel
    cdef int32_t bank
    cdef int64_t at
    cdef bint in_the_way
    cdef uint64_t awake[8]
    cdef Offer offer
    if newton.banked.n_queued == 0:
        return False
    if newton.memory_at > controller.clk:
        sooner(controller, newton.memory_at)
        return False
    wake_banks(controller, &newton.banked, awake)
    if newton.writing_vector:
        drop(awake, newton.vector_bank)
    bank = next_bank(awake, channel.n_words, newton.banked.turn)
    while bank != NONE:
        drop(awake, bank)
        offer = offer_of(controller, &newton.banked, bank)
        if offer.command == NONE:
            sleep_until(&newton.banked, bank, offer.at)
        else:
            in_the_way = offer.command == channel.names.activate and channel.dual and (
                channel.pim_row[bank] == newton.banked.pool.entries[offer.entry].request.row)
            at = controller.clk
            if in_the_way:
                # The other buffer has the row: it is given up there first.
                at = ready_at(channel.timing, bank, channel.timing.commands[newton.names.close].group)
            if at > controller.clk:
                sooner(controller, at)
            elif _has_slack(controller, newton, channel.names.precharge if in_the_way else offer.command):
                newton.banked.turn = bank
                if in_the_way:
                    return _close_row(controller, newton, newton.names.close, bank)
                issue_offer(controller, &newton.banked, bank, offer)
                return True
        bank = next_bank(awake, channel.n_words, bank)
    sooner(controller, newton.banked.wake_at)
    return False


# --- refresh ---

cdef bint _refresh_step(Controller *controller, Newton *newton) noexcept nogil:
    """A precharge of either buffer towards the waiting refresh, or the refresh itself. False when none is ready."""
    cdef Channel *channel = controller.channel
    cdef int32_t unit = newton.banked.pending[newton.banked.pending_head], bank, first, command
    cdef bint closed = True
    newton.banked.blocked_unit = unit
    first = unit * newton.banked.unit_banks
    for bank in range(first, first + newton.banked.unit_banks):
        if channel.open_row[bank] != CLOSED:
            command = channel.names.precharge
        elif channel.pim_row[bank] != CLOSED:
            command = newton.names.close
        else:
            continue
        closed = False
        if _close_row(controller, newton, command, bank):
            return True
    if not closed or not _issue_if_ready(controller, channel.names.refresh, first, -1, -1):
        return False
    finish_refresh(controller, &newton.banked)
    newton.skipping = False
    newton.slack = 0
    return True


# --- a tick ---

cdef void _move(Controller *controller, Newton *newton) noexcept nogil:
    """One transaction on its way to the command queues. PIM requests go first while few of them are there."""
    cdef bint pim_waits = newton.used > newton.moved and newton.moved < newton.policy.commands
    cdef int64_t drains = newton.banked.draining
    start_drain(&newton.banked)
    drains = newton.banked.draining
    if newton.policy.blocked:
        if pim_waits and (drains == 0 or newton.moved > 0 or newton.in_tile):
            newton.moved += 1
            sooner(controller, controller.clk + 1)
        elif newton.moved == 0:
            move_from(controller, &newton.banked, &newton.banked.writes if drains > 0 else &newton.banked.reads)
        return
    if pim_waits and (newton.banked.owed_read == NONE or newton.in_tile):
        if not (drains > 0 and newton.moved >= newton.policy.ahead) and (
                newton.moved < newton.policy.ahead or newton.banked.reads.size == 0):
            newton.moved += 1
            sooner(controller, controller.clk + 1)
            return
    move_from(controller, &newton.banked, &newton.banked.writes if drains > 0 else &newton.banked.reads)


cdef bint _step(Controller *controller, Newton *newton) noexcept nogil:
    cdef bint pim = newton.moved > 0 and not newton.skipping
    if newton.banked.n_pending and _refresh_step(controller, newton):
        return True
    if newton.policy.blocked:
        if newton.in_tile or (newton.banked.n_queued == 0 and pim):
            return pim and not newton.banked.n_pending and _pim_step(controller, newton)
    elif pim and newton.banked.n_pending == 0:
        if _pim_step(controller, newton):
            return True
        if newton.slack < newton.policy.least_slack:
            return False
    return _memory_step(controller, newton)


cdef void _tick(Controller *controller) noexcept nogil:
    cdef Newton *newton = <Newton *> controller.queues
    controller.next = NEVER
    count_refresh(controller, &newton.banked)
    if newton.writing_vector:
        if newton.vector_done <= controller.clk:
            newton.writing_vector = False
            wake(&newton.banked, newton.vector_bank)
        else:
            sooner(controller, newton.vector_done)
    if _step(controller, newton):
        controller.next = controller.clk + 1
    _move(controller, newton)


# --- life ---

cdef void _reset(Controller *controller) noexcept nogil:
    cdef Newton *newton = <Newton *> controller.queues
    reset_banked(controller)
    controller.pim_completions.used = 0
    newton.head = newton.used = newton.moved = 0
    newton.slack = 0
    newton.skipping = newton.in_tile = newton.writing_vector = False
    newton.all_open_row = NO_ROW
    newton.results_left = newton.columns_done = 0
    newton.tree_full = newton.vector_done = newton.memory_at = 0


cdef void _release(Controller *controller) noexcept:
    cdef Newton *newton = <Newton *> controller.queues
    if newton != NULL:
        free(newton.ring)
    free(controller.pim_completions.items)
    release_banked(controller)


cdef Controller *new_newton(table, policy) except NULL:
    """A controller of one channel of a PIM part. `policy`: a NewtonPolicy (arch/dram/controller.py) in ticks."""
    cdef Controller *controller = <Controller *> allocate(1, sizeof(Controller))
    cdef Newton *newton = <Newton *> allocate(1, sizeof(Newton))
    cdef NewtonPolicy *numbers = &newton.policy
    init_banked(controller, &newton.banked, table, policy)
    names = [command.name for command in table.commands]
    newton.names.vector_write = names.index("GWRITE")
    newton.names.header = names.index("P_HEADER")
    newton.names.activate = names.index("G_ACT")
    newton.names.close = names.index("PIM_PRECHARGE" if controller.channel.dual else "PRE")
    newton.names.compute = names.index("COMP")
    newton.names.results = names.index("READRES")
    newton.names.composite = names.index("COMPS_READRES")
    pim = policy["pim"]
    numbers.transactions = pim["transactions"]
    numbers.commands = pim["commands"]
    numbers.ahead = pim["ahead"]
    numbers.least_slack = pim["least_slack"]
    numbers.blocked = pim["blocked"]
    numbers.composite = pim["composite"]
    numbers.whole_tiles = pim["whole_tiles"]
    numbers.answer_at_issue = pim["answer_at_issue"]
    numbers.precharge_guess = pim["precharge_guess"]
    numbers.groups_together = pim["groups_together"]
    numbers.window = pim["window"]
    numbers.to_column = pim["to_column"]
    numbers.row_cycle = pim["row_cycle"]
    numbers.pace = pim["pace"]
    numbers.result_pace = pim["result_pace"]
    numbers.tree = pim["tree"]
    numbers.precharge = pim["precharge"]
    numbers.to_write = pim["to_write"]
    numbers.vector_write = pim["vector_write"]
    numbers.close_late = pim["close_late"]
    newton.group_banks = controller.channel.timing.commands[newton.names.activate].span
    newton.n_groups = controller.channel.n_banks // newton.group_banks
    newton.size = numbers.transactions + numbers.commands
    newton.ring = <PimRequest *> allocate(newton.size, sizeof(PimRequest))
    controller.tick = _tick
    controller.reset = _reset
    controller.release = _release
    controller.same = same_newton
    controller.copy = copy_newton
    controller.pim_room = _pim_room
    controller.pim_accept = _pim_accept
    controller.pim_waiting = _pim_waiting
    _reset(controller)
    return controller
