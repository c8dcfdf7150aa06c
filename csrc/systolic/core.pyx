# csrc/systolic/core.pyx: an NPU core that runs programs (see core.pxd).

import numpy as np

from libc.stdint cimport int32_t, int64_t
from libc.stdlib cimport free, realloc
from libc.string cimport memset

from bitline.base.errors import SpecError

from bitline.csrc.dram.timing cimport NEVER
from bitline.csrc.engine.clock cimport edge_at_or_after, edge_time, make_clock
from bitline.csrc.engine.component cimport (
    Component, FOREVER, Message, Part, port_has_room, port_peek, port_pop, port_send, Waits, WAITS_FOR_MESSAGE,
    WAITS_FOR_NOTHING,
)
from bitline.csrc.engine.event_log cimport log_event
from bitline.csrc.engine.program cimport AT_END, next_step, Program, start_program
from bitline.csrc.systolic.array cimport make_array, reset_array, run_stalled_tile, TileTimes

NPU_BODY = np.dtype(
    [("offset", "i8"), ("kind", "i4"), ("operand", "i4"), ("pop", "i4"), ("first", "i4"), ("last", "i4"),
     ("rows", "i4"), ("row_bytes", "i4"), ("pitch", "i8"), ("cycles", "i8"), ("fused", "i4"), ("stall", "i4"),
     ("strides", "i8", (8,))]
)
LOAD_ROW, ARRAY_ROW, VECTOR_ROW, STORE_ROW = 0, 1, 2, 3
LOG_ARRAY, LOG_VECTOR = 0, 1        # codes of the log: tick is the start, detail the cycles

cdef enum:
    START_MESSAGE = 1
    DONE_MESSAGE = 2
    NOT_FETCHED = -3
    CODE_ARRAY = 0
    CODE_VECTOR = 1
    TAG_FIFO = 1 << 8               # tag of a transfer: FIFO or accumulators, and the place
    TAG_ENTRY = 1 << 16
    # Counters.
    ARRAY_BUSY = 0
    MACS
    TILES
    VECTOR_BUSY
    SIDE_BUSY
    BYTES_LOADED
    BYTES_STORED
    LOAD_STALL
    STORE_STALL

COUNTS = ("array_busy", "macs", "tiles", "vector_busy", "side_busy", "bytes_loaded", "bytes_stored", "load_stall",
          "store_stall")


