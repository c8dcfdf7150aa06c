# csrc/pim/newton_state.pyx: the state of a channel of banks that compute against that of another.
#
# Channels with PIM work are never the same here: their programs differ, and it would take its own comparison.

from libc.stdint cimport int32_t
from libc.string cimport memcpy

from bitline.csrc.dram.banked cimport Banked
from bitline.csrc.dram.banked_state cimport copy_banked, same_banked
from bitline.csrc.dram.channel cimport copy_rows, same_rows
from bitline.csrc.dram.controller cimport Controller, PimRequest
from bitline.csrc.dram.timing cimport copy_timing, same_timing
from bitline.csrc.pim.newton cimport Newton


cdef bint same_newton(const Controller *one, const Controller *other) noexcept nogil:
    """Will two channels of one table and policy do the same? False also where that is hard to say."""
    cdef const Newton *a = <const Newton *> one.queues
    cdef const Newton *b = <const Newton *> other.queues
    cdef int32_t enough_uses = a.banked.policy.hit_cap if a.banked.policy.hit_cap > 2 else 2
    if one.clk != other.clk or a.used or b.used or a.writing_vector or b.writing_vector:
        return False
    if (a.slack != b.slack or a.skipping != b.skipping or a.in_tile != b.in_tile or a.all_open_row != b.all_open_row
            or a.results_left != b.results_left or a.columns_done != b.columns_done):
        return False
    if (a.memory_at > one.clk or b.memory_at > one.clk) and a.memory_at != b.memory_at:
        return False
    if (a.tree_full > one.clk or b.tree_full > one.clk) and a.tree_full != b.tree_full:
        return False
    return (same_rows(one.channel, other.channel, enough_uses) and same_banked(&a.banked, &b.banked)
            and same_timing(one.channel.timing, other.channel.timing, one.clk))


cdef void copy_newton(const Controller *source, Controller *target) noexcept nogil:
    """Put a channel into the state of another; its counts and its log stay."""
    cdef const Newton *newton = <const Newton *> source.queues
    cdef Newton *copy = <Newton *> target.queues
    cdef Banked banked = copy.banked
    cdef PimRequest *ring = copy.ring
    copy[0] = newton[0]
    copy.banked = banked
    copy.ring = ring
    memcpy(ring, newton.ring, newton.size * sizeof(PimRequest))
    copy_banked(&newton.banked, &copy.banked)
    copy_rows(source.channel, target.channel)
    copy_timing(source.channel.timing, target.channel.timing)
    target.clk, target.next = source.clk, source.next
