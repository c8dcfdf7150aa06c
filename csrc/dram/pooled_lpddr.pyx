# csrc/dram/pooled_lpddr.pyx: the pooled controller's tick for LPDDR5.
#
# Rules:  ACT1 opens half a row; its ACT2 follows within tAAD, when nothing else is ready or the deadline has come.
#         While an ACT2 is owed no other ACT1 starts. An access needs the data clock: where that has stopped, a CAS
#         goes first and the access in the tick after it (JESD209-5B sections 4.2 and 7.7; Ramulator 2.1 LPDDR5).

from libc.stdint cimport int32_t, int64_t, uint64_t

from bitline.csrc.dram.channel cimport Channel, issue_command
from bitline.csrc.dram.pooled cimport (
    access_command, ALLOW_ACTIVATE, ALLOW_ALL, Candidate, issue_candidate, note_next, pick_active, pick_queue,
    pick_urgent, refresh_tick, row_changed, take_for_row,
)
from bitline.csrc.dram.request cimport NONE, READ, Request
from bitline.csrc.dram.timing cimport NEVER, ready_at, Timing

cdef extern from *:
    int __builtin_ctzll(unsigned long long) nogil


cdef set_up_split(Pooled *pooled, table):
    """Take the numbers of split activation and the data clock from a part."""
    part = table.part
    pooled.activate_window = round(part.timing["tAAD"])
    tail = part.timing["tBL"] + part.timing.get("tWCKPST", 0)
    pooled.sync_tail_read = round(part.timing["tCL"] + tail)
    pooled.sync_tail_write = round(part.timing["tCWL"] + tail)


cdef int32_t _owed(Controller *controller, Pooled *pooled, int64_t latest) noexcept nogil:
    """The bank whose ACT2 is ready and due first, at the latest at tick `latest`; NONE if there is none."""
    cdef Channel *channel = controller.channel
    cdef const Timing *timing = channel.timing
    cdef int32_t word, bank, best = NONE, group = timing.commands[channel.names.activate].group
    cdef uint64_t mask
    cdef int64_t at
    for word in range(channel.n_words):
        mask = pooled.activating_mask[word]
        while mask:
            bank = word * 64 + __builtin_ctzll(mask)
            mask &= mask - 1
            if pooled.deadline[bank] > latest:
                continue
            at = ready_at(timing, bank, group)
            if at > controller.clk:
                note_next(controller, at)
            elif best == NONE or pooled.deadline[bank] < pooled.deadline[best]:
                best = bank
    return best


cdef void _finish_activation(Controller *controller, Pooled *pooled, int32_t bank) noexcept nogil:
    cdef int32_t index = pooled.activating[bank]
    cdef Request *request = &pooled.pool.entries[index].request
    issue_command(controller.channel, controller.channel.names.activate, bank, request.row, request.column,
                  controller.clk)
    pooled.activating_mask[bank >> 6] &= ~((<uint64_t> 1) << (bank & 63))
    pooled.n_activating -= 1
    take_for_row(controller, pooled, index)
    row_changed(controller, pooled, bank)


cdef void _start_activation(Controller *controller, Pooled *pooled, Candidate candidate) noexcept nogil:
    cdef int32_t bank = candidate.bank
    issue_candidate(controller, pooled, candidate)
    pooled.activating[bank] = candidate.entry
    pooled.deadline[bank] = controller.clk + pooled.activate_window
    pooled.activating_mask[bank >> 6] |= (<uint64_t> 1) << (bank & 63)
    pooled.n_activating += 1


cdef void _extend_sync(Controller *controller, Pooled *pooled, bint is_read) noexcept nogil:
    cdef int64_t expiry = controller.clk + (pooled.sync_tail_read if is_read else pooled.sync_tail_write)
    if expiry > pooled.sync_expiry:
        pooled.sync_expiry = expiry


cdef void _access(Controller *controller, Pooled *pooled, Candidate candidate) noexcept nogil:
    _extend_sync(controller, pooled, pooled.pool.entries[candidate.entry].request.kind == READ)
    issue_candidate(controller, pooled, candidate)


cdef bint _continue_sync(Controller *controller, Pooled *pooled) noexcept nogil:
    """The tick after a CAS belongs to its access. True if it was taken."""
    cdef Channel *channel = controller.channel
    cdef Candidate candidate
    cdef const Request *request
    cdef int64_t at
    if pooled.sync_entry == NONE:
        return False
    request = &pooled.pool.entries[pooled.sync_entry].request
    candidate.entry = pooled.sync_entry
    candidate.bank = request.bank
    candidate.source = pooled.sync_active
    candidate.command = access_command(controller, pooled, pooled.sync_entry)
    at = ready_at(channel.timing, candidate.bank, channel.timing.commands[candidate.command].group)
    if at <= controller.clk:
        pooled.sync_entry = NONE
        _access(controller, pooled, candidate)
        at = controller.clk + 1
    note_next(controller, at)
    return True


cdef void _sync(Controller *controller, Pooled *pooled, Candidate candidate) noexcept nogil:
    """Start the data clock for an access, unless that would make an ACT2 late."""
    cdef Channel *channel = controller.channel
    cdef const Request *request = &pooled.pool.entries[candidate.entry].request
    cdef int32_t word, bank
    cdef uint64_t mask
    for word in range(channel.n_words):
        mask = pooled.activating_mask[word]
        while mask:
            bank = word * 64 + __builtin_ctzll(mask)
            mask &= mask - 1
            if pooled.deadline[bank] <= controller.clk + 1:
                bank = _owed(controller, pooled, NEVER)
                if bank != NONE:
                    _finish_activation(controller, pooled, bank)
                return
    issue_command(channel, channel.names.sync_read if request.kind == READ else channel.names.sync_write,
                  candidate.bank, request.row, request.column, controller.clk)
    pooled.sync_entry = candidate.entry
    pooled.sync_active = candidate.source


cdef void tick_split(Controller *controller) noexcept nogil:
    """One tick of an LPDDR5 channel."""
    cdef Pooled *pooled = <Pooled *> controller.queues
    cdef Channel *channel = controller.channel
    cdef Candidate candidate
    cdef int32_t bank, allow = ALLOW_ALL
    controller.next = NEVER
    refresh_tick(controller, pooled)
    if _continue_sync(controller, pooled):
        return
    if pooled.n_activating:
        allow = ALLOW_ALL & ~ALLOW_ACTIVATE
        note_next(controller, controller.clk + 1)
        bank = _owed(controller, pooled, controller.clk)
        if bank != NONE:
            _finish_activation(controller, pooled, bank)
            return
    candidate = pick_active(controller, pooled)
    if candidate.command == NONE:
        candidate = pick_urgent(controller, pooled, ALLOW_ALL)
    if candidate.command == NONE and pooled.urgent_size == 0:
        candidate = pick_queue(controller, pooled, allow)
    if candidate.command == NONE:
        bank = _owed(controller, pooled, NEVER) if pooled.n_activating else NONE
        if bank == NONE:
            return
        _finish_activation(controller, pooled, bank)
    elif candidate.command == channel.names.activate_half:
        _start_activation(controller, pooled, candidate)
    elif channel.timing.commands[candidate.command].data:
        if controller.clk >= pooled.sync_expiry:
            _sync(controller, pooled, candidate)
        else:
            _access(controller, pooled, candidate)
    else:
        issue_candidate(controller, pooled, candidate)
    controller.next = controller.clk + 1
