# csrc/systolic/array.pyx: the rules of systolic arrays (see array.pxd).

import numpy as np

from libc.stdint cimport int32_t, int64_t
from libc.string cimport memset

from bitline.base.errors import CapacityError, SpecError, did_you_mean

from bitline.csrc.engine.snapshot cimport get64, put64, Snapshot, snapshot_free

RULES = {"scale-sim": SCALE_SIM, "independent": INDEPENDENT, "onnxim": ONNXIM, "neupims": NEUPIMS}
DATAFLOWS = {"output": OUTPUT_STATIONARY, "weight": WEIGHT_STATIONARY, "input": INPUT_STATIONARY}
TILE_TIMES = np.dtype([(name, "i8") for name in ("start", "read", "free", "done", "busy_cycles", "blocks", "macs")])

MAX_SIDE = 1 << 16
MAX_EXTENT = 1 << 20          # of a tile: the product of three stays in 64 bits


cdef ArraySpec make_array(rows, columns, arrays, rule, dataflow, weight_double_buffer) except *:
    """A checked spec with its rule."""
    cdef ArraySpec spec
    limits = (("rows", rows, MAX_SIDE), ("columns", columns, MAX_SIDE), ("arrays", arrays, MAX_ARRAYS))
    for name, value, limit in limits:
        if not 1 <= value <= limit:
            raise SpecError(f"a systolic array with {value} {name}", field=name, expected=f"1 to {limit}")
    if rule not in RULES:
        raise SpecError(f"no array rule '{rule}'", field="rule", expected=did_you_mean(rule, RULES))
    if dataflow not in DATAFLOWS:
        raise SpecError(f"no dataflow '{dataflow}'", field="dataflow", expected=did_you_mean(dataflow, DATAFLOWS))
    spec.rows, spec.columns, spec.arrays = rows, columns, arrays
    spec.rule, spec.dataflow = RULES[rule], DATAFLOWS[dataflow]
    spec.weight_double_buffer = bool(weight_double_buffer)
    if spec.rule in (SCALE_SIM, ONNXIM) and arrays > 1:
        raise SpecError(f"{arrays} arrays with the rule '{rule}'", field="arrays",
                        expected="1, or the rule 'independent' or 'neupims'")
    if spec.rule in (ONNXIM, NEUPIMS) and spec.dataflow != WEIGHT_STATIONARY:
        raise SpecError(f"dataflow '{dataflow}' with the rule '{rule}'", field="dataflow", expected="'weight'")
    if spec.rule in (ONNXIM, NEUPIMS) and rows > MAX_PIPE:
        raise SpecError(f"{rows} rows with the rule '{rule}'", field="rows", expected=f"at most {MAX_PIPE}")
    if spec.dataflow == OUTPUT_STATIONARY and weight_double_buffer:
        raise SpecError("a weight double buffer, where no weights are held", field="weight_double_buffer",
                        expected="false, or the dataflow 'weight' or 'input'")
    if spec.rule == ONNXIM:
        spec.run = _run_onnxim
    elif spec.rule == NEUPIMS:
        spec.run = _run_neupims
    elif weight_double_buffer:
        spec.run = _run_overlapped_folds
    else:
        spec.run = _run_separate_folds
    return spec


ctypedef void (*BlockRule)(const ArraySpec *, ArrayState *, int64_t, int64_t, bint) noexcept nogil


cdef void _nothing(ArrayState *state, int64_t now, TileTimes *out) noexcept nogil:
    memset(out, 0, sizeof(TileTimes))
    out.start = out.read = out.free = out.done = now


cdef inline int64_t _ceil(int64_t a, int64_t b) noexcept nogil:
    return (a + b - 1) // b


cdef inline int64_t _later(int64_t a, int64_t b) noexcept nogil:
    return a if a > b else b


# --- folds: SCALE-Sim (Samajdar et al., ISPASS 2020, section III-B) ---
#
# A fold is what the array holds at a time: rows x columns of the output (os), of the weights (ws) or of the
# activations (is). `length` rows stream past it. Folds at the edges cost as much as full ones: rows and columns of
# the array that hold nothing are passed all the same. All folds of a tile are as long as each other.

