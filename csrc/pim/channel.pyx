# csrc/pim/channel.pyx: one channel of a PIM memory (see channel.pxd).

import numpy as np

from libc.stdint cimport int32_t, int64_t
from libc.stdlib cimport calloc, free, realloc
from libc.string cimport memset

from bitline.base.errors import SpecError

from bitline.csrc.dram.channel cimport (
    CLOSED, Channel, free_channel, issue_command, N_COMMANDS, N_COUNTERS, new_channel, reset_channel, settle_standby,
)
from bitline.csrc.dram.timing cimport Command, load_timing, ready_at_node, ROW_OPEN, save_timing, saved_timing_size
from bitline.csrc.engine.clock cimport clock_of_period, edge_at_or_after, edge_time
from bitline.csrc.engine.component cimport (
    Component, FOREVER, Message, Part, port_has_room, port_peek, port_pop, port_send, Waits, WAITS_FOR_NOTHING,
    WAITS_FOR_ROOM,
)
from bitline.csrc.engine.event_log cimport count_events, expand_log, Segments
from bitline.csrc.engine.program cimport (
    AT_END, AT_MARKER, fill_marker, Nest, next_step, Program, skip_trips, start_program,
)
from bitline.csrc.engine.region cimport pass_marker, Region
from bitline.csrc.engine.snapshot cimport get64, get_timer, get_words, put64, put_timer, put_words, Snapshot
from bitline.csrc.engine.transitions cimport TransitionTable

PIM_BODY = np.dtype(
    [("offset", "i8"), ("access", "i4"), ("bank", "i4"), ("column", "i4"), ("count", "i4"), ("pause", "i4"),
     ("fixed", "i4")]
)
PIM_ACCESS = np.dtype([("command", "i4"), ("open_with", "i4"), ("close_with", "i4"), ("latency", "i4")])
START, DONE = 1, 2            # kinds of message

cdef enum:
    DONE_MESSAGE = 2
    FIXED_PLACE = -2          # the log's place of row 0 where rows do not move
    N_OPEN_STANDBY = 10
    N_CLOSED_STANDBY = 11
    N_DATA_TICKS = 12
    BUSY = 13                 # a counter that DRAM controllers have for themselves: ticks spent in programs

# In a saved state: no row, a row that was open before the loop and is out of its reach, a row that does not move.
cdef int64_t NO_ROW = (<int64_t> 1) << 40
cdef int64_t FOREIGN_ROW = (<int64_t> 1) << 41
cdef int64_t FIXED_ROW = (<int64_t> 1) << 42
cdef int64_t LONG_AGO = -((<int64_t> 1) << 40)

cdef Segments _no_segments
memset(&_no_segments, 0, sizeof(Segments))


