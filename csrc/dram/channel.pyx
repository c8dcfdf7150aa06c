# csrc/dram/channel.pyx: construction and reset of a channel (see channel.pxd).

from libc.stdlib cimport free
from libc.string cimport memcmp, memcpy, memset

from bitline.csrc.dram.timing cimport allocate, free_timing, new_timing, ready_at_node, reset_timing


cdef int32_t _number(names, str name):
    return names.index(name) if name in names else -1


cdef Channel *new_channel(table) except NULL:
    """A channel of the part behind a TimingTable (arch/dram/table.py). Freed by free_channel."""
    cdef Channel *channel = <Channel *> allocate(1, sizeof(Channel))
    part = table.part
    names = [command.name for command in table.commands]
    channel.timing = new_timing(table)
    channel.names.activate = _number(names, "ACT2" if "ACT2" in names else "ACT")
    channel.names.activate_half = _number(names, "ACT1")
    channel.names.precharge = _number(names, "PRE")
    channel.names.precharge_all = _number(names, "PREab")
    channel.names.read = _number(names, "RD")
    channel.names.write = _number(names, "WR")
    channel.names.read_close = _number(names, "RDA")
    channel.names.write_close = _number(names, "WRA")
    channel.names.refresh = _number(names, "REFab")
    channel.names.refresh_bank = _number(names, "REFpb")
    channel.names.sync_read = _number(names, "CAS_RD")
    channel.names.sync_write = _number(names, "CAS_WR")
    channel.names.pim_precharge = _number(names, "PIM_PRECHARGE")
    ticks = part.rules_of.ticks_per_clock
    channel.n_banks = part.organisation.n_banks
    channel.n_words = (channel.n_banks + 63) // 64
    channel.n_standby = part.organisation.pseudo_channels * part.organisation.ranks
    channel.banks_per_standby = channel.n_banks // channel.n_standby
    channel.standby_shift = channel.banks_per_standby.bit_length() - 1
    channel.refresh_scope = channel.timing.commands[channel.names.refresh].scope
    channel.read_latency = round(part.read_latency_ck * ticks)
    channel.write_latency = round(part.write_latency_ck * ticks)
    channel.half_ticks = ticks == 2
    channel.burst_ticks = round(part.timing["tBL"] * ticks)
    channel.open_row = <int32_t *> allocate(channel.n_banks, sizeof(int32_t))
    channel.row_uses = <int32_t *> allocate(channel.n_banks, sizeof(int32_t))
    channel.open_banks = <int32_t *> allocate(channel.n_standby, sizeof(int32_t))
    channel.standby_since = <int64_t *> allocate(channel.n_standby, sizeof(int64_t))
    channel.dual = any([command.buffer == "pim" for command in table.commands])
    channel.pim_row = channel.open_row
    if channel.dual:
        channel.pim_row = <int32_t *> allocate(channel.n_banks, sizeof(int32_t))
    channel.pim_open_banks = <int32_t *> allocate(channel.n_standby, sizeof(int32_t))
    channel.pim_since = <int64_t *> allocate(channel.n_standby, sizeof(int64_t))
    channel.buckets = <int64_t *> allocate(N_BUCKETS, sizeof(int64_t))
    reset_channel(channel)
    return channel


cdef void free_channel(Channel *channel) noexcept:
    """Give a channel's memory back."""
    if channel == NULL:
        return
    free_timing(channel.timing)
    if channel.dual:
        free(channel.pim_row)
    free(channel.pim_open_banks)
    free(channel.pim_since)
    free(channel.open_row)
    free(channel.row_uses)
    free(channel.open_banks)
    free(channel.standby_since)
    free(channel.buckets)
    free(channel.log.rows)
    free(channel)


cdef void reset_channel(Channel *channel) noexcept nogil:
    """Back to the state at tick 0: every bank closed, nothing counted, an empty log."""
    cdef int32_t bank, word
    reset_timing(channel.timing)
    for bank in range(channel.n_banks):
        channel.open_row[bank] = CLOSED
        channel.pim_row[bank] = CLOSED
        channel.row_uses[bank] = 0
    for word in range(MAX_WORDS):
        channel.open_mask[word] = 0
    memset(channel.open_banks, 0, channel.n_standby * sizeof(int32_t))
    memset(channel.standby_since, 0, channel.n_standby * sizeof(int64_t))
    memset(channel.pim_open_banks, 0, channel.n_standby * sizeof(int32_t))
    memset(channel.pim_since, 0, channel.n_standby * sizeof(int64_t))
    memset(channel.counts, 0, N_COUNTERS * sizeof(int64_t))
    memset(channel.buckets, 0, N_BUCKETS * sizeof(int64_t))
    channel.log.used = 0
    channel.last_answer = 0


