# csrc/dram/memory_channel.pxd: a memory channel as a component: transfers and PIM programs in, answers out.
#
# Spec:   the part's timing table, a controller's policy, which lines are the channel's, requests it may have open.
# State:  the controller's; transfers by port, and where each stands; the PIM program that is being queued.
# Rules:  a transfer is the lines of `rows` rows of `row_bytes` bytes, `pitch` apart, that fall on this channel. One
#         request is offered a tick; ports, and reads and writes of a port, take turns, each in the order of arrival. A
#         read transfer is done when its last data is there, a write transfer when its last line was taken. PIM requests
#         go to their own queue in program order.
#
# The channel lags behind the engine's time: it wakes when a message comes, or at a time before which no transfer can
# be done. What it does at a tick does not depend on when it is woken.

from libc.stdint cimport int32_t, int64_t

from bitline.csrc.dram.controller cimport Controller
from bitline.csrc.dram.lines cimport LineMap
from bitline.csrc.engine.component cimport Component, Part
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

cdef struct ChannelCore:
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
    int64_t *returns          # ring of [max_open] ticks at which reads are answered
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
    Part *part

cdef class MemoryChannel(Component):
    cdef ChannelCore core
    cdef list programs
    cdef list keep_shapes
    cdef public int multiplicity
    cdef readonly int channel
    cdef readonly object table
