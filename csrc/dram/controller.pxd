# csrc/dram/controller.pxd: what every controller of a channel offers, whatever its queues.
#
# A controller works tick by tick, and skips the ticks at which nothing can happen: `next` is the earliest tick that
# may matter. `clk` is the last tick that is done. A request arrives after tick `clk` and is seen by tick `clk + 1`.

from libc.stdint cimport int32_t, int64_t

from bitline.csrc.dram.channel cimport Channel
from bitline.csrc.dram.request cimport Completions, Request

ctypedef struct Controller:
    Channel *channel
    void *queues
    int64_t clk
    int64_t next
    Completions completions
    int32_t (*accepts)(const Controller *, int32_t kind, int64_t line) noexcept nogil
    void (*accept)(Controller *, const Request *) noexcept nogil
    void (*tick)(Controller *) noexcept nogil
    void (*flush)(Controller *) noexcept nogil  # no more requests will come: hold nothing back
    int32_t (*waiting)(const Controller *) noexcept nogil
    void (*reset)(Controller *) noexcept nogil
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
