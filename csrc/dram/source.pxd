# csrc/dram/source.pxd: where requests come from: a generator, or a block of a trace.

from libc.stdint cimport int32_t, int64_t, uint64_t

cdef enum Pattern:
    PATTERN_BLOCK         # requests from an array, refilled by the caller
    PATTERN_STREAM
    PATTERN_RANDOM
    PATTERN_MIX
    PATTERN_COPY

cdef struct Source:
    int32_t pattern
    int64_t index         # requests given so far
    int64_t count
    int64_t stride        # bytes, of stream and copy
    uint64_t state
    const int64_t *addresses
    const int64_t *not_before
    const signed char *kinds
    int64_t block_index
    int64_t block_size

cdef inline bint next_request(Source *source, int64_t *address, int32_t *kind, int64_t *not_before) noexcept nogil:
    # False when the source, or the block, is exhausted.
    cdef int64_t i = source.index
    if source.pattern == PATTERN_BLOCK:
        if source.block_index >= source.block_size:
            return False
        address[0] = source.addresses[source.block_index]
        kind[0] = source.kinds[source.block_index]
        not_before[0] = source.not_before[source.block_index]
        source.block_index += 1
        source.index = i + 1
        return True
    if i >= source.count:
        return False
    source.index = i + 1
    not_before[0] = 0
    kind[0] = 0
    if source.pattern == PATTERN_STREAM:
        address[0] = source.stride * i
    elif source.pattern == PATTERN_COPY:
        address[0] = source.stride * (i >> 1) + (i & 1) * (<int64_t> 1 << 30)
        kind[0] = i & 1
    else:
        source.state = <uint64_t> 6364136223846793005 * source.state + <uint64_t> 1442695040888963407
        address[0] = <int64_t> ((source.state >> 20) & <uint64_t> 0xFFFFFFFF)
        if source.pattern == PATTERN_MIX:
            kind[0] = (source.state >> 60) % 3 == 0
    return True
