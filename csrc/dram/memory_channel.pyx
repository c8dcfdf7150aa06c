# csrc/dram/memory_channel.pyx: a memory channel as a component (see memory_channel.pxd).

import numpy as np

from libc.stdint cimport int32_t, int64_t, uint64_t
from libc.stdlib cimport free, realloc
from libc.string cimport memcpy, memset

from bitline.base.errors import InternalError, SpecError

from bitline.csrc.dram.alike_channels cimport follow_alike, leave, part_unlike, same_messages
from bitline.csrc.dram.channel cimport (
    close_and_refresh, N_CLOSED_STANDBY, N_COMMANDS, N_COMPOSITE_COLUMNS, N_COUNTERS, N_DATA_TICKS,
    N_OPEN_STANDBY, N_PIM_CLOSED_STANDBY, N_PIM_OPEN_STANDBY, settle_standby,
)
from bitline.csrc.dram.controller cimport Controller, PimRequest
from bitline.csrc.dram.channel_core cimport (
    ChannelCore, MAX_TASKS, MAX_TRANSFERS, PimRow, PimTask, Queue, Shape, Transfer,
)
from bitline.csrc.dram.lines cimport is_plain, locate, next_own_line, own_line, own_lines
from bitline.csrc.dram.make_controller cimport new_controller
from bitline.csrc.dram.request cimport Completion, READ, Request, WRITE
from bitline.csrc.dram.timing cimport allocate, NEVER
from bitline.csrc.engine.clock cimport clock_of_period, edge_at_or_after, edge_time
from bitline.csrc.engine.component cimport (
    Component, FOREVER, Message, Part, port_peek, port_pop, port_send, wake_part, Waits, WAITS_FOR_NOTHING,
    WAITS_FOR_TIME,
)
from bitline.csrc.engine.program cimport AT_END, Nest, next_step, Program, start_program

PIM_QUEUE_BODY = np.dtype(
    [("offset", "i8"), ("kind", "i4"), ("bank", "i4"), ("comps", "i4"), ("results", "i4")]
)
GWRITE, HEADER, COMPS = 0, 1, 2     # kinds of PIM_QUEUE_BODY rows
READS, WRITES = 0, 1                # kinds of transfers

cdef enum:
    DONE_MESSAGE = 2
    NOTHING_HELD = -3


