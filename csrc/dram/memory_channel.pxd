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

from bitline.csrc.dram.channel_core cimport ChannelCore
from bitline.csrc.engine.component cimport Component

cdef class MemoryChannel(Component):
    cdef ChannelCore core
    cdef list programs
    cdef dict shape_numbers
    cdef list keep_peers
    cdef void **room_for_peers
    cdef public int multiplicity
    cdef readonly int channel
    cdef readonly object table
    cdef _alone(self)
