# csrc/dram/channel_core.pxd: what a memory channel keeps as a component (see memory_channel.pxd).

from libc.stdint cimport int32_t, int64_t, uint64_t

from bitline.csrc.dram.controller cimport Controller
from bitline.csrc.dram.lines cimport LineMap
from bitline.csrc.engine.component cimport Part
from bitline.csrc.engine.program cimport Cursor, Nest

cdef enum:
    MAX_TRANSFERS = 64        # of a port and kind, waiting or under way
    MAX_TASKS = 64            # PIM programs, the same

cdef struct Shape:            # of a transfer
    int32_t kind              # READ or WRITE
    int32_t rows
    int64_t row_bytes
    int64_t pitch

cdef struct Transfer:
    int64_t task
    int64_t base
    int64_t start             # ps
    int64_t line              # next line to ask for
    int64_t row_end           # line after the last one of its row
    int64_t unasked           # lines of the channel that were not asked for yet
    int64_t open              # asked for, not answered
    int64_t last              # tick of the latest answer
    int32_t row
    int32_t shape

cdef struct Queue:            # transfers of one port and kind, oldest first
    Transfer[64] items
    int64_t head              # oldest that is not done
    int64_t asking            # oldest with lines to ask for
    int64_t tail
    int64_t lines             # asked for so far

cdef struct PimRow:           # PIM_QUEUE_BODY
    int64_t offset            # row, from the program's base
    int32_t kind
    int32_t bank
    int32_t comps
    int32_t results

cdef struct PimTask:
    int64_t task
    int64_t base
    int64_t start             # ps
    int32_t program

ctypedef struct ChannelCore

ctypedef struct ChannelCore:
    Controller *controller
    LineMap lines
    Shape *shapes
    int32_t n_shapes
    Queue *queues             # [2 * ports]: reads and writes of each
    int32_t n_ports
    int32_t turn              # queue that was served last
    int64_t offer_at          # tick of the next offer, NEVER after a refusal
    int64_t last_offer
    int32_t stamp             # ticks from the offer to the request's arrival
    int64_t max_open          # reads without an answer
    int64_t n_open
    int64_t *returns          # ring of ticks at which reads are answered, of a power of two of places
    int64_t returns_mask
    int64_t returns_head
    int64_t returns_tail
    # PIM
    int32_t has_pim
    const Nest **nests
    const PimRow **bodies
    int32_t n_programs
    Cursor cursor
    int32_t feeding           # a program is being queued
    int32_t held              # its row that waits for room, or -3
    PimTask[64] tasks
    int64_t task_head         # oldest that is not done
    int64_t task_feed         # next to be queued
    int64_t task_tail
    int64_t pim_busy          # ticks with a PIM task under way
    int64_t pim_counted       # tick up to which that is counted
    int64_t refresh_ticks     # 0: no refresh at a barrier
    # Channels that do the same (alike_channels.pxd)
    ChannelCore **peers       # of one memory, in the order in which the engine wakes them; NULL: each for itself
    int32_t peer              # own place among them
    ChannelCore *leader       # that does the same: the state is its state. NULL: none
    ChannelCore *follower     # the first of those that do the same, then the next: NULL at the end
    ChannelCore *gone         # while channels part: the one that went before
    int64_t look_edge         # edge at which `look` was taken
    uint64_t look             # what alike channels have in common
    int64_t log_mark          # row of the leader's log from which on it is also this channel's
    Part *part
