# csrc/dram/pooled_hbm.pxd: the pooled controller's tick for HBM: a row bus and a column bus.

from bitline.csrc.dram.controller cimport Controller

cdef void tick_two_buses(Controller *controller) noexcept nogil
