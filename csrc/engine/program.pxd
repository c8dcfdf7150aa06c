# csrc/engine/program.pxd: what a core executes: a loop nest over rows of a body, and where a core stands in it.

from libc.stdint cimport int32_t, int64_t

from bitline.csrc.engine.component cimport Marker

cdef enum:
    MAX_LOOPS = 16            # open at a time
    AT_END = -1
    AT_MARKER = -2

cdef enum Step:
    STEP_BODY
    STEP_ENTER
    STEP_LEAVE

cdef struct LoopSpec:
    int64_t trips
    int64_t stride            # what an iteration adds to the base
    int64_t identity          # of its content: equal content, equal number
    int64_t low               # offsets that one iteration reaches from the base
    int64_t high
    int32_t enter             # step that enters it
    int32_t leave             # step that leaves it
    int32_t marked

cdef struct Nest:
    int32_t n_steps
    int32_t *kinds
    int32_t *arguments        # body row, or loop
    LoopSpec *loops
    int64_t base              # at the start

cdef struct Cursor:
    int32_t step
    int32_t depth
    int32_t at_head           # of the innermost loop, before its marker
    int64_t base
    int64_t[16] left          # iterations of each open loop, the current one included while it stands at its head
    int32_t[16] loops

cdef class Program:
    cdef Nest nest
    cdef readonly object body
    cdef readonly list loops
    cdef readonly object executions
    cdef readonly object low          # offsets that the program reaches from its base
    cdef readonly object high

cdef inline void start_program(Cursor *cursor, const Nest *nest) noexcept nogil:
    cursor.step = 0
    cursor.depth = 0
    cursor.at_head = 0
    cursor.base = nest.base

cdef inline int32_t next_step(Cursor *cursor, const Nest *nest, bint markers) noexcept nogil:
    # The next body row, AT_MARKER at the head of a marked loop, or AT_END. A marker is met once each time round.
    cdef const LoopSpec *loop
    while True:
        if cursor.at_head:
            loop = &nest.loops[cursor.loops[cursor.depth - 1]]
            if cursor.at_head == 1 and loop.marked and markers:
                cursor.at_head = 2
                return AT_MARKER
            cursor.at_head = 0
            if cursor.left[cursor.depth - 1] == 0:
                cursor.depth -= 1
                cursor.base -= loop.trips * loop.stride
                cursor.step = loop.leave + 1
            else:
                cursor.left[cursor.depth - 1] -= 1
                cursor.step = loop.enter + 1
        if cursor.step == nest.n_steps:
            return AT_END
        if nest.kinds[cursor.step] == STEP_BODY:
            cursor.step += 1
            return nest.arguments[cursor.step - 1]
        if nest.kinds[cursor.step] == STEP_ENTER:
            cursor.loops[cursor.depth] = nest.arguments[cursor.step]
            cursor.left[cursor.depth] = nest.loops[nest.arguments[cursor.step]].trips
            cursor.depth += 1
        else:
            cursor.base += nest.loops[nest.arguments[cursor.step]].stride
        cursor.at_head = 1

cdef inline void fill_marker(Marker *marker, const Cursor *cursor, const Nest *nest) noexcept nogil:
    # Describe the loop at whose head the cursor stands.
    cdef const LoopSpec *loop = &nest.loops[cursor.loops[cursor.depth - 1]]
    marker.body = loop.identity
    marker.trips = cursor.left[cursor.depth - 1]
    marker.base = cursor.base
    marker.stride = loop.stride
    marker.low = loop.low
    marker.high = loop.high
    marker.depth = cursor.depth - 1

cdef inline void skip_trips(Cursor *cursor, const Nest *nest, int64_t trips) noexcept nogil:
    # Pass over iterations of the loop at whose head the cursor stands.
    cursor.left[cursor.depth - 1] -= trips
    cursor.base += trips * nest.loops[cursor.loops[cursor.depth - 1]].stride