cdef class NpuCore(Component):
    """One NPU core. Inputs and outputs: 0 programs, 1 tasks of the vector unit alone, then one for each channel.

    Takes START (task, program, base) and START (task, cycles), answers DONE (task, start in ps). `array`: a dict of
    rows, columns, arrays, rule, dataflow and weight_double_buffer; `fifos`: places of the FIFOs of activations, weights
    and other operands; `port_bytes`: bytes a cycle that the core's port moves each way, 0 for any number.
    `scratchpad_bytes`, `accumulator_bytes`: what all entries together may take, with `result_bytes` an element of
    results; 0: their number alone counts. `channels`: MemoryChannel components, wired by the caller.
    """

    def __init__(self, str name, clock_mhz, array, channels, *, fifos=(2, 2, 2), int accumulators=2,
                 int64_t port_bytes=0, int64_t scratchpad_bytes=0, int64_t accumulator_bytes=0,
                 int64_t result_bytes=0, bint logging=False):
        cdef Core *core = &self.core
        cdef int32_t i
        for places in (*fifos, accumulators):
            if not 1 <= places <= MAX_PLACES:
                raise SpecError(f"'{name}': {places} places", expected=f"1 to {MAX_PLACES}")
        if len(fifos) != N_FIFOS or port_bytes < 0:
            raise SpecError(f"'{name}': {len(fifos)} operand FIFOs, {port_bytes} bytes a cycle")
        self.channels = list(channels)
        n = 2 + len(self.channels)
        self._set_up(name, make_clock(clock_mhz), n, n, COUNTS)
        self.programs, self.keep = [], []
        core.array = make_array(
            array["rows"], array["columns"], array["arrays"], array["rule"], array["dataflow"],
            array["weight_double_buffer"])
        core.n_channels = len(self.channels)
        for i in range(N_FIFOS):
            core.depth[i] = fifos[i]
        core.accumulators = accumulators
        core.port_bytes = port_bytes
        core.scratchpad_bytes, core.accumulator_bytes = scratchpad_bytes, accumulator_bytes
        core.result_bytes = result_bytes
        core.log.enabled = logging
        core.part = &self.part
        self.part.self = core
        self.part.advance = _advance
        self.part.reset = _reset
        self.part.waits = _waits
        if logging:
            self.part.log = &core.log
        _reset(&self.part)

    def __dealloc__(self):
        free(self.core.nests)
        free(self.core.bodies)
        free(self.core.shapes)
        free(self.core.log.rows)

    def add_program(self, Program program):
        """Make a program known. Returns its number. Raises SpecError where entries, pops and stores do not pair up."""
        cdef const unsigned char[::1] body
        cdef const int32_t[::1] shapes
        cdef int32_t n = len(self.programs) + 1
        if program.body.dtype != NPU_BODY:
            raise SpecError("a program for an NPU core needs a body of NPU_BODY rows")
        _check_rows(program.body, program.executions)
        rows = program.body
        numbers = np.zeros(len(rows) + 1, np.int32)
        for i, row in enumerate(rows):
            if row["kind"] in (LOAD_ROW, STORE_ROW):
                # Every channel knows the shapes by the same numbers.
                known = {channel.add_shape(int(row["kind"] == STORE_ROW), row["rows"], row["row_bytes"], row["pitch"])
                         for channel in self.channels}
                if len(known) > 1:
                    raise SpecError("channels of one core have to learn the same shapes")
                numbers[i] = known.pop() if known else 0
        body = rows.view(np.uint8)
        shapes = numbers
        self.core.nests = <const Nest **> realloc(self.core.nests, n * sizeof(Nest *))
        self.core.bodies = <const NpuRow **> realloc(self.core.bodies, n * sizeof(NpuRow *))
        self.core.shapes = <const int32_t **> realloc(self.core.shapes, n * sizeof(int32_t *))
        if self.core.nests == NULL or self.core.bodies == NULL or self.core.shapes == NULL:
            raise MemoryError()
        self.programs.append(program)
        self.keep.append(numbers)
        self.core.nests[n - 1] = &program.nest
        self.core.bodies[n - 1] = <const NpuRow *> &body[0]
        self.core.shapes[n - 1] = &shapes[0]
        self.core.n_programs = n
        return n - 1


def _check_rows(rows, times):
    kind, operand = rows["kind"], rows["operand"]
    if not np.isin(kind, (LOAD_ROW, ARRAY_ROW, VECTOR_ROW, STORE_ROW)).all():
        raise SpecError(f"a program has a row of kind {kind.max()}", expected="0 to 3")
    if (rows["cycles"] < 0).any():
        raise SpecError(f"a program has a row of {rows['cycles'].min()} cycles")
    loading, works = kind == LOAD_ROW, (kind == ARRAY_ROW) | (kind == VECTOR_ROW)
    limit = np.where(loading, N_FIFOS - 1, np.where(works, (1 << N_FIFOS) - 1, 0))
    if ((operand < 0) | (operand > limit) & (kind != STORE_ROW)).any():
        raise SpecError("a program reads an operand FIFO that is not there")
    for fifo in range(N_FIFOS):
        loads = times[loading & (operand == fifo)].sum()
        pops = times[works & (rows["pop"] >> fifo & 1 == 1)].sum()
        if loads != pops:
            raise SpecError(f"a program loads {loads} entries of FIFO {fifo} and pops {pops}")
    begun, finished = times[works & (rows["first"] == 1)].sum(), times[works & (rows["last"] == 1)].sum()
    stored = times[kind == STORE_ROW].sum()
    if not begun == finished == stored:
        raise SpecError(f"a program begins {begun} results, finishes {finished} and stores {stored}")
    if (works & (rows["fused"] != 0) & (rows["first"] != 0)).any():
        raise SpecError("a program has a fused row that begins a result")