cdef class MemoryChannel(Component):
    """A channel under a controller, or `multiplicity` channels that do the same at the same time.

    `table`: a TimingTable (arch/dram/table.py); `policy`: of a controller, in ticks (arch/dram/controller.py).
    `decode`: uint64 [8, 256], see MemoryCore; `granule`: lines in a block of one channel, 0 where channels are hashed.
    Takes START (task, shape, base address) on inputs 0 to ports - 1 and answers DONE (task, start in ps, bytes) on the
    output of the same number. With `pim` the last port takes START (task, program, base row).
    """

    def __init__(self, str name, table, dict policy, *, decode, int64_t n_lines, int64_t granule, int channels,
                 int channel, int ports=1, bint pim=False, int64_t outstanding=64, int multiplicity=1,
                 bint logging=False):
        cdef const uint64_t[:, ::1] rows = np.ascontiguousarray(decode, dtype=np.uint64)
        cdef ChannelCore *core = &self.core
        part = table.part
        if rows.shape[0] != 8 or rows.shape[1] != 256:
            raise SpecError("decode tables have to be 8 x 256")
        if ports < 0 or outstanding < 1 or ports + pim < 1:
            raise SpecError(f"'{name}': {ports} ports, {outstanding} outstanding requests", expected="at least 1")
        self._set_up(name, clock_of_period(part.tick_ps), ports + pim, ports + pim, ())
        self.table, self.multiplicity, self.channel = table, multiplicity, channel
        self.programs, self.shape_numbers = [], {}
        core.controller = new_controller(table, policy)
        core.controller.channel.log.enabled = logging
        core.controller.completions.items = <Completion *> allocate(1024, sizeof(Completion))
        core.controller.completions.capacity = 1024
        core.has_pim = pim
        if pim:
            if core.controller.pim_room == NULL:
                raise SpecError(f"'{name}': the controller has no queue for compute in the banks", field="controller")
            core.controller.pim_completions.items = <Completion *> allocate(1024, sizeof(Completion))
            core.controller.pim_completions.capacity = 1024
        core.n_ports = ports
        core.queues = <Queue *> allocate(2 * max(1, ports), sizeof(Queue))
        core.max_open = outstanding
        core.stamp = policy["stamp"]
        core.returns_mask = (1 << (outstanding - 1).bit_length()) - 1
        core.returns = <int64_t *> allocate(core.returns_mask + 1, sizeof(int64_t))
        memcpy(&core.lines.tables[0][0], &rows[0, 0], sizeof(core.lines.tables))
        core.lines.line_bytes = part.organisation.access_bytes
        core.lines.n_lines = n_lines
        core.lines.granule = granule
        core.lines.channels, core.lines.channel = channels, channel
        core.lines.plain = is_plain(&core.lines)
        core.refresh_ticks = table.ticks("tRFC") if policy["refresh"] else 0
        core.part = &self.part
        self.part.self = core
        self.part.advance = _advance
        self.part.reset = _reset
        self.part.waits = _waits
        self.part.counts = core.controller.channel.counts
        self.part.n_counts = N_COUNTERS
        self.part.log = &core.controller.channel.log
        _reset(&self.part)

    def __dealloc__(self):
        if self.core.controller != NULL:
            # A channel's log belongs to the controller's channel.
            self.core.controller.release(self.core.controller)
        free(self.core.shapes)
        free(self.core.queues)
        free(self.core.returns)
        free(self.core.nests)
        free(self.core.bodies)
        free(self.room_for_peers)

    def add_shape(self, int kind, int64_t rows, int64_t row_bytes, int64_t pitch):
        """Make a shape of transfers known: READS or WRITES, rows of row_bytes bytes, pitch apart. Its number."""
        cdef int32_t n = self.core.n_shapes
        if kind not in (READS, WRITES) or rows < 1 or row_bytes < 1:
            raise SpecError(f"a transfer of {rows} rows of {row_bytes} bytes")
        key = (kind, rows, row_bytes, pitch if rows > 1 else 0)
        if key in self.shape_numbers:
            return self.shape_numbers[key]
        self.core.shapes = <Shape *> realloc(self.core.shapes, (n + 1) * sizeof(Shape))
        if self.core.shapes == NULL:
            raise MemoryError()
        self.core.shapes[n] = Shape(kind=kind, rows=<int32_t> rows, row_bytes=row_bytes, pitch=pitch)
        self.shape_numbers[key] = n
        self.core.n_shapes = n + 1
        return n

    def add_program(self, Program program):
        """Make a PIM program known. Returns its number."""
        cdef const unsigned char[::1] body
        cdef int32_t n = len(self.programs) + 1
        if program.body.dtype != PIM_QUEUE_BODY:
            raise SpecError("a program for the PIM queue needs a body of PIM_QUEUE_BODY rows")
        body = program.body.view(np.uint8)
        self.core.nests = <const Nest **> realloc(self.core.nests, n * sizeof(Nest *))
        self.core.bodies = <const PimRow **> realloc(self.core.bodies, n * sizeof(PimRow *))
        if self.core.nests == NULL or self.core.bodies == NULL:
            raise MemoryError()
        self.programs.append(program)
        self.core.nests[n - 1] = &program.nest
        self.core.bodies[n - 1] = <const PimRow *> &body[0]
        self.core.n_programs = n
        return n - 1

    def stand_for(self, int channel, int multiplicity):
        """Be another channel, or so many alike ones, from now on. Between runs."""
        self.core.lines.channel = self.channel = channel
        self.multiplicity = multiplicity

    def once_while_alike(self, channels):
        """Let all channels of a memory, in the order of their places in the simulator, be simulated once while they
        do the same. Results are the same. Does nothing where the controller cannot tell, or addresses are hashed."""
        cdef MemoryChannel channel
        cdef int32_t i
        if self.core.controller.same == NULL or not self.core.lines.plain:
            return
        self.keep_peers = list(channels)
        self.room_for_peers = <void **> realloc(self.room_for_peers, len(self.keep_peers) * sizeof(void *))
        if self.room_for_peers == NULL:
            raise MemoryError()
        for i, channel in enumerate(self.keep_peers):
            if channel.table is not self.table:
                raise SpecError(f"'{channel.name}' is of another part than '{self.name}'", field="channels")
            self.room_for_peers[i] = &channel.core
            if channel is self:
                self.core.peer = i
        self.core.peers = <ChannelCore **> self.room_for_peers

    cdef _alone(self):
        """Have the state that it has, whoever was simulated for it, and nobody else's."""
        cdef ChannelCore *core = &self.core
        cdef ChannelCore *other
        if core.leader != NULL:
            other = core.leader
            leave(core)
            wake_part(core.part, other.part.wake)
        while core.follower != NULL:
            other = core.follower
            leave(other)
            wake_part(other.part, core.part.wake)

    def catch_up(self, int64_t time):
        """Do every tick up to a time (ps) before which no message comes any more, and count what was spent by then."""
        self._alone()
        _catch_up(&self.core, edge_at_or_after(&self.part.clock, time))
        settle_standby(self.core.controller.channel, self.core.controller.clk)

    def barrier(self, int64_t time):
        """Write out what is buffered, close every row, refresh every bank. Returns the time (ps) at which that is over.

        The transfers and programs have to be done.
        """
        cdef ChannelCore *core = &self.core
        cdef Controller *controller = core.controller
        cdef int64_t tick = edge_at_or_after(&self.part.clock, time)
        self._alone()
        _catch_up(core, tick)
        if self.waits()[0] != "nothing":
            raise InternalError(f"'{self.name}' has work at a barrier")
        controller.flush(controller)
        with nogil:
            while controller.waiting(controller):
                controller.clk = controller.next
                controller.tick(controller)
            tick = max(controller.clk, tick)
            tick = close_and_refresh(controller.channel, tick + 1, core.refresh_ticks)
            settle_standby(controller.channel, tick)
        return edge_time(&self.part.clock, tick)

    def counts(self):
        """What was counted on one of the alike channels: ticks and requests by name, issued commands by name."""
        cdef const int64_t *counts = self.core.controller.channel.counts
        cdef int64_t under_way = 0
        self._alone()
        if self.core.task_head < self.core.task_tail and self.core.controller.clk > self.core.pim_counted:
            under_way = self.core.controller.clk - self.core.pim_counted
        ticks = {"reads": counts[0], "writes": counts[1], "forwarded": counts[2], "merged": counts[3],
                 "row_hits": counts[4], "row_misses": counts[5], "row_conflicts": counts[6],
                 "open_standby": counts[N_OPEN_STANDBY], "closed_standby": counts[N_CLOSED_STANDBY],
                 "data": counts[N_DATA_TICKS], "pim_busy": self.core.pim_busy + under_way,
                 "pim_open_standby": counts[N_PIM_OPEN_STANDBY], "pim_closed_standby": counts[N_PIM_CLOSED_STANDBY]}
        issued = {command.name: counts[N_COMMANDS + i] for i, command in enumerate(self.table.commands)
                  if counts[N_COMMANDS + i]}
        # All-bank computes, by themselves and in composites.
        ticks["comps"] = counts[N_COMPOSITE_COLUMNS] + issued.get("COMP", 0)
        return ticks, issued

    def lines_asked(self, int first_port=0):
        """Lines asked for by the transfers of the ports from `first_port` on: (reads, writes)."""
        cdef int32_t port
        self._alone()
        return (sum([self.core.queues[2 * port].lines for port in range(first_port, self.core.n_ports)]),
                sum([self.core.queues[2 * port + 1].lines for port in range(first_port, self.core.n_ports)]))

    def log_rows(self, int64_t first_cycle=0, int64_t last_cycle=1 << 62, int64_t limit=1 << 40):
        """The commands, see Component."""
        self._alone()
        return Component.log_rows(self, first_cycle, last_cycle, limit)


