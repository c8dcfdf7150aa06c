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
    for name, value, limit in (("rows", rows, MAX_SIDE), ("columns", columns, MAX_SIDE), ("arrays", arrays, MAX_ARRAYS)):
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


cdef void _run_onnxim(const ArraySpec *spec, ArrayState *state, int64_t now, int64_t m, int64_t k, int64_t n,
                      int64_t stall, TileTimes *out) noexcept nogil:
    _nothing(state, now, out)


cdef void _run_neupims(const ArraySpec *spec, ArrayState *state, int64_t now, int64_t m, int64_t k, int64_t n,
                       int64_t stall, TileTimes *out) noexcept nogil:
    _nothing(state, now, out)


# --- state ---

cdef void reset_array(ArrayState *state) noexcept nogil:
    """Nothing was ever issued."""
    memset(state, 0, sizeof(ArrayState))


cdef void save_array(const ArraySpec *spec, const ArrayState *state, int64_t now, Snapshot *snapshot) noexcept nogil:
    """All that decides about later tiles, as cycles from `now`."""
    pass


cdef void load_array(const ArraySpec *spec, ArrayState *state, int64_t now, Snapshot *snapshot) noexcept nogil:
    """Put a saved state at `now`."""
    pass