cdef bint same_rows(const Channel *one, const Channel *other, int32_t enough_uses) noexcept nogil:
    """Do two channels hold the same rows open? Of a row used `enough_uses` times nobody asks how often it was."""
    cdef int32_t bank
    if memcmp(one.open_row, other.open_row, one.n_banks * sizeof(int32_t)) or memcmp(
            one.pim_row, other.pim_row, one.n_banks * sizeof(int32_t)):
        return False
    for bank in range(one.n_banks):
        if one.open_row[bank] != CLOSED and one.row_uses[bank] != other.row_uses[bank] and (
                one.row_uses[bank] < enough_uses or other.row_uses[bank] < enough_uses):
            return False
    return True


cdef void copy_rows(const Channel *source, Channel *target) noexcept nogil:
    """Hold open what another channel holds, since the same ticks."""
    memcpy(target.open_row, source.open_row, source.n_banks * sizeof(int32_t))
    memcpy(target.row_uses, source.row_uses, source.n_banks * sizeof(int32_t))
    memcpy(target.pim_row, source.pim_row, source.n_banks * sizeof(int32_t))
    memcpy(target.open_banks, source.open_banks, source.n_standby * sizeof(int32_t))
    memcpy(target.pim_open_banks, source.pim_open_banks, source.n_standby * sizeof(int32_t))
    memcpy(target.standby_since, source.standby_since, source.n_standby * sizeof(int64_t))
    memcpy(target.pim_since, source.pim_since, source.n_standby * sizeof(int64_t))
    memcpy(target.open_mask, source.open_mask, sizeof(source.open_mask))
    target.last_answer = source.last_answer


cdef void settle_standby(Channel *channel, int64_t now) noexcept nogil:
    """Count standby ticks up to `now`."""
    cdef int32_t unit
    for unit in range(channel.n_standby):
        if channel.open_banks[unit]:
            channel.counts[N_OPEN_STANDBY] += now - channel.standby_since[unit]
        else:
            channel.counts[N_CLOSED_STANDBY] += now - channel.standby_since[unit]
        channel.standby_since[unit] = now
        if not channel.dual:
            continue
        if channel.pim_open_banks[unit]:
            channel.counts[N_PIM_OPEN_STANDBY] += now - channel.pim_since[unit]
        else:
            channel.counts[N_PIM_CLOSED_STANDBY] += now - channel.pim_since[unit]
        channel.pim_since[unit] = now


cdef int64_t _issue_soonest(Channel *channel, int32_t command, int32_t bank, int64_t tick) noexcept nogil:
    """Issue a command at the first tick from `tick` on that the rules allow. Returns the tick after it."""
    cdef const Command *spec = channel.timing.commands + command
    cdef int64_t at = ready_at_node(channel.timing, bank, spec.group, spec.scope)
    if at < tick:
        at = tick
    if channel.half_ticks and not spec.falling_edge:
        at |= 1
    issue_command(channel, command, bank, -1, -1, at)
    return at + 1


cdef int64_t close_and_refresh(Channel *channel, int64_t tick, int64_t refresh_ticks) noexcept nogil:
    """Close every row and refresh every bank from `tick` on. Returns the tick from which the banks may be opened again.

    `refresh_ticks`: how long an all-bank refresh takes; 0: rows are closed only. Nothing else may be under way.
    """
    cdef int32_t nodes = channel.timing.level_nodes[channel.refresh_scope], node, bank
    cdef int32_t span = channel.n_banks // nodes
    for bank in range(channel.n_banks):
        if channel.open_row[bank] != CLOSED:
            tick = _issue_soonest(channel, channel.names.precharge, bank, tick)
        if channel.dual and channel.pim_row[bank] != CLOSED:
            tick = _issue_soonest(channel, channel.names.pim_precharge, bank, tick)
    if refresh_ticks:
        for node in range(nodes):
            tick = _issue_soonest(channel, channel.names.refresh, node * span, tick)
        tick += refresh_ticks
    return tick