# --- walking ---

cdef inline Task *_task(Core *core, int64_t number) noexcept nogil:
    return core.tasks + number % MAX_PROGRAMS


cdef const NpuRow *_row(Core *core, Walker *walker) noexcept nogil:
    """The row at which a queue stands, NULL at the end of the programs that have come."""
    cdef const Task *task
    while walker.task < core.task_tail:
        task = _task(core, walker.task)
        if walker.held == NOT_FETCHED:
            walker.held = next_step(&walker.cursor, core.nests[task.program], False)
        if walker.held != AT_END:
            return core.bodies[task.program] + walker.held
        walker.task += 1
        if walker.task < core.task_tail:
            _enter(core, walker)
    return NULL


cdef void _enter(Core *core, Walker *walker) noexcept nogil:
    start_program(&walker.cursor, core.nests[_task(core, walker.task).program])
    walker.cursor.base = _task(core, walker.task).base
    walker.held = NOT_FETCHED


cdef inline void _pass(Core *core, Walker *walker, const NpuRow *row) noexcept nogil:
    # Count what a row does, whoever does it.
    cdef int32_t fifo
    if row.kind == ARRAY or row.kind == VECTOR:
        for fifo in range(N_FIFOS):
            walker.pops[fifo] += row.pop >> fifo & 1
        walker.entries += row.first
        walker.fused += row.fused
        walker.after_fused = row.fused
    elif row.kind == STORE:
        walker.stores += 1
    walker.held = NOT_FETCHED
    core.moves += 1


cdef inline void _begun(Core *core, const Walker *walker, int64_t now) noexcept nogil:
    if _task(core, walker.task).start < 0:
        _task(core, walker.task).start = now


cdef inline void _sooner(int64_t *wake, int64_t edge) noexcept nogil:
    if edge < wake[0]:
        wake[0] = edge


cdef int64_t _address(Core *core, const Walker *walker, const NpuRow *row) noexcept nogil:
    """Of a LOAD or STORE row in the turn of its loops in which its queue stands."""
    cdef const Nest *nest = core.nests[_task(core, walker.task).program]
    cdef int64_t address = walker.cursor.base + row.offset
    cdef int32_t depth
    for depth in range(walker.cursor.depth if walker.cursor.depth < MAX_STRIDES else MAX_STRIDES):
        address += row.strides[depth] * (
            nest.loops[walker.cursor.loops[depth]].trips - walker.cursor.left[depth] - 1)
    return address


# --- loads and stores ---

cdef bint _ports_have_room(Core *core, int64_t now) noexcept nogil:
    cdef int32_t i
    for i in range(core.n_channels):
        if not port_has_room(core.part.outputs[2 + i], now):
            return False
    return True


cdef void _send_all(Core *core, int64_t now, int64_t tag, int64_t shape, int64_t address) noexcept nogil:
    cdef int32_t i
    for i in range(core.n_channels):
        port_send(core.part.outputs[2 + i], now, START_MESSAGE, tag, shape, address)


cdef inline int64_t _port_time(Core *core, int64_t *free_at, int64_t edge, const NpuRow *row) noexcept nogil:
    # Edge at which the core's port has moved a transfer that begins at `edge`.
    if core.port_bytes == 0:
        return edge
    if free_at[0] < edge:
        free_at[0] = edge
    free_at[0] += (<int64_t> row.rows * row.row_bytes + core.port_bytes - 1) // core.port_bytes
    return free_at[0]