cdef inline int64_t _folds(const ArraySpec *spec, int64_t m, int64_t k, int64_t n, int64_t *length) noexcept nogil:
    if spec.dataflow == OUTPUT_STATIONARY:
        length[0] = k
        return _ceil(m, spec.rows) * _ceil(n, spec.columns)
    if spec.dataflow == WEIGHT_STATIONARY:
        length[0] = m
        return _ceil(k, spec.rows) * _ceil(n, spec.columns)
    length[0] = n
    return _ceil(k, spec.rows) * _ceil(m, spec.columns)


cdef void _run_separate_folds(const ArraySpec *spec, ArrayState *state, int64_t now, int64_t m, int64_t k, int64_t n,
                              int64_t stall, TileTimes *out) noexcept nogil:
    """A fold starts when the one before it has left its array."""
    cdef int64_t length, load, cost, begin, end, mine, i, folds = _folds(spec, m, k, n, &length)
    cdef int64_t first = now
    _nothing(state, now, out)
    if m == 0 or k == 0 or n == 0:
        return
    length += stall
    load = 0 if spec.dataflow == OUTPUT_STATIONARY else spec.rows
    cost = load + length + spec.rows + spec.columns - 2
    for i in range(spec.arrays if folds > spec.arrays else folds):
        mine = _ceil(folds - i, spec.arrays)
        begin = _later(now, state.load_free[state.turn])
        end = begin + mine * cost
        if i == 0 or begin < first:
            first = begin
        state.load_free[state.turn] = end
        out.read = _later(out.read, end - (spec.rows + spec.columns - 2))
        out.done = _later(out.done, end)
        state.turn = state.turn + 1 if state.turn + 1 < spec.arrays else 0
    state.turn = _turn_after(spec, state.turn, folds)
    out.start = first + load
    out.free = _later(now, state.load_free[state.turn])
    _count(state, first, folds, m * k * n, out)


cdef void _run_overlapped_folds(const ArraySpec *spec, ArrayState *state, int64_t now, int64_t m, int64_t k, int64_t n,
                                int64_t stall, TileTimes *out) noexcept nogil:
    """A fold's stationary operand is loaded into a second register while the fold before it streams."""
    cdef int64_t length, load, stream, step, mine, i, folds = _folds(spec, m, k, n, &length)
    cdef int64_t first = now
    _nothing(state, now, out)
    if m == 0 or k == 0 or n == 0:
        return
    length += stall
    step = _later(length, spec.rows)
    for i in range(spec.arrays if folds > spec.arrays else folds):
        mine = _ceil(folds - i, spec.arrays)
        load = _later(now, state.load_free[state.turn])
        stream = _later(load + spec.rows, state.stream_free[state.turn])
        if i == 0 or load < first:
            first = load
        if i == 0 or stream < out.start:
            out.start = stream
        stream += (mine - 1) * step
        state.load_free[state.turn] = stream
        state.stream_free[state.turn] = stream + length
        out.read = _later(out.read, stream + length)
        out.done = _later(out.done, stream + length + spec.rows + spec.columns - 2)
        state.turn = state.turn + 1 if state.turn + 1 < spec.arrays else 0
    state.turn = _turn_after(spec, state.turn, folds)
    out.free = _later(now, state.load_free[state.turn])
    _count(state, first, folds, m * k * n, out)


cdef inline int32_t _turn_after(const ArraySpec *spec, int32_t turn, int64_t folds) noexcept nogil:
    # After a round of all arrays the turn is back where it was; the folds left over move it on.
    return turn if folds <= spec.arrays else <int32_t> ((turn + folds) % spec.arrays)


cdef inline void _count(ArrayState *state, int64_t first, int64_t blocks, int64_t macs, TileTimes *out) noexcept nogil:
    out.blocks = blocks
    out.macs = macs
    out.busy_cycles = _later(0, out.done - _later(first, state.done))
    state.done = _later(state.done, out.done)


# --- blocks in a pipe: ONNXim (src/SystolicWS.cc), NeuPIMs (src/NeuPIMSystolicWS.cc) ---
#
# A block is `rows` rows of activations times rows x columns weights. Order in a tile: n, k, m, the last innermost. The
# first block of each weight block preloads them. A last block of fewer rows of activations is shorter (but at least
# MIN_ROWS); one of fewer weights costs as much as a full one. One block is issued a cycle; blocks finish in order.
# Both simulators give the operands' buffer back when a tile's last block has finished.

