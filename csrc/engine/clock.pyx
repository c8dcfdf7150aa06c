# csrc/engine/clock.pyx: clock domains from frequencies, and their Python face (see clock.pxd).

from fractions import Fraction

from bitline.base.errors import CapacityError, SpecError

MAX_DENOMINATOR = 10**12


cdef Clock clock_of_period(period_ps) except *:
    """The clock of a period in ps, a Fraction."""
    period = Fraction(period_ps).limit_denominator(MAX_DENOMINATOR)
    if not 0 < period <= 10**12:
        raise SpecError(f"a clock period of {float(period):g} ps", expected="more than 0 ps, at most 1 s")
    cdef Clock clock
    clock.num = period.numerator
    clock.den = period.denominator
    return clock


cdef Clock make_clock(frequency_mhz) except *:
    """The clock of a frequency in MHz. Decimal fractions are taken as written."""
    frequency = Fraction(str(frequency_mhz)) if isinstance(frequency_mhz, float) else Fraction(frequency_mhz)
    if frequency <= 0:
        raise SpecError(f"a clock of {frequency_mhz} MHz", expected="a positive frequency")
    return clock_of_period(Fraction(10**6) / frequency)


cdef class ClockDomain:
    """A clock domain as seen from Python: `time_of(edge)` and the edges next to a time, all integers."""

    cdef Clock clock

    def __init__(self, frequency_mhz=None, *, period_ps=None):
        self.clock = make_clock(frequency_mhz) if period_ps is None else clock_of_period(period_ps)

    @property
    def period_ps(self):
        """The exact period."""
        return Fraction(self.clock.num, self.clock.den)

    def time_of(self, edge):
        """Time of an edge in ps. Raises CapacityError past 2^62 ps (53 days)."""
        if not 0 <= edge * self.clock.num // self.clock.den < FOREVER - 1:
            raise CapacityError(f"edge {edge} lies outside the simulated time", expected="less than 2^62 ps (53 days)")
        return edge_time(&self.clock, edge)

    def at_or_after(self, int64_t time):
        """First edge that is not before a time."""
        return edge_at_or_after(&self.clock, time)

    def at_or_before(self, int64_t time):
        """Last edge that is not after a time."""
        return edge_at_or_before(&self.clock, time)
