# csrc/dram/alike_channels.pyx: channels that do the same are simulated once (see alike_channels.pxd).

from libc.stdint cimport int32_t, int64_t, uint64_t

from bitline.csrc.dram.channel cimport N_BUCKETS, N_COUNTERS, settle_standby
from bitline.csrc.dram.channel_core cimport ChannelCore, MAX_TRANSFERS, Queue, Shape, Transfer
from bitline.csrc.dram.controller cimport Controller
from bitline.csrc.dram.lines cimport in_whole_blocks
from bitline.csrc.engine.component cimport Message, Port, wake_part
from bitline.csrc.engine.event_log cimport EventLog, log_event, LogRow

cdef extern from *:
    """
    /* 2^64 / golden ratio, odd. */
    #define BITLINE_MIX 0x9E3779B97F4A7C15ull
    """
    const uint64_t MIX "BITLINE_MIX"


# --- messages ---

cdef inline const Message *_waiting(const Port *port, int64_t place, int64_t edge) noexcept nogil:
    # The message at a place among those that have arrived by an edge, or NULL.
    cdef int64_t slot = port.head + place
    if slot >= port.tail or port.arrival[slot % port.capacity] > edge:
        return NULL
    return &port.messages[slot % port.capacity]


cdef inline bint _same_shape(const Shape *one, const Shape *other) noexcept nogil:
    return (one.kind == other.kind and one.rows == other.rows and one.row_bytes == other.row_bytes
            and one.pitch == other.pitch)


cdef inline bint _alike_everywhere(const ChannelCore *core, int64_t base, const Shape *shape) noexcept nogil:
    # Is every channel's part of a transfer the same but for the channel?
    return in_whole_blocks(&core.lines, base) and in_whole_blocks(&core.lines, shape.row_bytes) and (
        shape.rows == 1 or in_whole_blocks(&core.lines, shape.pitch))


cdef bint _same_message(
    const ChannelCore *one, const Message *a, const ChannelCore *other, const Message *b
) noexcept nogil:
    return (a.kind == b.kind and a.a == b.a and a.b == b.b and a.c == b.c
            and _same_shape(one.shapes + a.b, other.shapes + b.b) and _alike_everywhere(one, a.c, one.shapes + a.b))


cdef bint same_messages(const ChannelCore *one, const ChannelCore *other, int64_t edge) noexcept nogil:
    """Do the same transfers wait at the ports of two channels, and no PIM program?"""
    cdef const Message *a
    cdef const Message *b
    cdef int32_t port
    cdef int64_t place
    for port in range(one.n_ports):
        place = 0
        while True:
            a = _waiting(one.part.inputs[port], place, edge)
            b = _waiting(other.part.inputs[port], place, edge)
            if a == NULL and b == NULL:
                break
            if a == NULL or b == NULL or not _same_message(one, a, other, b):
                return False
            place += 1
    return not one.has_pim or (_waiting(one.part.inputs[one.n_ports], 0, edge) == NULL
                               and _waiting(other.part.inputs[one.n_ports], 0, edge) == NULL)


# --- states ---

cdef inline uint64_t _mix(uint64_t look, int64_t value) noexcept nogil:
    look = (look ^ <uint64_t> value) * MIX
    return look ^ (look >> 29)


cdef uint64_t _look(const ChannelCore *core) noexcept nogil:
    """What channels in the same state have in common, so that few others are compared."""
    cdef const Controller *controller = core.controller
    cdef const Queue *queue
    cdef uint64_t look = controller.waiting(controller)
    cdef int32_t i
    look = _mix(_mix(look, core.turn), core.n_open)
    for i in range(controller.channel.n_words):
        look = _mix(look, <int64_t> controller.channel.open_mask[i])
    for i in range(2 * core.n_ports):
        queue = core.queues + i
        look = _mix(look, queue.tail - queue.head)
        if queue.head < queue.tail:
            look = _mix(look, queue.items[queue.head % MAX_TRANSFERS].unasked)
    return look


cdef bint _same_transfer(
    const ChannelCore *one, const Transfer *a, const ChannelCore *other, const Transfer *b
) noexcept nogil:
    if (a.task != b.task or a.base != b.base or a.start != b.start or a.unasked != b.unasked or a.open != b.open
            or a.last != b.last or a.row != b.row):
        return False
    if not _same_shape(one.shapes + a.shape, other.shapes + b.shape):
        return False
    if a.unasked == 0:
        return True
    return (a.row_end == b.row_end and _alike_everywhere(one, a.base, one.shapes + a.shape)
            and b.line - a.line == (other.lines.channel - one.lines.channel) * one.lines.granule)


cdef bint _same_queues(const ChannelCore *one, const ChannelCore *other) noexcept nogil:
    cdef const Queue *a
    cdef const Queue *b
    cdef int64_t i
    cdef int32_t number
    for number in range(2 * one.n_ports):
        a, b = one.queues + number, other.queues + number
        if a.tail - a.head != b.tail - b.head:
            return False
        for i in range(a.tail - a.head):
            if not _same_transfer(one, a.items + (a.head + i) % MAX_TRANSFERS,
                                  other, b.items + (b.head + i) % MAX_TRANSFERS):
                return False
    return True


cdef inline int64_t _last_return(const ChannelCore *core, int64_t age) noexcept nogil:
    return core.returns[(core.returns_tail - 1 - age) & core.returns_mask]


cdef bint _same_returns(const ChannelCore *one, const ChannelCore *other, int64_t tick) noexcept nogil:
    """Will the reads that are under way be answered at the same ticks? Those answered by `tick` do not count."""
    cdef int64_t a = 0, b = 0, i
    while a < one.returns_tail - one.returns_head and _last_return(one, a) > tick:
        a += 1
    while b < other.returns_tail - other.returns_head and _last_return(other, b) > tick:
        b += 1
    if a != b or one.n_open - (one.returns_tail - one.returns_head - a) != (
            other.n_open - (other.returns_tail - other.returns_head - b)):
        return False
    for i in range(a):
        if _last_return(one, i) != _last_return(other, i):
            return False
    return True