cdef enum:
    MIN_ROWS = 4              # cycles that a block takes in at least, in both simulators


cdef inline int64_t _block_rows(const ArraySpec *spec, int64_t rows, int64_t stall) noexcept nogil:
    # Cycles that a block takes in: its rows are split over the arrays.
    return _later(_ceil(rows, spec.arrays) + stall, MIN_ROWS)


cdef inline void _enter(const ArraySpec *spec, ArrayState *state, int64_t issue, int64_t start,
                        int64_t rows) noexcept nogil:
    # One block finishes a cycle, in order, and none in the cycle that it was issued in.
    state.start = start
    state.rows = rows
    state.finish = _later(_later(start + spec.rows + spec.columns - 2 + rows, state.finish + 1), issue + 1)
    state.issue_free = issue + 1


cdef void _issue_onnxim(const ArraySpec *spec, ArrayState *state, int64_t now, int64_t rows,
                        bint preload) noexcept nogil:
    """A late block starts at once, as if its weights had been loaded behind the block before it."""
    cdef int64_t start, offset, issue = _later(now, state.issue_free)
    if state.count == spec.rows:
        issue = _later(issue, state.pipe[state.head])
    while state.count and state.pipe[state.head] <= issue:
        state.head = state.head + 1 if state.head + 1 < spec.rows else 0
        state.count -= 1
    if state.count:
        offset = _later(state.rows, spec.rows) if preload else state.rows
        start = _later(issue, state.start + offset)
    else:
        start = issue + (2 * spec.rows - 1 if preload else 0)
    _enter(spec, state, issue, start, rows)
    state.pipe[(state.head + state.count) % spec.rows] = state.finish
    state.count += 1


cdef void _issue_neupims(const ArraySpec *spec, ArrayState *state, int64_t now, int64_t rows,
                         bint preload) noexcept nogil:
    """A late block starts where it would have started had it come in time, be that in the past."""
    cdef int64_t start, issue = _later(now, state.issue_free)
    if state.finish > issue:
        start = state.start + (spec.rows if preload else state.rows)
    else:
        start = issue + (2 * spec.rows - 1 if preload else 0)
    _enter(spec, state, issue, start, rows)


cdef void _run_blocks(const ArraySpec *spec, ArrayState *state, BlockRule issue, int64_t now, int64_t m, int64_t k,
                      int64_t n, int64_t stall, TileTimes *out) noexcept nogil:
    cdef int64_t block, left, first = _later(now, state.issue_free)
    cdef int64_t weight_blocks = _ceil(k, spec.rows) * _ceil(n, spec.columns)
    _nothing(state, now, out)
    if m == 0 or k == 0 or n == 0:
        return
    for block in range(weight_blocks):
        left = m
        while left > 0:
            issue(spec, state, now, _block_rows(spec, left if left < spec.rows else spec.rows, stall), left == m)
            if block == 0 and left == m:
                out.start = state.start
            left -= spec.rows
    out.read = out.done = state.finish
    out.free = state.issue_free
    _count(state, first, weight_blocks * _ceil(m, spec.rows), m * k * n, out)


cdef void _run_onnxim(const ArraySpec *spec, ArrayState *state, int64_t now, int64_t m, int64_t k, int64_t n,
                      int64_t stall, TileTimes *out) noexcept nogil:
    """At most `rows` blocks in the pipe."""
    _run_blocks(spec, state, _issue_onnxim, now, m, k, n, stall, out)


cdef void _run_neupims(const ArraySpec *spec, ArrayState *state, int64_t now, int64_t m, int64_t k, int64_t n,
                       int64_t stall, TileTimes *out) noexcept nogil:
    """No limit on the blocks in the pipe."""
    _run_blocks(spec, state, _issue_neupims, now, m, k, n, stall, out)


# --- state ---

cdef void reset_array(ArrayState *state) noexcept nogil:
    """Nothing was ever issued."""
    memset(state, 0, sizeof(ArrayState))


