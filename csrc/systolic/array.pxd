# csrc/systolic/array.pxd: when a tile of a matrix product enters the systolic arrays of a core, and when it is through.
#
# Spec:   the arrays' size and number, what they hold still, and the rule that says when a block may start.
# State:  times in cycles of the core's clock from which the arrays can take more; the blocks in their pipe.
# Rules:  one function a rule (array.pyx), chosen when the spec is made. A tile is m x k x n: m rows of activations,
#         k the reduction, n columns of weights. Blocks of a tile follow each other without the caller; the state goes
#         on from tile to tile, so that the tiles of a product take the time of the whole.

from libc.stdint cimport int32_t, int64_t

from bitline.csrc.engine.snapshot cimport Snapshot

cdef enum:
    MAX_ARRAYS = 256
    MAX_PIPE = 1024           # blocks in the pipe at a time

cdef enum Rule:
    SCALE_SIM                 # one array, folds one after the other
    INDEPENDENT               # several arrays; the folds are dealt to them in turn
    ONNXIM                    # one array with a pipe of blocks
    NEUPIMS                   # several arrays with the same weights, which share the rows of each block

cdef enum Dataflow:
    OUTPUT_STATIONARY
    WEIGHT_STATIONARY
    INPUT_STATIONARY

cdef struct TileTimes:        # cycles
    int64_t start             # rows of the first block begin to enter
    int64_t read              # all operands have been read: their buffers may be filled again
    int64_t free              # the next tile may be issued
    int64_t done              # all results are in the accumulator
    int64_t busy_cycles       # with the tile in the arrays, and not an earlier tile
    int64_t blocks
    int64_t macs              # of the product itself, without padding

cdef struct ArrayState:
    int64_t done              # everything issued so far is in the accumulator
    # SCALE_SIM, INDEPENDENT
    int32_t turn              # array that takes the next fold
    int64_t[MAX_ARRAYS] load_free     # the array can load a stationary operand (without double buffer: can start)
    int64_t[MAX_ARRAYS] stream_free   # the array can take rows
    # ONNXIM, NEUPIMS
    int64_t issue_free        # the next block can be issued
    int64_t start             # of the last block
    int64_t rows              # of the last block: cycles that it takes in
    int64_t finish            # of the last block
    int32_t head              # blocks in the pipe: a ring of their finish times
    int32_t count
    int64_t[MAX_PIPE] pipe

ctypedef void (*TileRule)(const ArraySpec *, ArrayState *, int64_t, int64_t, int64_t, int64_t, int64_t,
                          TileTimes *) noexcept nogil

cdef struct ArraySpec:
    int32_t rows
    int32_t columns
    int32_t arrays
    int32_t rule
    int32_t dataflow
    int32_t weight_double_buffer
    TileRule run

# Raises SpecError for what cannot be. `rule` and `dataflow` by name: RULES and DATAFLOWS of array.pyx.
cdef ArraySpec make_array(rows, columns, arrays, rule, dataflow, weight_double_buffer) except *
cdef void reset_array(ArrayState *state) noexcept nogil
cdef void save_array(const ArraySpec *spec, const ArrayState *state, int64_t now, Snapshot *snapshot) noexcept nogil
cdef void load_array(const ArraySpec *spec, ArrayState *state, int64_t now, Snapshot *snapshot) noexcept nogil

cdef inline int64_t run_tile(const ArraySpec *spec, ArrayState *state, int64_t now, int64_t m, int64_t k, int64_t n,
                             TileTimes *out) noexcept nogil:
    # Issue a tile whose operands are all in the scratchpad at `now`. Returns the cycle at which it is done.
    spec.run(spec, state, now, m, k, n, 0, out)
    return out.done

cdef inline int64_t run_stalled_tile(const ArraySpec *spec, ArrayState *state, int64_t now, int64_t m, int64_t k,
                                     int64_t n, int64_t stall, TileTimes *out) noexcept nogil:
    # The same where conflicts in the scratchpad's banks hold all arrays up for `stall` cycles, all together.
    spec.run(spec, state, now, m, k, n, stall, out)
    return out.done
