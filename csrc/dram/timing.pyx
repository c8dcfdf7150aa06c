# csrc/dram/timing.pyx: construction, reset and relocation of a channel's timing rules (see timing.pxd).

from libc.stdlib cimport calloc, free
from libc.string cimport memcpy, memset


cdef void *allocate(size_t count, size_t size) except NULL:
    """Memory of zeros. Raises MemoryError."""
    cdef void *memory = calloc(count if count else 1, size)
    if memory == NULL:
        raise MemoryError()
    return memory


cdef Timing *new_timing(table) except NULL:
    """Copy a TimingTable (arch/dram/table.py) into C arrays. Freed by free_timing."""
    cdef Timing *timing = <Timing *> allocate(1, sizeof(Timing))
    cdef int32_t level, bank, command
    timing.n_levels = len(table.level_nodes)
    timing.n_groups = table.n_groups
    timing.n_banks = table.bank_path.shape[0]
    timing.n_commands = len(table.commands)
    for level in range(timing.n_levels):
        timing.level_nodes[level] = table.level_nodes[level]
        timing.level_first[level] = timing.n_nodes
        timing.n_nodes += timing.level_nodes[level]
        while level and (timing.level_nodes[level] >> timing.level_shift[level]) > timing.level_nodes[level - 1]:
            timing.level_shift[level] += 1
    timing.bank_shift = timing.level_shift[timing.n_levels - 1]
    timing.path = <int32_t *> allocate(timing.n_banks * timing.n_levels, sizeof(int32_t))
    for bank in range(timing.n_banks):
        for level in range(timing.n_levels):
            timing.path[bank * timing.n_levels + level] = timing.level_first[level] + table.bank_path[bank, level]
    timing.commands = <Command *> allocate(timing.n_commands, sizeof(Command))
    for command, row in enumerate(table.command_rows):
        timing.commands[command].scope = row["scope"]
        timing.commands[command].span = timing.n_banks // timing.level_nodes[timing.commands[command].scope]
        timing.commands[command].row = row["row"]
        timing.commands[command].bus = row["bus"]
        timing.commands[command].data = row["data"]
        timing.commands[command].auto_precharge = row["auto_precharge"]
        timing.commands[command].group = row["group"]
        timing.commands[command].falling_edge = row["falling_edge"]
        timing.commands[command].ticks = row["ticks"]
    _place_holds(timing, table.updates[(table.updates["window"] == 1) & (table.updates["each"] == 0)])
    _place_stretches(timing, table.updates[table.updates["each"] > 0])
    _place_windows(timing, table.updates[table.updates["window"] > 1])
    timing.earliest = <int64_t *> allocate(timing.n_nodes * timing.n_groups, sizeof(int64_t))
    timing.rings = <int64_t *> allocate(timing.n_rings, sizeof(int64_t))
    timing.ring_head = <int32_t *> allocate(timing.n_rings, sizeof(int32_t))
    return timing


cdef _place_holds(Timing *timing, updates):
    """For each command and bank, the slots that its issue holds back: its own nodes', or their siblings'."""
    cdef int32_t command, bank, level, node, group, first, count, other
    held = []
    for command in range(timing.n_commands):
        timing.commands[command].first_hold = len(held)
        # Plain numbers: they are read once a bank, and fields of NumPy rows are slow to read.
        own = updates[updates["command"] == command][["level", "group", "siblings", "delay"]].tolist()
        for bank in range(timing.n_banks):
            before = len(held)
            for level, group, siblings, delay in own:
                node = timing.path[bank * timing.n_levels + level]
                nodes = [node]
                if siblings:
                    count = timing.level_nodes[level] // timing.level_nodes[level - 1]
                    first = node - (node - timing.level_first[level]) % count
                    nodes = [other for other in range(first, first + count) if other != node]
                held += [(group * timing.n_nodes + other, delay) for other in nodes]
            timing.commands[command].n_holds = len(held) - before
    timing.holds = <Hold *> allocate(len(held), sizeof(Hold))
    for i, (slot, delay) in enumerate(held):
        timing.holds[i].slot = slot
        timing.holds[i].delay = delay


cdef _place_stretches(Timing *timing, updates):
    """The rules whose delay grows with the columns of a composite, by command."""
    cdef int32_t i
    timing.stretches = <Stretch *> allocate(len(updates), sizeof(Stretch))
    for i, row in enumerate(updates):
        if timing.commands[<int32_t> row["command"]].n_stretches == 0:
            timing.commands[<int32_t> row["command"]].first_stretch = i
        timing.commands[<int32_t> row["command"]].n_stretches += 1
        timing.stretches[i].level = row["level"]
        timing.stretches[i].group = row["group"]
        timing.stretches[i].delay = row["delay"]
        timing.stretches[i].each = row["each"]
        timing.stretches[i].least = row["least"]


