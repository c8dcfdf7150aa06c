# csrc/pim/newton_state.pxd: the state of a channel of banks that compute against that of another (Controller.same).

from bitline.csrc.dram.controller cimport Controller

cdef bint same_newton(const Controller *one, const Controller *other) noexcept nogil
cdef void copy_newton(const Controller *source, Controller *target) noexcept nogil