cdef void save_array(const ArraySpec *spec, const ArrayState *state, int64_t now, Snapshot *snapshot) noexcept nogil:
    """All that decides about tiles issued at `now` or later, as cycles from `now`. Arrays are counted from the turn."""
    cdef int32_t i, array
    put64(snapshot, _later(0, state.done - now))
    if spec.rule == SCALE_SIM or spec.rule == INDEPENDENT:
        for i in range(spec.arrays):
            array = (state.turn + i) % spec.arrays
            put64(snapshot, _later(0, state.load_free[array] - now))
            put64(snapshot, _later(0, state.stream_free[array] - now))
        return
    put64(snapshot, _later(0, state.issue_free - now))
    put64(snapshot, _later(0, state.finish - now))
    if state.finish <= now:
        return
    put64(snapshot, state.start - now)
    put64(snapshot, state.rows)
    cdef int32_t passed = 0
    while passed < state.count and state.pipe[(state.head + passed) % spec.rows] <= now:
        passed += 1
    put64(snapshot, state.count - passed)
    for i in range(passed, state.count):
        put64(snapshot, state.pipe[(state.head + i) % spec.rows] - now)


cdef void load_array(const ArraySpec *spec, ArrayState *state, int64_t now, Snapshot *snapshot) noexcept nogil:
    """Put a saved state at `now`."""
    cdef int32_t i
    reset_array(state)
    state.done = now + get64(snapshot)
    if spec.rule == SCALE_SIM or spec.rule == INDEPENDENT:
        for i in range(spec.arrays):
            state.load_free[i] = now + get64(snapshot)
            state.stream_free[i] = now + get64(snapshot)
        return
    state.issue_free = now + get64(snapshot)
    state.finish = now + get64(snapshot)
    if state.finish <= now:
        return
    state.start = now + get64(snapshot)
    state.rows = get64(snapshot)
    state.count = <int32_t> get64(snapshot)
    for i in range(state.count):
        state.pipe[i] = now + get64(snapshot)


cdef class SystolicArray:
    """The arrays of one core, outside a simulation: when do tiles start, and when are they done?

    `rule`: "scale-sim", "independent", "onnxim" or "neupims"; `dataflow`: "output", "weight" or "input", what the array
    holds still.
    """

    cdef ArraySpec spec
    cdef ArrayState state

    def __init__(self, rows, columns, *, arrays=1, rule="scale-sim", dataflow="weight", weight_double_buffer=False):
        self.spec = make_array(rows, columns, arrays, rule, dataflow, weight_double_buffer)

    @property
    def peak_macs(self):
        """Multiply-accumulates a cycle of all arrays."""
        return int(self.spec.arrays) * self.spec.rows * self.spec.columns

    def reset(self):
        """Back to cycle 0, with nothing issued."""
        reset_array(&self.state)

    def run(self, tiles, *, ready=0, stall=0):
        """Issue tiles, each (m, k, n), in order. Returns a row of TILE_TIMES for each, in cycles.

        A tile is issued once its operands are there, in cycle `ready` (one for all, or one each), and the tile before
        it lets it. `stall`: cycles that bank conflicts add to each block.
        """
        tiles = np.asarray(tiles, np.int64).reshape(-1, 3)
        if tiles.size and not 0 <= tiles.min() <= tiles.max() <= MAX_EXTENT:
            raise CapacityError("a tile with an extent out of range", expected=f"0 to {MAX_EXTENT}")
        cdef const int64_t[:, :] sizes = tiles
        cdef const int64_t[:] at = np.broadcast_to(np.asarray(ready, np.int64), len(tiles))
        cdef const int64_t[:] stalls = np.broadcast_to(np.asarray(stall, np.int64), len(tiles))
        out = np.zeros(len(tiles), TILE_TIMES)
        cdef unsigned char[::1] rows = out.view(np.uint8)
        cdef TileTimes *times = <TileTimes *> &rows[0] if len(tiles) else NULL
        cdef int64_t now = 0
        cdef Py_ssize_t i
        for i in range(len(tiles)):
            now = at[i] if at[i] > now else now
            run_stalled_tile(&self.spec, &self.state, now, sizes[i, 0], sizes[i, 1], sizes[i, 2], stalls[i], times + i)
            now = times[i].free
        return out

    def move(self, int64_t now, int64_t to):
        """Put the state as it is in cycle `now` at cycle `to`: what comes later is the same, shifted."""
        cdef Snapshot snapshot
        memset(&snapshot, 0, sizeof(Snapshot))
        save_array(&self.spec, &self.state, now, &snapshot)
        load_array(&self.spec, &self.state, to, &snapshot)
        snapshot_free(&snapshot)
