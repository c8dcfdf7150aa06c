# csrc/dram/controller.pxd: what every controller of a channel offers, whatever its queues.
#
# A controller works tick by tick, and skips the ticks at which nothing can happen: `next` is the earliest tick that
# may matter. `clk` is the last tick that is done. A request arrives after tick `clk` and is seen by tick `clk + 1`.
# Controllers of banks that compute also take PIM requests, in a queue of their own that is strictly in order.

from libc.stdint cimport int32_t, int64_t

from bitline.csrc.dram.channel cimport Channel
from bitline.csrc.dram.request cimport Completions, Request

cdef enum:             # kinds of PIM request
    PIM_GWRITE         # bank, row: one row of one bank to the channel's vector buffer, through the memory row buffer
    PIM_HEADER         # row, comps, results: announces a tile, that is one row of all banks
    PIM_COMPS          # row, comps: that many columns of the open PIM row in all banks, then one read of the results

cdef struct PimRequest:
    int32_t kind
    int32_t bank
    int32_t row
    int32_t comps      # of a header: of the whole tile
    int32_t results    # result reads
    int64_t tag        # answered in pim_completions at the end of its data; -1: nobody waits

ctypedef struct Controller:
    Channel *channel
    void *queues
    int64_t clk
    int64_t next
    Completions completions
    Completions pim_completions
    int32_t (*pim_room)(const Controller *) noexcept nogil   # free places for PIM requests; NULL: no compute in banks
    void (*pim_accept)(Controller *, const PimRequest *) noexcept nogil
    int32_t (*pim_waiting)(const Controller *) noexcept nogil  # PIM requests not yet through
    int32_t (*accepts)(const Controller *, int32_t kind, int64_t line) noexcept nogil
    void (*accept)(Controller *, const Request *) noexcept nogil
    void (*tick)(Controller *) noexcept nogil
    void (*flush)(Controller *) noexcept nogil  # no more requests will come: hold nothing back
    int32_t (*waiting)(const Controller *) noexcept nogil
    void (*reset)(Controller *) noexcept nogil
    # Will two that have done the same tick do the same from now on? And: be in the state of another. NULL: not offered.
    bint (*same)(const Controller *, const Controller *) noexcept nogil
    void (*copy)(const Controller *, Controller *) noexcept nogil
    void (*release)(Controller *) noexcept

cdef inline void advance_to(Controller *controller, int64_t tick) noexcept nogil:
    # Do every tick up to and including `tick`.
    while controller.next <= tick:
        controller.clk = controller.next
        controller.tick(controller)
    if controller.clk < tick:
        controller.clk = tick

cdef inline void wake_at(Controller *controller, int64_t tick) noexcept nogil:
    if tick < controller.next:
        controller.next = tick