# --- transfers ---

cdef void _begin(ChannelCore *core, int32_t port, int64_t edge, int64_t now, const Message *message) noexcept nogil:
    cdef const Shape *shape = core.shapes + message.b
    cdef Queue *queue = core.queues + 2 * port + (shape.kind == WRITE)
    cdef Transfer *transfer = queue.items + queue.tail % MAX_TRANSFERS
    cdef int64_t first, end
    cdef int32_t row
    transfer.task = message.a
    transfer.base = message.c
    transfer.shape = <int32_t> message.b
    transfer.start = now
    transfer.open = 0
    transfer.last = edge
    transfer.unasked = 0
    for row in range(shape.rows):
        first = (transfer.base + row * shape.pitch) // core.lines.line_bytes
        end = (transfer.base + row * shape.pitch + shape.row_bytes - 1) // core.lines.line_bytes + 1
        transfer.unasked += own_lines(&core.lines, first, end)
    transfer.row = -1
    queue.tail += 1
    if transfer.unasked:
        _next_row(core, transfer)
    # A newcomer may be taken where the ones before it were refused, but not before it came.
    core.offer_at = core.last_offer + 1 if core.last_offer >= edge else edge


cdef void _next_row(ChannelCore *core, Transfer *transfer) noexcept nogil:
    """To the next row of the transfer that has a line of the channel."""
    cdef const Shape *shape = core.shapes + transfer.shape
    cdef int64_t address
    while True:
        transfer.row += 1
        address = transfer.base + transfer.row * shape.pitch
        transfer.line = own_line(&core.lines, address // core.lines.line_bytes)
        transfer.row_end = (address + shape.row_bytes - 1) // core.lines.line_bytes + 1
        if transfer.line < transfer.row_end:
            return


cdef inline void _skip_asked(Queue *queue) noexcept nogil:
    # To the oldest transfer with lines to ask for; empty ones in between need nothing.
    while queue.asking < queue.tail and queue.items[queue.asking % MAX_TRANSFERS].unasked == 0:
        queue.asking += 1


cdef int64_t _offer_time(ChannelCore *core) noexcept nogil:
    """Tick at which the next request may be offered, NEVER if there is none."""
    cdef int64_t soonest = NEVER, at
    cdef int32_t i
    if core.offer_at == NEVER:
        return NEVER
    for i in range(2 * core.n_ports):
        _skip_asked(core.queues + i)
        if core.queues[i].asking < core.queues[i].tail:
            at = core.offer_at
            if i & 1 == 0 and core.n_open == core.max_open:
                # NEVER while the oldest read has not been issued: a tick of the controller comes first.
                if core.returns_head == core.returns_tail:
                    continue
                if core.returns[core.returns_head & core.returns_mask] > at:
                    at = core.returns[core.returns_head & core.returns_mask]
            if at < soonest:
                soonest = at
    return soonest


cdef void _close_returned(ChannelCore *core, int64_t tick) noexcept nogil:
    while core.returns_head < core.returns_tail and core.returns[core.returns_head & core.returns_mask] <= tick:
        core.returns_head += 1
        core.n_open -= 1


cdef void _offer(ChannelCore *core, int64_t tick) noexcept nogil:
    """Offer one request after a tick: the first queue in turn whose head the controller takes."""
    cdef Controller *controller = core.controller
    cdef Queue *queue
    cdef Transfer *transfer
    cdef Request request
    cdef int32_t i, number, kind
    _close_returned(core, tick)
    for i in range(2 * core.n_ports):
        number = core.turn + 1 + i
        while number >= 2 * core.n_ports:
            number -= 2 * core.n_ports
        queue = core.queues + number
        kind = WRITE if number & 1 else READ
        if queue.asking == queue.tail or (kind == READ and core.n_open == core.max_open):
            continue
        transfer = queue.items + queue.asking % MAX_TRANSFERS
        locate(&core.lines, transfer.line, &request)
        if not controller.accepts(controller, kind, request.line):
            continue
        request.kind = kind
        request.tag = (<int64_t> number << 32) | (queue.asking % MAX_TRANSFERS)
        request.arrival = tick + core.stamp
        core.turn = number
        core.last_offer = tick
        core.offer_at = tick + 1
        core.n_open += kind == READ
        queue.lines += 1
        transfer.unasked -= 1
        transfer.open += 1
        transfer.line = next_own_line(&core.lines, transfer.line)
        if transfer.unasked and transfer.line >= transfer.row_end:
            _next_row(core, transfer)
        controller.accept(controller, &request)
        _collect(core)
        return
    core.offer_at = NEVER


cdef void _collect(ChannelCore *core) noexcept nogil:
    """What the controller has answered."""
    cdef Completion *items = core.controller.completions.items
    cdef Transfer *transfer
    cdef int64_t i
    cdef int32_t number
    cdef bint done = False
    for i in range(core.controller.completions.used):
        number = <int32_t> (items[i].tag >> 32)
        transfer = core.queues[number].items + (items[i].tag & (MAX_TRANSFERS - 1))
        transfer.open -= 1
        if items[i].tick > transfer.last:
            transfer.last = items[i].tick
        if number & 1 == 0:
            core.returns[core.returns_tail & core.returns_mask] = items[i].tick
            core.returns_tail += 1
        if transfer.open == 0:
            done = True
    core.controller.completions.used = 0
    number = 0
    while done and number < 2 * core.n_ports:
        _answer(core, number)
        number += 1


cdef void _answer(ChannelCore *core, int32_t number) noexcept nogil:
    """Say of every transfer at the head of a queue that is done that it is."""
    cdef Queue *queue = core.queues + number
    cdef ChannelCore *alike
    cdef Transfer *transfer
    while queue.head < queue.tail:
        transfer = queue.items + queue.head % MAX_TRANSFERS
        if transfer.unasked or transfer.open:
            return
        queue.head += 1
        alike = core
        while alike != NULL:
            port_send(alike.part.outputs[number >> 1], edge_time(&core.part.clock, transfer.last), DONE_MESSAGE,
                      transfer.task, transfer.start, 0)
            alike = alike.follower


# --- PIM programs ---

cdef void _feed(ChannelCore *core) noexcept nogil:
    """Queue PIM requests while there is room."""
    cdef Controller *controller = core.controller
    cdef const PimRow *row
    cdef PimTask *task
    cdef PimRequest request
    cdef int32_t step
    while True:
        if not core.feeding:
            if core.task_feed == core.task_tail:
                return
            task = core.tasks + core.task_feed % MAX_TASKS
            start_program(&core.cursor, core.nests[task.program])
            core.cursor.base = task.base
            core.feeding = 1
            core.held = next_step(&core.cursor, core.nests[task.program], False)
        if controller.pim_room(controller) == 0:
            return
        task = core.tasks + core.task_feed % MAX_TASKS
        row = core.bodies[task.program] + core.held
        request.kind = row.kind
        request.bank = row.bank
        request.row = <int32_t> (core.cursor.base + row.offset)
        request.comps = row.comps
        request.results = row.results
        request.tag = -1
        step = next_step(&core.cursor, core.nests[task.program], False)
        if step == AT_END:
            request.tag = core.task_feed
            core.feeding = 0
            core.task_feed += 1
        core.held = step
        controller.pim_accept(controller, &request)


cdef void _collect_pim(ChannelCore *core) noexcept nogil:
    """The queue is in order: a task is done when its last request is."""
    cdef Completion *items = core.controller.pim_completions.items
    cdef Part *part = core.part
    cdef PimTask *task
    cdef int64_t i
    for i in range(core.controller.pim_completions.used):
        if items[i].tag < 0:
            continue
        task = core.tasks + items[i].tag % MAX_TASKS
        core.task_head = items[i].tag + 1
        if core.task_head == core.task_tail:
            core.pim_busy += items[i].tick - core.pim_counted
            core.pim_counted = items[i].tick
        port_send(part.outputs[core.n_ports], edge_time(&part.clock, items[i].tick), DONE_MESSAGE, task.task,
                  task.start, 0)
    core.controller.pim_completions.used = 0


# --- time ---

cdef void _catch_up(ChannelCore *core, int64_t until) noexcept nogil:
    """Every tick of the controller and every offer up to and including tick `until`."""
    cdef Controller *controller = core.controller
    cdef int64_t offer
    while True:
        offer = _offer_time(core)
        if controller.next <= offer:
            if controller.next > until:
                break
            controller.clk = controller.next
            controller.tick(controller)
            _close_returned(core, controller.clk)
            if controller.completions.used:
                _collect(core)
            if core.has_pim:
                if controller.pim_completions.used:
                    _collect_pim(core)
                _feed(core)
            if core.offer_at == NEVER:
                core.offer_at = core.last_offer + 1 if core.last_offer >= controller.clk else controller.clk
        else:
            if offer > until:
                break
            if controller.clk < offer:
                controller.clk = offer
            _offer(core, offer)
    if controller.clk < until:
        controller.clk = until


cdef int64_t _nothing_before(ChannelCore *core) noexcept nogil:
    """A tick before which no transfer or task can be done; NEVER where none is under way."""
    cdef Controller *controller = core.controller
    cdef const Transfer *transfer
    cdef int64_t soonest = NEVER, at, offer = core.last_offer + 1
    cdef int32_t i
    if offer < controller.clk:
        offer = controller.clk
    for i in range(2 * core.n_ports):
        if core.queues[i].head == core.queues[i].tail:
            continue
        transfer = core.queues[i].items + core.queues[i].head % MAX_TRANSFERS
        # A line is asked for a tick, and is answered a tick later at the earliest (out of the write buffer).
        at = offer + transfer.unasked
        if transfer.unasked == 0:
            at = controller.next
            if i & 1 == 0:
                at += controller.channel.read_latency
        if at < soonest:
            soonest = at
    if core.has_pim and core.task_head < core.task_tail:
        at = controller.clk + controller.pim_waiting(controller) + controller.channel.read_latency
        if controller.next > controller.clk and core.task_feed > core.task_head:
            at += controller.next - controller.clk - 1
        if at < soonest:
            soonest = at
    return soonest


# --- the component ---

cdef int64_t _advance(Part *part, int64_t now) noexcept nogil:
    cdef ChannelCore *core = <ChannelCore *> part.self
    cdef int64_t edge = edge_at_or_after(&part.clock, now), wake
    cdef const Message *message
    cdef int32_t port, i
    cdef bint came = False
    if core.leader != NULL:
        if same_messages(core.leader, core, edge):
            return FOREVER
        # A message that the leader does not get: it was not woken for this edge.
        _catch_up(core.leader, edge)
        leave(core)
    _catch_up(core, edge)
    if core.follower != NULL:
        part_unlike(core, edge, now)
    for port in range(core.n_ports):
        message = port_peek(part.inputs[port], edge)
        while message != NULL and _room(core, port, message):
            _begin(core, port, edge, now, message)
            _take_message(core, port, now)
            came = True
            message = port_peek(part.inputs[port], edge)
    if core.has_pim:
        message = port_peek(part.inputs[core.n_ports], edge)
        while message != NULL and core.task_tail - core.task_head < MAX_TASKS:
            _begin_task(core, edge, now, message)
            port_pop(part.inputs[core.n_ports], now)
            came = True
            message = port_peek(part.inputs[core.n_ports], edge)
    if came:
        for i in range(2 * core.n_ports):
            _answer(core, i)
        _catch_up(core, edge)
        if core.peers != NULL and follow_alike(core, edge):
            return FOREVER
    wake = _nothing_before(core)
    if wake >= NEVER:
        return FOREVER
    return edge_time(&part.clock, wake if wake > edge else edge + 1)


cdef void _take_message(ChannelCore *core, int32_t port, int64_t now) noexcept nogil:
    """The message has been seen, and by all who follow."""
    while core != NULL:
        port_pop(core.part.inputs[port], now)
        core = core.follower


cdef bint _room(const ChannelCore *core, int32_t port, const Message *message) noexcept nogil:
    cdef const Queue *queue = core.queues + 2 * port + (core.shapes[message.b].kind == WRITE)
    return queue.tail - queue.head < MAX_TRANSFERS


cdef void _begin_task(ChannelCore *core, int64_t edge, int64_t now, const Message *message) noexcept nogil:
    cdef PimTask *task = core.tasks + core.task_tail % MAX_TASKS
    if core.task_head == core.task_tail and core.pim_counted < edge:
        core.pim_counted = edge
    task.task = message.a
    task.program = <int32_t> message.b
    task.base = message.c
    task.start = now
    core.task_tail += 1
    _feed(core)


cdef Waits _waits(const Part *part, int32_t *port) noexcept nogil:
    cdef const ChannelCore *core = <const ChannelCore *> part.self
    cdef int32_t i
    port[0] = -1
    if core.leader != NULL:
        core = core.leader
    for i in range(2 * core.n_ports):
        if core.queues[i].head < core.queues[i].tail:
            port[0] = i >> 1
            return WAITS_FOR_TIME
    return WAITS_FOR_TIME if core.task_head < core.task_tail else WAITS_FOR_NOTHING


cdef void _reset(Part *part) noexcept nogil:
    cdef ChannelCore *core = <ChannelCore *> part.self
    core.controller.reset(core.controller)
    core.controller.pim_completions.used = 0
    memset(core.queues, 0, 2 * core.n_ports * sizeof(Queue))
    core.turn = -1
    core.offer_at = 0
    core.last_offer = -1
    core.n_open = core.returns_head = core.returns_tail = 0
    core.feeding = 0
    core.held = NOTHING_HELD
    core.task_head = core.task_feed = core.task_tail = 0
    core.pim_busy = core.pim_counted = 0
    core.leader = core.follower = NULL
    core.look_edge = -1
