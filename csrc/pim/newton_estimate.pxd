# csrc/pim/newton_estimate.pxd: how long PIM work will take, so that it starts only where it fits before a refresh.
#
# Rules:  NewtonSim's guesses (channel_state.cc, EstimatePIMOperationLatency), and the time of a tile that is queued
#         whole.

from libc.stdint cimport int32_t, int64_t

from bitline.csrc.dram.channel cimport CLOSED, Channel
from bitline.csrc.dram.controller cimport Controller, PimRequest
from bitline.csrc.dram.timing cimport ready_at_node
from bitline.csrc.pim.newton cimport Newton, NewtonPolicy

cdef inline bint group_holds(const Channel *channel, const Newton *newton, int32_t group, int32_t row) noexcept nogil:
    cdef int32_t bank
    for bank in range(group * newton.group_banks, (group + 1) * newton.group_banks):
        if channel.pim_row[bank] != row:
            return False
    return True

cdef inline int64_t tile_estimate(
    const Channel *channel, const Newton *newton, const PimRequest *header
) noexcept nogil:
    """Ticks that a tile is expected to take, as NewtonSim guesses them (channel_state.cc)."""
    cdef const NewtonPolicy *policy = &newton.policy
    cdef int32_t group, bank, to_close = 0, to_open = 0
    cdef int32_t columns = header.comps if header.comps > policy.tree else policy.tree
    for group in range(newton.n_groups):
        if group_holds(channel, newton, group, header.row):
            continue
        to_open += 1
        for bank in range(group * newton.group_banks, (group + 1) * newton.group_banks):
            to_close += channel.pim_row[bank] != CLOSED and channel.pim_row[bank] != header.row
    return (to_close * policy.precharge_guess + policy.window * (to_open // policy.groups_together - 1)
            + policy.to_column + policy.pace * columns + policy.result_pace * (header.results - 1))

cdef inline int64_t whole_tile_time(const Controller *controller, const Newton *newton) noexcept nogil:
    """Ticks from the header at the head to the last result of its tile, which is queued whole. No memory command is in
    the way of it; rows that are still to be closed are not counted."""
    cdef const Channel *channel = controller.channel
    cdef const NewtonPolicy *policy = &newton.policy
    cdef const PimRequest *header = newton.ring + newton.head
    cdef const PimRequest *request
    cdef int64_t wait = 0, ticks = 0, at
    cdef int32_t group, i, to_open = 0
    for group in range(newton.n_groups):
        if not group_holds(channel, newton, group, header.row):
            to_open += 1
            at = ready_at_node(channel.timing, group * newton.group_banks,
                               channel.timing.commands[newton.names.activate].group,
                               channel.timing.commands[newton.names.activate].scope)
            if at - controller.clk > wait:
                wait = at - controller.clk
    if to_open:
        ticks = wait + policy.window * (to_open // policy.groups_together) + policy.to_column + to_open
    for i in range(1, header.results + 1 if header.results < newton.used else newton.used):
        request = newton.ring + (newton.head + i) % newton.size
        ticks += policy.pace * ((request.comps if request.comps > policy.tree else policy.tree) + 1)
    return ticks

cdef inline int64_t vector_estimate(
    const Channel *channel, const Newton *newton, const PimRequest *request
) noexcept nogil:
    cdef int32_t row = channel.open_row[request.bank]
    if row == request.row:
        return newton.policy.vector_write
    return newton.policy.vector_write + newton.policy.row_cycle + (newton.policy.close_late if row != CLOSED else 0)