cdef int64_t _held(const Place *places, int32_t count, int64_t edge, int64_t *taken) noexcept nogil:
    """Adds up the bytes of entries that hold their place at `edge`. Returns when the first of them is known to go."""
    cdef int64_t soonest = NEVER
    cdef int32_t i
    for i in range(count):
        if places[i].free > edge:
            taken[0] += places[i].bytes
            if places[i].free < soonest:
                soonest = places[i].free
    return soonest


cdef int64_t _room_for(const Core *core, int64_t needed, int64_t edge) noexcept nogil:
    """Edge from which an operand may fit in the scratchpad, NEVER while that is not known. It fits alone."""
    cdef int64_t taken = 0, soonest = NEVER, at
    cdef int32_t fifo
    for fifo in range(N_FIFOS):
        at = _held(core.fifos[fifo], core.depth[fifo], edge, &taken)
        if at < soonest:
            soonest = at
    return edge if taken == 0 or taken + needed <= core.scratchpad_bytes else soonest


cdef void _loads(Core *core, int64_t now, int64_t edge, int64_t *wake) noexcept nogil:
    cdef Walker *walker = &core.load
    cdef const NpuRow *row = _row(core, walker)
    cdef Place *place
    cdef int64_t number, free_at
    while row != NULL:
        if row.kind != LOAD:
            _pass(core, walker, row)
            row = _row(core, walker)
            continue
        if row.operand == 0 and walker.task > core.task_head:
            return
        if core.may_load > edge:
            _sooner(wake, core.may_load)
            return
        number = core.pushed[row.operand]
        place = &core.fifos[row.operand][number % core.depth[row.operand]]
        if place.free > edge:
            _sooner(wake, place.free)
            return
        if core.scratchpad_bytes:
            free_at = _room_for(core, <int64_t> row.rows * row.row_bytes, edge)
            if free_at > edge:
                _sooner(wake, free_at)
                return
        if not _ports_have_room(core, now):
            return
        _begun(core, walker, now)
        place.number = number
        place.free = NEVER
        place.bytes = <int64_t> row.rows * row.row_bytes
        place.pending = core.n_channels
        place.not_before = _port_time(core, &core.in_free, edge, row)
        place.ready = NEVER if core.n_channels else place.not_before
        _send_all(core, now, TAG_FIFO | row.operand << 4 | number % core.depth[row.operand],
                  core.shapes[_task(core, walker.task).program][walker.held], _address(core, walker, row))
        core.part.counts[BYTES_LOADED] += <int64_t> row.rows * row.row_bytes
        core.pushed[row.operand] = number + 1
        core.may_load = edge + 1
        _pass(core, walker, row)
        row = _row(core, walker)


cdef void _stores(Core *core, int64_t now, int64_t edge, int64_t *wake) noexcept nogil:
    cdef Walker *walker = &core.store
    cdef const NpuRow *row = _row(core, walker)
    cdef Place *place
    cdef int64_t number
    while row != NULL:
        if row.kind != STORE:
            _pass(core, walker, row)
            row = _row(core, walker)
            continue
        number = walker.stores
        place = &core.entries[number % core.accumulators]
        if place.number != number or not place.finished:
            return
        if place.ready > edge:
            _sooner(wake, place.ready)
            return
        if not _ports_have_room(core, now):
            return
        place.finished = 0
        place.pending = core.n_channels
        place.not_before = _port_time(core, &core.out_free, edge, row)
        _send_all(core, now, TAG_ENTRY | number % core.accumulators | (walker.task % MAX_PROGRAMS) << 4,
                  core.shapes[_task(core, walker.task).program][walker.held], _address(core, walker, row))
        core.part.counts[BYTES_STORED] += <int64_t> row.rows * row.row_bytes
        if core.n_channels:
            _task(core, walker.task).unwritten += 1
        else:
            _free_entry(core, place, walker.task, edge)
        _pass(core, walker, row)
        row = _row(core, walker)


