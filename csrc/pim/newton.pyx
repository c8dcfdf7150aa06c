# csrc/pim/newton.pyx: a controller of banks that compute (see newton.pxd).

from bitline.csrc.dram.controller cimport Controller


cdef Controller *new_newton(table, policy) except NULL:
    """A controller of one channel of a PIM part. `policy`: a NewtonPolicy (arch/dram/controller.py) in ticks."""
    raise NotImplementedError
