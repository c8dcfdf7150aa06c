# csrc/dram/make_controller.pyx: the controller that a resolved policy names.

from bitline.csrc.dram.banked cimport new_banked
from bitline.csrc.dram.controller cimport Controller
from bitline.csrc.dram.pooled cimport new_pooled
from bitline.csrc.pim.newton cimport new_newton


cdef Controller *new_controller(table, dict policy) except NULL:
    """A controller of one channel. `policy`: resolve_policy of arch/dram/controller.py."""
    if policy["queues"] == "banked":
        return new_banked(table, policy)
    if policy["queues"] == "newton":
        return new_newton(table, policy)
    return new_pooled(table, policy)
