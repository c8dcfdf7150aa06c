# csrc/engine/traffic.pxd: what requesters and memories of the engine say to each other.
#
# A message is (kind, address, bytes, 0): the address in whatever unit the program counts in. The answer repeats it.

from bitline.csrc.engine.component cimport ADDRESS

cdef enum:
    READ_MESSAGE = ADDRESS | 1
    WRITE_MESSAGE = ADDRESS | 2