cdef void _free_entry(Core *core, Place *place, int64_t task, int64_t edge) noexcept nogil:
    place.free = place.not_before if place.not_before > edge else edge
    if _task(core, task).ready < place.free:
        _task(core, task).ready = place.free


cdef void _take_answers(Part *part, Core *core, int64_t now, int64_t edge) noexcept nogil:
    cdef const Message *message
    cdef Place *place
    cdef int64_t tag, task
    cdef int32_t i
    for i in range(2, 2 + core.n_channels):
        message = port_peek(part.inputs[i], edge)
        while message != NULL:
            tag = message.a
            if tag & TAG_ENTRY:
                place = core.entries + (tag & 15)
                place.pending -= 1
                if place.pending == 0:
                    task = tag >> 4 & (MAX_PROGRAMS - 1)
                    core.tasks[task].unwritten -= 1
                    _free_entry(core, place, task, edge)
            else:
                place = &core.fifos[tag >> 4 & 3][tag & 15]
                place.pending -= 1
                if place.pending == 0:
                    place.ready = place.not_before if place.not_before > edge else edge
            port_pop(part.inputs[i], now)
            message = port_peek(part.inputs[i], edge)


# --- compute ---

cdef int64_t _operands_ready(Core *core, const Walker *walker, const NpuRow *row) noexcept nogil:
    """Edge from which all operands of a row are there, NEVER while that is not known."""
    cdef const Place *place
    cdef int64_t latest = 0
    cdef int32_t fifo
    for fifo in range(N_FIFOS):
        if row.operand >> fifo & 1:
            if core.pushed[fifo] <= walker.pops[fifo]:
                return NEVER
            place = &core.fifos[fifo][walker.pops[fifo] % core.depth[fifo]]
            if place.ready > latest:
                latest = place.ready
    return latest


cdef int64_t _entry_free(Core *core, int64_t number, int64_t needed, int64_t edge) noexcept nogil:
    """Edge from which a new accumulator entry of so many bytes may be begun, NEVER while that is not known."""
    cdef const Place *place = core.entries + number % core.accumulators
    cdef int64_t taken = 0, soonest
    if place.number != number - core.accumulators:
        return NEVER
    if place.free > edge or core.accumulator_bytes == 0:
        return place.free
    soonest = _held(core.entries, core.accumulators, edge, &taken)
    return edge if taken == 0 or taken + needed <= core.accumulator_bytes else soonest


cdef inline int64_t _result_bytes(const Core *core, const NpuRow *row) noexcept nogil:
    return row.rows * core.result_bytes * (row.pitch if row.kind == ARRAY else row.row_bytes)


cdef inline Place *_begin_entry(Core *core, int64_t number, const NpuRow *row) noexcept nogil:
    cdef Place *place = core.entries + number % core.accumulators
    place.number = number
    place.free = NEVER
    place.bytes = _result_bytes(core, row)
    place.ready = 0
    place.finished = 0
    return place


cdef inline void _pop(Core *core, const Walker *walker, const NpuRow *row, int64_t edge) noexcept nogil:
    cdef int32_t fifo
    for fifo in range(N_FIFOS):
        if row.pop >> fifo & 1:
            core.fifos[fifo][walker.pops[fifo] % core.depth[fifo]].free = edge


