# csrc/dram/alike_channels.pxd: channels of one memory that do the same are simulated once, as long as they do.
#
# Spec:   the channels' cores, in the order in which the engine wakes them at one time.
# State:  who leads whom (ChannelCore). A channel that follows has no state of its own but its counts, which are kept as
#         the difference to its leader's, its ports and its log up to `log_mark`.
# Rules:  a channel follows an earlier one from a tick at which both have come to the same state; it leaves, with a copy
#         of the leader's state, before a message that only one of them gets. Counts, logs and messages are those of
#         channels that are simulated each for itself.

from libc.stdint cimport int32_t, int64_t

from bitline.csrc.dram.channel_core cimport ChannelCore

cdef bint same_messages(const ChannelCore *one, const ChannelCore *other, int64_t edge) noexcept nogil
cdef bint follow_alike(ChannelCore *core, int64_t edge) noexcept nogil
cdef void leave(ChannelCore *core) noexcept nogil
cdef void part_unlike(ChannelCore *core, int64_t edge, int64_t now) noexcept nogil