cdef _place_windows(Timing *timing, updates):
    """One ring for each window rule and node. Commands that count in one window share its ring."""
    cdef int32_t i
    cdef Window *window
    shared = {}
    timing.n_windows = len(updates)
    timing.windows = <Window *> allocate(len(updates), sizeof(Window))
    for i, row in enumerate(updates):
        if timing.commands[<int32_t> row["command"]].n_windows == 0:
            timing.commands[<int32_t> row["command"]].first_window = i
        timing.commands[<int32_t> row["command"]].n_windows += 1
        window = timing.windows + i
        window.level, window.group, window.delay, window.size = (
            row["level"], row["group"], row["delay"], row["window"])
        key = (window.level, window.group, window.delay, window.size)
        if key not in shared:
            shared[key] = timing.n_rings
            timing.n_rings += timing.level_nodes[window.level] * window.size
        window.ring = shared[key]


cdef void free_timing(Timing *timing) noexcept:
    """Give a Timing's memory back."""
    if timing == NULL:
        return
    free(timing.path)
    free(timing.commands)
    free(timing.holds)
    free(timing.windows)
    free(timing.stretches)
    free(timing.earliest)
    free(timing.rings)
    free(timing.ring_head)
    free(timing)


cdef void reset_timing(Timing *timing) noexcept nogil:
    """Forget everything that was issued."""
    memset(timing.earliest, 0, timing.n_nodes * timing.n_groups * sizeof(int64_t))
    memset(timing.rings, 0, timing.n_rings * sizeof(int64_t))
    memset(timing.ring_head, 0, timing.n_rings * sizeof(int32_t))


cdef int32_t saved_timing_size(const Timing *timing) noexcept nogil:
    """Words that save_timing writes."""
    return timing.n_nodes * timing.n_groups + timing.n_rings


cdef void save_timing(const Timing *timing, int64_t now, int64_t *out) noexcept nogil:
    """The state relative to `now`. What lies in the past no longer matters and is saved as 0."""
    cdef int32_t i, node, slot, head, age, place = 0
    cdef int64_t left
    for i in range(timing.n_nodes * timing.n_groups):
        left = timing.earliest[i] - now
        out[place] = left if left > 0 else 0
        place += 1
    cdef const Window *window
    for i in range(timing.n_windows):
        window = timing.windows + i
        for node in range(timing.level_nodes[window.level]):
            slot = window.ring + node * window.size
            head = timing.ring_head[slot]
            for age in range(window.size):
                left = timing.rings[slot + (head + age) % window.size] - now
                out[place + slot + age] = left if left > 0 else 0


cdef void load_timing(Timing *timing, int64_t now, const int64_t *saved) noexcept nogil:
    """Put a saved state at `now`."""
    cdef int32_t i, place = timing.n_nodes * timing.n_groups
    for i in range(place):
        timing.earliest[i] = now + saved[i] if saved[i] else 0
    for i in range(timing.n_rings):
        timing.rings[i] = now + saved[place + i] if saved[place + i] else 0
        timing.ring_head[i] = 0


cdef inline bint _same_from(int64_t one, int64_t other, int64_t now) noexcept nogil:
    # What lies in the past no longer matters.
    return one == other or (one <= now and other <= now)


cdef bint same_timing(const Timing *one, const Timing *other, int64_t now) noexcept nogil:
    """Do two timings of one table allow the same after tick `now`?"""
    cdef const Window *window
    cdef int32_t i, node, slot, age
    for i in range(one.n_nodes * one.n_groups):
        if not _same_from(one.earliest[i], other.earliest[i], now):
            return False
    for i in range(one.n_windows):
        window = one.windows + i
        for node in range(one.level_nodes[window.level]):
            slot = window.ring + node * window.size
            for age in range(window.size):
                if not _same_from(one.rings[slot + (one.ring_head[slot] + age) % window.size],
                                  other.rings[slot + (other.ring_head[slot] + age) % window.size], now):
                    return False
    return True


cdef void copy_timing(const Timing *source, Timing *target) noexcept nogil:
    """Put a timing into the state of another of the same table."""
    memcpy(target.earliest, source.earliest, source.n_nodes * source.n_groups * sizeof(int64_t))
    memcpy(target.rings, source.rings, source.n_rings * sizeof(int64_t))
    memcpy(target.ring_head, source.ring_head, source.n_rings * sizeof(int32_t))
