# csrc/pim/newton.pxd: a controller of banks that compute beside, or instead of, serving ordinary requests.

from bitline.csrc.dram.controller cimport Controller

cdef Controller *new_newton(table, policy) except NULL