cdef class PimChannel(Component):
    """A channel, or `multiplicity` channels that do the same at the same time.

    `table`: a TimingTable (arch/dram/table.py). `accesses`: PIM_ACCESS rows, what `access` in a PIM_BODY row means.
    `fixed_rows`: rows from there on have a meaning of their own, and no loop moves over them.
    `transitions`: a table for fast-forward, shared by channels with the same table, accesses and log setting.
    Takes messages START (task, program, base row); answers DONE (task, start in ps, rows of banks
    opened) when the program's data is done.
    """

    def __init__(self, str name, table, accesses, *, bint refresh=True, int multiplicity=1, int64_t fixed_rows=1 << 40,
                 TransitionTable transitions=None, bint logging=False):
        cdef int32_t i
        cdef PimCore *core = &self.core
        part = table.part
        names = [command.name for command in table.commands]
        self._set_up(name, clock_of_period(part.tick_ps), 1, 1, ())
        if refresh and "PREab" not in names:
            raise SpecError(f"{part.standard} has no precharge of all banks", expected="PREab, to refresh")
        self.table = table
        self.multiplicity = multiplicity
        self.programs = []
        core.channel = new_channel(table)
        core.channel.log.enabled = logging
        core.refresh_interval = round(part.timing["tREFI"] * part.rules_of.ticks_per_clock) if refresh else 0
        core.accesses = <Access *> calloc(len(accesses), sizeof(Access))
        core.opened_at = <int64_t *> calloc(core.channel.n_banks, sizeof(int64_t))
        if core.accesses == NULL or core.opened_at == NULL:
            raise MemoryError()
        for i, row in enumerate(accesses):
            core.accesses[i].command = row["command"]
            core.accesses[i].open_with = row["open_with"]
            core.accesses[i].close_with = row["close_with"]
            core.accesses[i].latency = row["latency"]
        core.fixed_from = fixed_rows
        core.part = &self.part
        self.part.self = core
        self.part.advance = _advance
        self.part.save = _save
        self.part.load = _load
        self.part.reset = _reset
        self.part.waits = _waits
        self.part.skip = _skip
        self.part.counts = core.channel.counts
        self.part.n_counts = N_COUNTERS
        self.part.n_timers = 1
        self.part.log = &core.channel.log
        if transitions is not None:
            self.region = Region.__new__(Region)
            self.region.set_up_alone(&self.part, transitions)
            core.region = <void *> self.region
        _reset(&self.part)

    def __dealloc__(self):
        free_channel(self.core.channel)
        free(self.core.accesses)
        free(self.core.opened_at)
        free(self.core.nests)
        free(self.core.bodies)

    def add_program(self, Program program):
        """Make a program known. Returns its number."""
        cdef const unsigned char[::1] body
        cdef int32_t n = len(self.programs) + 1
        if program.body.dtype != PIM_BODY:
            raise SpecError("a program for a PIM channel needs a body of PIM_BODY rows")
        body = program.body.view(np.uint8)
        self.core.nests = <const Nest **> realloc(self.core.nests, n * sizeof(Nest *))
        self.core.bodies = <const BodyRow **> realloc(self.core.bodies, n * sizeof(BodyRow *))
        if self.core.nests == NULL or self.core.bodies == NULL:
            raise MemoryError()
        self.programs.append(program)
        self.core.nests[n - 1] = &program.nest
        self.core.bodies[n - 1] = <const BodyRow *> &body[0]
        self.core.n_programs = n
        self.core.longest_pause = max(self.core.longest_pause, int(program.body["pause"].max()))
        return n - 1

    def forget_programs(self, int first):
        """Drop the programs from number `first` on."""
        del self.programs[first:]
        self.core.n_programs = len(self.programs)

    def reset(self):
        """Back to the state at time 0. Programs and remembered transitions stay."""
        Component.reset(self)
        if self.region is not None:
            self.region.reset()

    def finish(self, int64_t time):
        """Refresh and stand by up to a time (ps), and count it."""
        cdef int64_t tick = edge_at_or_after(&self.part.clock, time)
        _refresh_until(&self.core, tick)
        settle_standby(self.core.channel, max(tick, self.core.clock))

    def counts(self):
        """What was counted on one of the alike channels: ticks by name, and issued commands by name."""
        cdef const int64_t *counts = self.core.channel.counts
        ticks = {"open_standby": counts[N_OPEN_STANDBY], "closed_standby": counts[N_CLOSED_STANDBY],
                 "data": counts[N_DATA_TICKS], "busy": self.core.busy}
        issued = {command.name: counts[N_COMMANDS + i] for i, command in enumerate(self.table.commands)
                  if counts[N_COMMANDS + i]}
        return ticks, issued

    def commands(self, int64_t first_tick=0, int64_t last_tick=1 << 62, int64_t limit=1 << 40):
        """Logged commands as LOG_ROW rows: tick, command number, bank, row (-1: none), column."""
        rows = expand_log(&self.core.channel.log, self._segments(), first_tick, last_tick, limit)
        rows["place"] = np.where(rows["place"] <= FIXED_PLACE, FIXED_PLACE - rows["place"], rows["place"])
        return rows

    @property
    def n_logged(self):
        """Commands in the log."""
        return count_events(&self.core.channel.log, self._segments())

    cdef Segments *_segments(self):
        return &self.region.table.segments if self.region is not None else &_no_segments


# --- programs ---

cdef int64_t _execute(PimCore *core, int32_t program, int64_t base, int64_t start) noexcept nogil:
    """Run a program from tick `start`. Returns the tick at which all of it is done."""
    cdef int32_t step
    cdef int64_t began
    core.nest = core.nests[program]
    core.body = core.bodies[program]
    _refresh_until(core, start)
    if core.clock < start:
        core.clock = start
    core.done = began = core.clock
    start_program(&core.cursor, core.nest)
    core.cursor.base = base
    while True:
        step = next_step(&core.cursor, core.nest, True)
        if step == AT_END:
            break
        if step == AT_MARKER:
            settle_standby(core.channel, core.clock)
            if core.region != NULL:
                fill_marker(&core.part.marker, &core.cursor, core.nest)
                core.clock = pass_marker(core.region, core.clock, FOREVER)
        else:
            _step(core, core.body + step, core.cursor.base)
    if core.done < core.clock:
        core.done = core.clock
    core.busy += core.done - began
    return core.done


