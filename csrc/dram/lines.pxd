# csrc/dram/lines.pxd: the lines of an address range that fall on one channel.
#
# A line is what one access moves. Where the channel is a run of address bits, a channel owns blocks of `granule` lines,
# every `channels`-th block; where channel bits are hashed, lines are decoded one by one.

from libc.stdint cimport int32_t, int64_t, uint64_t

from bitline.csrc.dram.request cimport Request

cdef struct LineMap:
    int64_t line_bytes
    int64_t n_lines           # of the memory: addresses wrap there
    int64_t granule           # lines in a block; 0: the channel is hashed
    int32_t channels
    int32_t channel
    uint64_t[8][256] tables   # see memory.pyx
    int32_t plain             # channels differ in nothing but the bits that name them

cdef inline uint64_t place_of(const LineMap *lines, int64_t line) noexcept nogil:
    cdef uint64_t place = 0, rest = <uint64_t> line
    cdef int32_t byte = 0
    while rest:
        place ^= lines.tables[byte][rest & 255]
        rest >>= 8
        byte += 1
    return place

cdef inline int64_t own_line(const LineMap *lines, int64_t line) noexcept nogil:
    # The first line of the channel from `line` on.
    cdef int64_t block, ahead
    if lines.granule == 0:
        while <int32_t> (place_of(lines, line % lines.n_lines) >> 52) != lines.channel:
            line += 1
        return line
    block = line // lines.granule
    ahead = (lines.channel - block) % lines.channels
    if ahead < 0:
        ahead += lines.channels
    return line if ahead == 0 else (block + ahead) * lines.granule

cdef inline int64_t next_own_line(const LineMap *lines, int64_t line) noexcept nogil:
    # The line of the channel after `line`, which is one.
    if not lines.plain:
        return own_line(lines, line + 1)
    line += 1
    return line if line & (lines.granule - 1) else line + (lines.channels - 1) * lines.granule

cdef inline int64_t own_lines(const LineMap *lines, int64_t first, int64_t end) noexcept nogil:
    # How many lines of the channel lie in [first, end).
    cdef int64_t count = 0, line, period
    if lines.granule == 0:
        line = own_line(lines, first)
        while line < end:
            count += 1
            line = own_line(lines, line + 1)
        return count
    period = lines.granule * lines.channels
    count = (end - first) // period * lines.granule
    line = own_line(lines, first + (end - first) // period * period)
    while line < end:
        period = (line // lines.granule + 1) * lines.granule
        count += (period if period < end else end) - line
        line = own_line(lines, period)
    return count

cdef inline bint is_plain(const LineMap *lines) noexcept nogil:
    # Do alike lines of all channels lie in the same bank, row and column?
    cdef int64_t block = lines.granule * lines.channels, line = lines.granule
    if block == 0 or block & (block - 1) or lines.granule & (lines.granule - 1) or lines.n_lines % block:
        return False
    while line < block:
        if place_of(lines, line) & (((<uint64_t> 1) << 52) - 1):
            return False
        line <<= 1
    return True

cdef inline bint in_whole_blocks(const LineMap *lines, int64_t bytes) noexcept nogil:
    # Does every channel own as much of so many bytes?
    return bytes % (lines.line_bytes * lines.granule * lines.channels) == 0

cdef inline void locate(const LineMap *lines, int64_t line, Request *request) noexcept nogil:
    cdef uint64_t place
    if line >= lines.n_lines:
        line %= lines.n_lines
    place = place_of(lines, line)
    # Alike lines of channels have the same number.
    request.line = line - lines.channel * lines.granule
    request.row = <int32_t> (place & 0xFFFFFF)
    request.column = <int32_t> ((place >> 24) & 0xFFFF)
    request.bank = <int32_t> ((place >> 40) & 0xFFF)