cdef void _arrays(Core *core, int64_t now, int64_t edge, int64_t *wake) noexcept nogil:
    cdef Walker *walker = &core.run
    cdef const NpuRow *row = _row(core, walker)
    cdef Place *place
    cdef TileTimes times
    cdef int64_t loaded, free_at, idle
    while row != NULL:
        if row.kind != ARRAY:
            _pass(core, walker, row)
            row = _row(core, walker)
            continue
        if walker.entries + row.first == 0:
            return              # goes on with a result that nobody began
        loaded = _operands_ready(core, walker, row)
        if row.first:
            free_at = _entry_free(core, walker.entries, _result_bytes(core, row), edge)
        else:
            # What follows a fused row on the same entry needs its result.
            free_at = 0
            if walker.after_fused:
                if core.vector.fused < walker.fused:
                    return
                free_at = core.entries[(walker.entries - 1) % core.accumulators].ready
        if loaded > edge or free_at > edge:
            _sooner(wake, loaded if loaded > free_at else free_at)
            return
        _begun(core, walker, now)
        if row.first:
            _begin_entry(core, walker.entries, row)
        place = core.entries + (walker.entries + row.first - 1) % core.accumulators
        run_stalled_tile(&core.array, &core.state, edge, row.rows, row.row_bytes, row.pitch, row.stall, &times)
        _pop(core, walker, row, times.read)
        if times.done > place.ready:
            place.ready = times.done
        if row.last:
            place.finished = 1
        if times.done > _task(core, walker.task).ready:
            _task(core, walker.task).ready = times.done
        idle = edge - core.array_free
        if idle > 0:
            core.part.counts[LOAD_STALL if loaded >= free_at else STORE_STALL] += idle
        core.array_free = times.free
        core.part.counts[ARRAY_BUSY] += times.busy_cycles
        core.part.counts[MACS] += times.macs
        core.part.counts[TILES] += 1
        if core.log.enabled:
            log_event(&core.log, times.start, CODE_ARRAY, 0, -1, <int32_t> times.busy_cycles)
        _pass(core, walker, row)
        row = _row(core, walker)


cdef void _vectors(Core *core, int64_t now, int64_t edge, int64_t *wake) noexcept nogil:
    cdef Walker *walker = &core.vector
    cdef const NpuRow *row = _row(core, walker)
    cdef Place *place
    cdef int64_t at, other, end
    while row != NULL:
        if row.kind != VECTOR:
            _pass(core, walker, row)
            row = _row(core, walker)
            continue
        if walker.entries + row.first == 0:
            return
        at = _operands_ready(core, walker, row)
        if row.fused:
            if core.run.fused <= walker.fused:
                return
            other = core.entries[(walker.entries - 1) % core.accumulators].ready
        else:
            other = _entry_free(core, walker.entries, _result_bytes(core, row), edge) if row.first else 0
        if other > at:
            at = other
        if core.vector_free > at:
            at = core.vector_free
        if at > edge:
            _sooner(wake, at)
            return
        _begun(core, walker, now)
        if row.first:
            _begin_entry(core, walker.entries, row)
        place = core.entries + (walker.entries + row.first - 1) % core.accumulators
        end = edge + row.cycles
        core.vector_free = end
        core.part.counts[VECTOR_BUSY] += row.cycles
        if core.log.enabled:
            log_event(&core.log, edge, CODE_VECTOR, 0, -1, <int32_t> row.cycles)
        _pop(core, walker, row, end)
        place.ready = end
        if row.last:
            place.finished = 1
        if end > _task(core, walker.task).ready:
            _task(core, walker.task).ready = end
        _pass(core, walker, row)
        row = _row(core, walker)


cdef void _side_tasks(Part *part, Core *core, int64_t now, int64_t edge, int64_t *wake) noexcept nogil:
    """Tasks of the vector unit alone, one after the other."""
    cdef const Message *message = port_peek(part.inputs[1], edge)
    cdef int64_t task, cycles
    while message != NULL:
        if core.vector_free > edge:
            _sooner(wake, core.vector_free)
            return
        if not port_has_room(part.outputs[1], now):
            return
        task, cycles = message.a, message.b
        port_pop(part.inputs[1], now)
        core.vector_free = edge + cycles
        core.moves += 1
        part.counts[SIDE_BUSY] += cycles
        if core.log.enabled:
            log_event(&core.log, edge, CODE_VECTOR, 0, -1, <int32_t> cycles)
        port_send(part.outputs[1], edge_time(&part.clock, edge + cycles), DONE_MESSAGE, task, now, 0)
        message = port_peek(part.inputs[1], edge)