cdef void _step(PimCore *core, const BodyRow *row, int64_t base) noexcept nogil:
    cdef const Access *access = core.accesses + row.access
    cdef int64_t place = -1
    cdef int32_t i
    if row.pause >= 0 and core.clock < core.done + row.pause:
        core.clock = core.done + row.pause
    if access.open_with >= 0:
        place = row.offset if row.fixed else base + row.offset
        _open(core, access, row.bank, place)
    if access.command < 0:
        return
    for i in range(row.count):
        _issue(core, access.command, row.bank, place, row.column + i)
    if row.count and core.done < core.clock - 1 + access.latency:
        core.done = core.clock - 1 + access.latency


cdef void _open(PimCore *core, const Access *access, int32_t bank, int64_t row) noexcept nogil:
    """Open a row in every bank that the opening command reaches."""
    cdef Channel *channel = core.channel
    cdef int32_t span = channel.timing.commands[access.open_with].span
    cdef int32_t first = bank & -span, other
    cdef bint right = True, closed = True
    for other in range(first, first + span):
        right = right and channel.open_row[other] == row
        closed = closed and channel.open_row[other] == CLOSED
    if right:
        return
    if core.refresh_interval and core.next_refresh <= core.clock:
        _refresh(core)
        closed = True
    if not closed:
        _issue(core, access.close_with, bank, -1, 0)
    _issue(core, access.open_with, bank, row, 0)
    for other in range(first, first + span):
        core.opened_at[other] = core.clock


cdef void _issue(PimCore *core, int32_t command, int32_t bank, int64_t row, int32_t column) noexcept nogil:
    cdef const Command *spec = core.channel.timing.commands + command
    cdef int64_t tick = ready_at_node(core.channel.timing, bank, spec.group, spec.scope)
    if tick < core.clock:
        tick = core.clock
    issue_command(core.channel, command, bank, <int32_t> row, column, tick)
    if core.channel.log.enabled and row >= core.fixed_from:
        # A negative place does not move with the base.
        core.channel.log.rows[core.channel.log.used - 1].place = <int32_t> (FIXED_PLACE - row)
    core.clock = tick + 1


# --- refresh ---

cdef void _refresh_until(PimCore *core, int64_t tick) noexcept nogil:
    """Serve at their times the refreshes due by a tick up to which nothing else is to be done."""
    while core.refresh_interval and core.next_refresh <= tick:
        if core.clock < core.next_refresh:
            core.clock = core.next_refresh
        _refresh(core)


cdef void _refresh(PimCore *core) noexcept nogil:
    """Close every bank and refresh."""
    cdef Channel *channel = core.channel
    cdef int32_t nodes = channel.timing.level_nodes[channel.refresh_scope], node, bank
    cdef int32_t span = channel.n_banks // nodes
    cdef bint open_somewhere
    for node in range(nodes):
        open_somewhere = False
        for bank in range(node * span, (node + 1) * span):
            open_somewhere = open_somewhere or channel.open_row[bank] != CLOSED
        if open_somewhere:
            _issue(core, channel.names.precharge_all, node * span, -1, 0)
    for node in range(nodes):
        _issue(core, channel.names.refresh, node * span, -1, 0)
    core.next_refresh += core.refresh_interval


# --- the component ---

cdef int64_t _advance(Part *part, int64_t now) noexcept nogil:
    """Run every program that has been asked for by now, one after the other, each to its end.

    Nothing that arrives later can change a program that was begun, so its end is known at once.
    """
    cdef PimCore *core = <PimCore *> part.self
    cdef int64_t edge = edge_at_or_after(&part.clock, now), start, end
    cdef const Message *message = port_peek(part.inputs[0], edge)
    cdef int64_t task, program, base, opened
    while message != NULL and port_has_room(part.outputs[0], now):
        task, program, base = message.a, message.b, message.c
        start = edge if edge > core.clock else core.clock
        port_pop(part.inputs[0], edge_time(&part.clock, start))
        opened = _opened(core)
        end = _execute(core, <int32_t> program, base, start)
        opened = _opened(core) - opened
        port_send(
            part.outputs[0], edge_time(&part.clock, end), DONE_MESSAGE, task, edge_time(&part.clock, start), opened)
        message = port_peek(part.inputs[0], edge)
    return FOREVER


