# csrc/dram/pooled_hbm.pyx: the pooled controller's tick for HBM: a column command, then a row command.
#
# Rules:  HBM3 (JEDEC JESD238, command truth table): with half-clock ticks only PRE may start on a falling (even)
#         tick, and not beside the row command that started before, if both touch one bank or one acts on all banks.


from bitline.csrc.dram.channel cimport Channel
from bitline.csrc.dram.pooled cimport (
    ALLOW_ACTIVATE, ALLOW_COLUMN, ALLOW_PRECHARGE, Candidate, issue_candidate, note_next, pick_active, pick_queue,
    pick_urgent, Pooled, refresh_tick, row_changed,
)
from bitline.csrc.dram.request cimport NONE
from bitline.csrc.dram.timing cimport NEVER


cdef bint _may_pair(Controller *controller, Pooled *pooled, Candidate candidate) noexcept nogil:
    """May this precharge start on the falling edge that pairs with the last rising row command?"""
    cdef Channel *channel = controller.channel
    if controller.clk != pooled.pairing_tick:
        return True
    if candidate.bank * channel.timing.level_nodes[channel.refresh_scope] // channel.n_banks != pooled.pairing_unit:
        return True
    if pooled.pairing_wide or candidate.command == channel.names.precharge_all:
        return False
    return candidate.bank != pooled.pairing_bank


cdef void tick_two_buses(Controller *controller) noexcept nogil:
    """One tick: the column bus first, then the row bus."""
    cdef Pooled *pooled = <Pooled *> controller.queues
    cdef Channel *channel = controller.channel
    cdef bint rising = not pooled.half_ticks or controller.clk & 1
    cdef bint issued = False
    cdef Candidate candidate
    controller.next = NEVER
    refresh_tick(controller, pooled)
    if rising:
        candidate = pick_active(controller, pooled)
        if candidate.command == NONE and pooled.urgent_size == 0:
            candidate = pick_queue(controller, pooled, ALLOW_COLUMN)
        if candidate.command != NONE:
            issue_candidate(controller, pooled, candidate)
            issued = True
    elif pooled.n_active or pooled.queues[0].size or pooled.queues[1].size:
        note_next(controller, controller.clk + 1)
    candidate = pick_urgent(controller, pooled, ALLOW_PRECHARGE | (ALLOW_ACTIVATE if rising else 0))
    if candidate.command == NONE and pooled.urgent_size == 0:
        candidate = pick_queue(controller, pooled, ALLOW_PRECHARGE | (ALLOW_ACTIVATE if rising else 0))
    if candidate.command != NONE and not rising and not _may_pair(controller, pooled, candidate):
        if candidate.entry != NONE:
            row_changed(controller, pooled, candidate.bank)
        candidate.command = NONE
        issued = True
    if candidate.command != NONE:
        issue_candidate(controller, pooled, candidate)
        issued = True
        if rising and pooled.half_ticks:
            pooled.pairing_tick = controller.clk + (3 if candidate.command == channel.names.activate else 1)
            pooled.pairing_unit = candidate.bank * channel.timing.level_nodes[channel.refresh_scope] // channel.n_banks
            pooled.pairing_bank = candidate.bank
            pooled.pairing_wide = (candidate.command == channel.names.precharge_all
                                   or candidate.command == channel.names.refresh)
    if issued:
        controller.next = controller.clk + 1