cdef inline bint _same_offers(const ChannelCore *one, const ChannelCore *other, int64_t tick) noexcept nogil:
    # May the next request be offered at the same tick? Both have offered what they could up to `tick`.
    if one.turn != other.turn or (one.last_offer >= tick) != (other.last_offer >= tick):
        return False
    return one.offer_at == other.offer_at or (one.offer_at <= tick and other.offer_at <= tick)


cdef bint _same_state(const ChannelCore *one, const ChannelCore *other) noexcept nogil:
    """Will two channels do the same from now on, given the same messages?"""
    cdef int64_t tick = one.controller.clk
    if one.task_head < one.task_tail or other.task_head < other.task_tail:
        return False
    return (_same_offers(one, other, tick) and _same_queues(one, other) and _same_returns(one, other, tick)
            and one.controller.same(one.controller, other.controller))


cdef void _copy_state(const ChannelCore *source, ChannelCore *target) noexcept nogil:
    """Be where another channel is. Counts and the log stay, and so does the count of lines asked for."""
    cdef int64_t i, lines
    cdef int64_t shift = (target.lines.channel - source.lines.channel) * source.lines.granule
    cdef int32_t number
    for number in range(2 * source.n_ports):
        lines = target.queues[number].lines
        target.queues[number] = source.queues[number]
        target.queues[number].lines = lines
        for i in range(source.queues[number].head, source.queues[number].tail):
            target.queues[number].items[i % MAX_TRANSFERS].line += shift
    target.turn, target.offer_at, target.last_offer = source.turn, source.offer_at, source.last_offer
    target.n_open, target.returns_head, target.returns_tail = source.n_open, source.returns_head, source.returns_tail
    for i in range(source.returns_mask + 1):
        target.returns[i] = source.returns[i]
    source.controller.copy(source.controller, target.controller)


# --- counts and logs ---

cdef void _add_counts(ChannelCore *core, const ChannelCore *leader, int64_t times) noexcept nogil:
    """What the leader has counted, to a follower's counts (1) or off them (-1)."""
    cdef int32_t i
    for i in range(N_COUNTERS):
        core.controller.channel.counts[i] += times * leader.controller.channel.counts[i]
    for i in range(N_BUCKETS):
        core.controller.channel.buckets[i] += times * leader.controller.channel.buckets[i]
    for i in range(2 * core.n_ports):
        core.queues[i].lines += times * leader.queues[i].lines


cdef void _take_log(ChannelCore *core, const ChannelCore *leader) noexcept nogil:
    """The commands that the leader has issued since the follower came."""
    cdef const EventLog *log = &leader.controller.channel.log
    cdef const LogRow *row
    cdef int64_t i
    for i in range(core.log_mark, log.used):
        row = log.rows + i
        log_event(&core.controller.channel.log, row.tick, row.code, row.unit, row.place, row.detail)


cdef void _attach(ChannelCore *core, ChannelCore *leader) noexcept nogil:
    """Follow from now on. The counts stand as if the channel had always been alone."""
    cdef ChannelCore *before = leader
    _add_counts(core, leader, -1)
    core.log_mark = leader.controller.channel.log.used
    core.leader = leader
    while before.follower != NULL and before.follower.peer < core.peer:
        before = before.follower
    core.follower = before.follower
    before.follower = core


cdef ChannelCore *_detach(ChannelCore *core) noexcept nogil:
    """Follow nobody: the counts and the log are whole again, the state is still the leader's. Returns the leader."""
    cdef ChannelCore *leader = core.leader
    cdef ChannelCore *before = leader
    while before.follower != core:
        before = before.follower
    before.follower = core.follower
    core.follower = core.leader = NULL
    _add_counts(core, leader, 1)
    _take_log(core, leader)
    return leader


# --- who follows whom ---

cdef bint follow_alike(ChannelCore *core, int64_t edge) noexcept nogil:
    """Follow the first channel that is in the same state, if there is one. All messages up to `edge` were taken."""
    cdef ChannelCore *peer
    cdef ChannelCore *other
    cdef int32_t i
    if core.task_head < core.task_tail:
        return False
    core.look = _look(core)
    core.look_edge = edge
    for i in range(core.peer):
        peer = core.peers[i]
        if peer.leader != NULL or peer.look_edge != edge or peer.look != core.look or not _same_state(peer, core):
            continue
        settle_standby(peer.controller.channel, edge)
        settle_standby(core.controller.channel, edge)
        while core.follower != NULL:
            other = core.follower
            _detach(other)
            _attach(other, peer)
        _attach(core, peer)
        return True
    return False


cdef void leave(ChannelCore *core) noexcept nogil:
    """Go on alone from where the leader is."""
    _copy_state(_detach(core), core)


cdef void part_unlike(ChannelCore *core, int64_t edge, int64_t now) noexcept nogil:
    """Let those followers go that do not get the leader's messages at `edge`. Those that get the same stay together."""
    cdef ChannelCore *other = core.follower
    cdef ChannelCore *later
    cdef ChannelCore *first
    cdef ChannelCore *gone = NULL           # those that went and lead now
    while other != NULL:
        later = other.follower
        if not same_messages(core, other, edge):
            first = gone
            while first != NULL and not same_messages(first, other, edge):
                first = first.gone
            if first == NULL:
                leave(other)
                wake_part(other.part, now)
                other.gone = gone
                gone = other
            else:
                _detach(other)
                _attach(other, first)
        other = later