# --- the component ---

cdef int64_t _advance(Part *part, int64_t now) noexcept nogil:
    cdef Core *core = <Core *> part.self
    cdef int64_t edge = edge_at_or_after(&part.clock, now), wake = NEVER, moves
    _take_answers(part, core, now, edge)
    while True:
        moves = core.moves
        wake = NEVER
        _take_programs(part, core, now, edge)
        _arrays(core, now, edge, &wake)
        # The vector unit serves tasks of its own first, then the program: softmax holds up the banks.
        _side_tasks(part, core, now, edge, &wake)
        _vectors(core, now, edge, &wake)
        _stores(core, now, edge, &wake)
        _loads(core, now, edge, &wake)
        _finish(part, core, now, edge, &wake)
        if core.moves == moves:
            break
    return FOREVER if wake >= NEVER else edge_time(&part.clock, wake if wake > edge else edge + 1)


cdef void _take_programs(Part *part, Core *core, int64_t now, int64_t edge) noexcept nogil:
    cdef const Message *message = port_peek(part.inputs[0], edge)
    cdef Task *task
    while message != NULL and core.task_tail - core.task_head < MAX_PROGRAMS:
        task = _task(core, core.task_tail)
        task.task = message.a
        task.program = <int32_t> message.b
        task.base = message.c
        task.start = -1
        task.ready = 0
        task.unwritten = 0
        core.task_tail += 1
        # Queues that had come to the end of all programs go on here.
        _continue(core, &core.load)
        _continue(core, &core.run)
        _continue(core, &core.vector)
        _continue(core, &core.store)
        port_pop(part.inputs[0], now)
        message = port_peek(part.inputs[0], edge)


cdef inline void _continue(Core *core, Walker *walker) noexcept nogil:
    if walker.task == core.task_tail - 1:
        _enter(core, walker)


cdef void _finish(Part *part, Core *core, int64_t now, int64_t edge, int64_t *wake) noexcept nogil:
    """Answer the oldest program if it is over."""
    cdef Task *task
    cdef int64_t head = core.task_head
    if head == core.task_tail:
        return
    task = _task(core, head)
    if core.load.task == head or core.run.task == head or core.vector.task == head or core.store.task == head:
        return
    if task.unwritten:
        return
    if task.ready > edge:
        _sooner(wake, task.ready)
        return
    if not port_has_room(part.outputs[0], now):
        return
    core.task_head += 1
    core.moves += 1
    port_send(part.outputs[0], now, DONE_MESSAGE, task.task, task.start if task.start >= 0 else now, 0)


cdef Waits _waits(const Part *part, int32_t *port) noexcept nogil:
    cdef const Core *core = <const Core *> part.self
    port[0] = -1
    if core.task_head == core.task_tail:
        return WAITS_FOR_NOTHING
    return WAITS_FOR_MESSAGE


cdef void _reset(Part *part) noexcept nogil:
    cdef Core *core = <Core *> part.self
    cdef int32_t fifo, i
    reset_array(&core.state)
    for i in range(MAX_PLACES):
        for fifo in range(N_FIFOS):
            memset(&core.fifos[fifo][i], 0, sizeof(Place))
        memset(&core.entries[i], 0, sizeof(Place))
        core.entries[i].number = i - core.accumulators
    for fifo in range(N_FIFOS):
        core.pushed[fifo] = 0
    core.in_free = core.out_free = core.may_load = core.array_free = core.vector_free = core.moves = 0
    memset(&core.load, 0, sizeof(Walker))
    memset(&core.run, 0, sizeof(Walker))
    memset(&core.vector, 0, sizeof(Walker))
    memset(&core.store, 0, sizeof(Walker))
    core.task_head = core.task_tail = 0
