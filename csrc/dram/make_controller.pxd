# csrc/dram/make_controller.pxd: the controller that a resolved policy names.

from bitline.csrc.dram.controller cimport Controller

cdef Controller *new_controller(table, dict policy) except NULL
