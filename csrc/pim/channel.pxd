# csrc/pim/channel.pxd: a DRAM channel with compute in its banks, executing programs in order.
#
# Spec:   the part's timing table, how each kind of access opens its row, when to refresh.
# State:  the DRAM channel's; the tick from which the command bus is free, when the last data is done, the next refresh.
# Rules:  a command issues at the first tick that the bus and the timing table allow, in program order. An access to a
#         row that is not open closes what is in the way and opens it first. A refresh that is due goes before the next
#         row is opened, or at its time while nothing runs.

from libc.stdint cimport int32_t, int64_t

from bitline.csrc.dram.channel cimport Channel
from bitline.csrc.engine.component cimport Component, Part
from bitline.csrc.engine.event_log cimport Segments
from bitline.csrc.engine.program cimport Cursor, Nest
from bitline.csrc.engine.region cimport Region

cdef struct Access:           # how a row of a program's body reaches the banks
    int32_t command           # -1: only the row is opened
    int32_t open_with         # -1: needs no row
    int32_t close_with
    int32_t latency           # ticks from the command to the end of its data

cdef struct BodyRow:          # PIM_BODY
    int64_t offset            # row, from the program's base
    int32_t access
    int32_t bank
    int32_t column
    int32_t count             # commands, to columns one after the other
    int32_t pause             # ticks that the host waits after the data before it, -1: does not wait
    int32_t fixed             # the offset is a row number, whatever the base

cdef struct PimCore:
    Channel *channel
    Access *accesses
    int64_t refresh_interval  # ticks; 0: never
    int64_t clock             # tick from which a command may go
    int64_t done              # tick at which the last data is done
    int64_t next_refresh
    int64_t fixed_from        # rows from here on are the same whatever the base
    int64_t longest_pause     # of all programs
    int64_t *opened_at        # by bank
    Cursor cursor
    const Nest *nest          # of the program that runs
    const BodyRow *body
    const Nest **nests        # of all programs
    const BodyRow **bodies
    int32_t n_programs
    void *region              # NULL: no fast-forward
    Part *part
    int64_t busy              # ticks spent in programs

cdef class PimChannel(Component):
    cdef PimCore core
    cdef list programs
    cdef readonly Region region
    cdef readonly int multiplicity
    cdef readonly object table
    cdef Segments *_segments(self)
