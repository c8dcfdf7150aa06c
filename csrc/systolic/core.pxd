# csrc/systolic/core.pxd: an NPU core: systolic arrays, a vector unit, a scratchpad and a DMA engine, running programs.
#
# Spec:   the arrays' rule (array.pxd); places of each operand FIFO and of the accumulators, and the bytes that they
#         share; bytes a cycle of the port.
# State:  where the four queues stand in the programs; what lies in the FIFOs and accumulators, and from when.
# Rules:  four queues walk one program, each in order and past what is not its own: LOAD, ARRAY, VECTOR, STORE.
#         A LOAD asks every channel for its part of a tile and fills the next place of an operand FIFO when it is free;
#         activations of a program wait until the programs before it are done, weights do not. An ARRAY or VECTOR row
#         starts when the oldest entries of the FIFOs that it reads have come, and the accumulator entry that it begins
#         is free; `pop` frees entries when they have been read. A fused VECTOR row works on the entry that the ARRAY
#         rows before it made. A STORE writes the oldest finished entry and frees it. Tasks of the vector unit alone go
#         between the VECTOR rows, as they come.

from libc.stdint cimport int32_t, int64_t

from bitline.csrc.engine.component cimport Component, Part
from bitline.csrc.engine.event_log cimport EventLog
from bitline.csrc.engine.program cimport Cursor, Nest
from bitline.csrc.systolic.array cimport ArraySpec, ArrayState

cdef enum:
    N_FIFOS = 3
    MAX_PLACES = 16
    MAX_PROGRAMS = 32         # tasks waiting or under way
    MAX_STRIDES = 8

cdef enum RowKind:
    LOAD
    ARRAY
    VECTOR
    STORE

cdef packed struct NpuRow:    # NPU_BODY
    int64_t offset
    int32_t kind
    int32_t operand
    int32_t pop
    int32_t first
    int32_t last
    int32_t rows
    int32_t row_bytes
    int64_t pitch
    int64_t cycles
    int32_t fused
    int32_t stall             # cycles that bank conflicts add to each block of rows
    int64_t[8] strides        # what a turn of each enclosing loop adds to the address, outermost first

cdef struct Place:            # of an operand FIFO or of the accumulators
    int64_t number            # entry that it holds, counted over all programs
    int64_t ready             # edge from which it may be used, NEVER while that is not known
    int64_t free              # edge from which it may be filled again, NEVER while that is not known
    int64_t not_before        # edge before which the port has not moved all of it
    int64_t bytes             # of the scratchpad or the accumulator
    int32_t pending           # channels that have not answered
    int32_t finished          # accumulators: all work on it has been begun

cdef struct Walker:           # one of the four queues
    int64_t task              # program that it stands in, counted over all
    Cursor cursor
    int32_t held              # row that waits, NOT_FETCHED, or AT_END
    int64_t[3] pops           # entries of each FIFO that the rows so far have popped
    int64_t entries           # accumulator entries that the rows so far have begun
    int64_t stores
    int64_t fused             # fused rows passed
    int32_t after_fused       # the last row that computes was one

cdef struct Task:
    int64_t task              # of the dispatcher
    int64_t base
    int32_t program
    int64_t start             # ps, -1 before its first row
    int64_t ready             # edge at which the last result is there
    int64_t unwritten         # stores that are not over

cdef struct Core:
    ArraySpec array
    ArrayState state
    int32_t n_channels
    int32_t[3] depth          # places of the FIFOs
    int32_t accumulators
    int64_t port_bytes        # a cycle; 0: any number
    int64_t scratchpad_bytes  # that all entries of the FIFOs share; 0: places alone count
    int64_t accumulator_bytes
    int64_t result_bytes      # of an element in the accumulator
    Place[3][16] fifos
    int64_t[3] pushed         # entries of each FIFO asked for so far
    Place[16] entries
    int64_t in_free           # edge from which the port takes loads, and stores
    int64_t out_free
    int64_t may_load          # edge of the next LOAD
    int64_t array_free        # edge at which the last tile let the array go
    int64_t vector_free
    int64_t moves             # rows passed and answers given: whether anything happened
    Walker load
    Walker run                # ARRAY rows
    Walker vector
    Walker store
    Task[32] tasks
    int64_t task_head         # oldest that is not done
    int64_t task_tail
    const Nest **nests
    const NpuRow **bodies
    const int32_t **shapes    # by body row: what the channels know the transfer as
    int32_t n_programs
    EventLog log
    Part *part

cdef class NpuCore(Component):
    cdef Core core
    cdef list programs
    cdef list keep
    cdef list channels