cdef int64_t _opened(const PimCore *core) noexcept nogil:
    """Rows of banks opened so far."""
    cdef const Channel *channel = core.channel
    cdef int64_t rows = 0
    cdef int32_t command
    for command in range(channel.timing.n_commands):
        if channel.timing.commands[command].row == ROW_OPEN:
            rows += channel.counts[N_COMMANDS + command] * channel.timing.commands[command].span
    return rows


cdef Waits _waits(const Part *part, int32_t *port) noexcept nogil:
    port[0] = 0
    return WAITS_FOR_ROOM if part.inputs[0].head < part.inputs[0].tail else WAITS_FOR_NOTHING


cdef void _reset(Part *part) noexcept nogil:
    cdef PimCore *core = <PimCore *> part.self
    cdef int32_t bank
    reset_channel(core.channel)
    core.clock = core.done = core.busy = 0
    core.next_refresh = core.refresh_interval
    for bank in range(core.channel.n_banks):
        core.opened_at[bank] = 0


cdef void _skip(Part *part, int64_t trips) noexcept nogil:
    cdef PimCore *core = <PimCore *> part.self
    skip_trips(&core.cursor, core.nest, trips)


cdef void _save(Part *part, int64_t edge, Snapshot *snapshot) noexcept nogil:
    cdef PimCore *core = <PimCore *> part.self
    cdef Channel *channel = core.channel
    cdef int64_t reach = snapshot.stride if snapshot.stride > 0 else -snapshot.stride
    cdef int64_t row
    cdef int32_t bank
    put64(snapshot, core.clock - edge if core.clock > edge else 0)
    put64(snapshot, core.done - edge if core.done + core.longest_pause > edge else LONG_AGO)
    for bank in range(channel.n_banks):
        row = channel.open_row[bank]
        if row == CLOSED:
            put64(snapshot, NO_ROW)
        elif row >= core.fixed_from:
            put64(snapshot, FIXED_ROW + row)
        elif snapshot.low - reach <= row - snapshot.base <= snapshot.high + reach:
            put64(snapshot, row - snapshot.base)
            # Out of reach before the iteration and not opened by it: another such row would not come to lie here.
            if (snapshot.since >= 0 and core.opened_at[bank] <= snapshot.since and not
                    snapshot.low - reach <= row - snapshot.base + snapshot.stride <= snapshot.high + reach):
                snapshot.refused = 1
        else:
            put64(snapshot, FOREIGN_ROW)
            if snapshot.since >= 0 and core.opened_at[bank] > snapshot.since:
                snapshot.refused = 1
    save_timing(channel.timing, edge, put_words(snapshot, saved_timing_size(channel.timing)))
    put_timer(snapshot, core.next_refresh if core.refresh_interval else FOREVER, edge)


cdef void _load(Part *part, int64_t edge, Snapshot *snapshot) noexcept nogil:
    cdef PimCore *core = <PimCore *> part.self
    cdef Channel *channel = core.channel
    cdef int64_t word
    cdef int32_t bank, unit
    core.clock = edge + get64(snapshot)
    core.done = edge + get64(snapshot)
    for unit in range(channel.n_standby):
        channel.open_banks[unit] = 0
        channel.standby_since[unit] = edge
    for bank in range(channel.n_banks >> 6 if channel.n_banks > 64 else 1):
        channel.open_mask[bank] = 0
    for bank in range(channel.n_banks):
        word = get64(snapshot)
        if word == NO_ROW:
            channel.open_row[bank] = CLOSED
        elif word >= FIXED_ROW:
            channel.open_row[bank] = <int32_t> (word - FIXED_ROW)
        elif word != FOREIGN_ROW:
            channel.open_row[bank] = <int32_t> (snapshot.base + word)
        # A row out of reach is the one that was open all along.
        if channel.open_row[bank] != CLOSED:
            channel.open_banks[bank >> channel.standby_shift] += 1
            channel.open_mask[bank >> 6] |= <unsigned long long> 1 << (bank & 63)
    load_timing(channel.timing, edge, get_words(snapshot, saved_timing_size(channel.timing)))
    core.next_refresh = get_timer(snapshot, edge)
