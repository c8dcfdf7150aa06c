# csrc/dram/timing.pxd: when a command may issue. Spec and state of a channel's timing rules, and their inner loops.
#
# Spec:   for each command the list of updates that its issue makes (arch/dram/table.py), the path of nodes of a bank.
# State:  for each node and group of commands the earliest tick; for each window rule a ring of expiry ticks.
# Rules:  a command is ready when every node on its bank's path allows its group.

from libc.stdint cimport int32_t, int64_t, uint8_t, uint64_t

cdef enum:
    ROW_NONE = 0
    ROW_OPEN = 1
    ROW_HALF_OPEN = 2
    ROW_CLOSE = 3
    ROW_NEED = 4
    ROW_NEED_CLOSED = 5
    PIM_BUFFER = 8        # added where it is the second row buffer's
    PIM_ROW_OPEN = 9
    PIM_ROW_CLOSE = 11

cdef enum:
    MAX_ABOVE = 512       # nodes of any level

cdef enum:
    NO_DATA = 0
    READ_DATA = 1
    WRITE_DATA = 2

cdef extern from *:
    """
    #define BITLINE_NEVER ((int64_t) 0x3fffffffffffffff)
    """
    const int64_t NEVER "BITLINE_NEVER"

cdef struct Hold:         # an issue holds back one group of commands at one node
    int32_t slot          # in `earliest`
    int32_t delay

cdef struct Window:       # an issue counts in a window of several commands
    int32_t level
    int32_t group
    int32_t delay
    int32_t size          # commands that the window holds
    int32_t ring          # first slot of the ring of node 0

cdef struct Stretch:      # an issue of several columns holds back one group of commands, the longer the more they are
    int32_t level
    int32_t group
    int32_t delay
    int32_t each
    int32_t least         # columns that count at least

cdef struct Command:
    int32_t scope         # level of the node that it acts on
    int32_t span          # banks below one such node
    int32_t row
    int32_t bus
    int32_t data
    int32_t auto_precharge
    int32_t group
    int32_t falling_edge
    int32_t ticks
    int32_t first_hold    # of bank 0; each bank has n_holds of its own
    int32_t n_holds
    int32_t first_window
    int32_t n_windows
    int32_t first_stretch
    int32_t n_stretches

cdef struct Timing:
    int32_t n_levels
    int32_t n_groups
    int32_t n_banks
    int32_t n_nodes
    int32_t n_commands
    int32_t n_rings       # slots of all rings
    int32_t level_nodes[8]
    int32_t level_first[8]
    int32_t level_shift[8]  # nodes below one node of the level above, as a power of two
    int32_t *path         # [n_banks][n_levels], node numbers over all levels
    Command *commands
    Hold *holds           # [command][bank][n_holds]
    Window *windows
    int32_t n_windows
    Stretch *stretches
    int32_t bank_shift    # banks of one node of the level above, as a power of two
    int64_t *earliest     # [n_groups][n_nodes], banks last
    int64_t *rings        # expiry ticks, oldest at `ring_head`
    int32_t *ring_head    # [slots], used at the first slot of each ring

cdef inline int64_t ready_at_node(const Timing *timing, int32_t bank, int32_t group, int32_t scope) noexcept nogil:
    # The same for a command that acts on a whole node: levels below it do not speak.
    cdef const int32_t *node = timing.path + bank * timing.n_levels
    cdef const int64_t *earliest = timing.earliest + group * timing.n_nodes
    cdef int64_t at = earliest[0]
    cdef int64_t other
    cdef int32_t level
    for level in range(1, scope + 1):
        other = earliest[node[level]]
        if other > at:
            at = other
    return at

cdef inline int64_t ready_at(const Timing *timing, int32_t bank, int32_t group) noexcept nogil:
    # Earliest tick of a command of this group on this bank.
    return ready_at_node(timing, bank, group, timing.n_levels - 1)

cdef inline const int64_t *ready_above(const Timing *timing, int32_t group, int64_t *room) noexcept nogil:
    # For every node just above the banks, the earliest tick that it and what encloses it allow. To look at many banks:
    # a bank is ready at max(ready_above[bank >> bank_shift], bank_ready[bank]). `room`: MAX_ABOVE words.
    cdef const int64_t *earliest = timing.earliest + group * timing.n_nodes
    cdef int32_t level, node, count, shift
    cdef int64_t at
    room[0] = earliest[0]
    for level in range(1, timing.n_levels - 1):
        count = timing.level_nodes[level]
        shift = timing.level_shift[level]
        for node in range(count - 1, -1, -1):
            at = room[node >> shift]
            if earliest[timing.level_first[level] + node] > at:
                at = earliest[timing.level_first[level] + node]
            room[node] = at
    return room

cdef inline const int64_t *bank_ready(const Timing *timing, int32_t group) noexcept nogil:
    return timing.earliest + group * timing.n_nodes + timing.level_first[timing.n_levels - 1]

cdef inline void _hold_back(int64_t *slot, int64_t until) noexcept nogil:
    if until > slot[0]:
        slot[0] = until

cdef inline void _count_in_window(Timing *timing, const Window *window, int32_t bank, int64_t now) noexcept nogil:
    cdef int32_t node = timing.path[bank * timing.n_levels + window.level]
    cdef int32_t slot = window.ring + (node - timing.level_first[window.level]) * window.size
    cdef int32_t first = timing.ring_head[slot]
    timing.rings[slot + first] = now + window.delay
    first = first + 1 if first + 1 < window.size else 0
    timing.ring_head[slot] = first
    _hold_back(timing.earliest + window.group * timing.n_nodes + node, timing.rings[slot + first])

cdef inline void issue(Timing *timing, int32_t command, int32_t bank, int64_t now) noexcept nogil:
    # Account for a command issued at tick `now`.
    cdef const Command *spec = timing.commands + command
    cdef const Hold *hold = timing.holds + spec.first_hold + bank * spec.n_holds
    cdef const Hold *end = hold + spec.n_holds
    cdef int32_t i
    while hold < end:
        _hold_back(timing.earliest + hold.slot, now + hold.delay)
        hold += 1
    for i in range(spec.first_window, spec.first_window + spec.n_windows):
        _count_in_window(timing, timing.windows + i, bank, now)

cdef inline void stretch(Timing *timing, int32_t command, int32_t bank, int64_t now, int32_t columns) noexcept nogil:
    # What a composite command of so many columns holds back beyond `issue`.
    cdef const Command *spec = timing.commands + command
    cdef const Stretch *part
    cdef int32_t i, node, count
    for i in range(spec.first_stretch, spec.first_stretch + spec.n_stretches):
        part = timing.stretches + i
        node = timing.path[bank * timing.n_levels + part.level]
        count = columns if columns > part.least else part.least
        _hold_back(timing.earliest + part.group * timing.n_nodes + node, now + part.delay + part.each * count)

cdef void *allocate(size_t count, size_t size) except NULL
cdef Timing *new_timing(table) except NULL
cdef void free_timing(Timing *timing) noexcept
cdef void reset_timing(Timing *timing) noexcept nogil
cdef int32_t saved_timing_size(const Timing *timing) noexcept nogil
cdef bint same_timing(const Timing *one, const Timing *other, int64_t now) noexcept nogil
cdef void copy_timing(const Timing *source, Timing *target) noexcept nogil
cdef void save_timing(const Timing *timing, int64_t now, int64_t *out) noexcept nogil
cdef void load_timing(Timing *timing, int64_t now, const int64_t *saved) noexcept nogil
