# csrc/engine/clock.pxd: clock domains in integer picoseconds.
#
# Edge n of a domain lies at n * num // den ps, with 10^12 / frequency = num / den reduced: no drift, no floats.

from libc.stdint cimport int64_t

cdef extern from *:
    """
    typedef __int128 bitline_wide;
    """
    ctypedef long long wide "bitline_wide"

cdef extern from *:
    """
    #define BITLINE_FOREVER ((int64_t) 0x3fffffffffffffff)
    """
    const int64_t FOREVER "BITLINE_FOREVER"     # 2^62 - 1 ps, 53 days: never

cdef struct Clock:
    int64_t num
    int64_t den

cdef inline int64_t edge_time(const Clock *clock, int64_t n) noexcept nogil:
    # Time of edge n, in ps; what lies past the end of time is its last ps.
    cdef wide time = (<wide> n) * clock.num // clock.den
    return <int64_t> time if time < FOREVER else FOREVER - 1

cdef inline int64_t edge_at_or_after(const Clock *clock, int64_t time) noexcept nogil:
    # First edge that is not before `time`.
    return <int64_t> (((<wide> time) * clock.den + clock.num - 1) // clock.num)

cdef inline int64_t edge_at_or_before(const Clock *clock, int64_t time) noexcept nogil:
    # Last edge that is not after `time`.
    return edge_at_or_after(clock, time + 1) - 1

cdef inline int64_t edge_phase(const Clock *clock, int64_t n) noexcept nogil:
    # What rounding to ps left of edge n, in 1 / den ps: equal phases have equal edges ahead of them.
    return <int64_t> ((<wide> n) * clock.num % clock.den)

cdef Clock make_clock(frequency_mhz) except *
cdef Clock clock_of_period(period_ps) except *
