# csrc/dram/banked_state.pxd: the state of a banked controller's queues against that of another, of the same policy.

from libc.stdint cimport int64_t

from bitline.csrc.dram.banked cimport Banked

cdef bint same_banked(const Banked *one, const Banked *other) noexcept nogil
cdef void copy_banked(const Banked *source, Banked *target) noexcept nogil
