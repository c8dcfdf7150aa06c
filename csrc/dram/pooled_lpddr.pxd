# csrc/dram/pooled_lpddr.pxd: the pooled controller's tick for split activation and a synchronised data clock.

from bitline.csrc.dram.controller cimport Controller
from bitline.csrc.dram.pooled cimport Pooled

cdef set_up_split(Pooled *pooled, table)
cdef void tick_split(Controller *controller) noexcept nogil
