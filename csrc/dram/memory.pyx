# csrc/dram/memory.pyx: the channels of a memory, address decoding, and the loop that offers requests to them.
#
# Offering: at most one request a tick, in order; a refused one is offered again (head-of-line blocking, also over
# channels). Channels are brought up to the present only when a request meets them.

import numpy as np

from libc.stdint cimport int8_t, int32_t, int64_t, uint64_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcpy

from bitline.csrc.dram.channel cimport N_BUCKETS, N_COUNTERS, N_LATENCIES, N_READS, settle_standby
from bitline.csrc.dram.controller cimport advance_to, Controller
from bitline.csrc.dram.make_controller cimport new_controller
from bitline.csrc.dram.request cimport Completion, Request
from bitline.csrc.dram.source cimport next_request, PATTERN_BLOCK, Source
from bitline.csrc.dram.timing cimport NEVER
from bitline.csrc.engine.event_log cimport LogRow

COUNTERS = (
    "reads", "writes", "forwarded", "merged", "row_hits", "row_misses", "row_conflicts", "reused_rows",
    "read_latency", "latencies", "open_standby", "closed_standby", "data_ticks", "extra0", "extra1",
    "pim_open_standby", "pim_closed_standby", "composite_columns",
)
PATTERNS = ("block", "stream", "random", "mix", "copy")
from bitline.csrc.engine.event_log import LOG_ROW

COMPLETION = np.dtype([("tag", "i8"), ("tick", "i8")])

cdef enum:
    DRAIN_ABOVE = 1 << 16
    PAUSE_AFTER = 1 << 20     # requests, so that an interrupt is seen


cdef class MemoryCore:
    """Channels of one part under one policy, driven tick by tick.

    `decode`: uint64 [8, 256]; the location of a line is the exclusive or of one entry for each of its bytes, packed as
    channel << 52 | bank << 40 | column << 24 | row. `policy`: plain dict with `queues` ("pooled",
    "banked" or "newton") and the numbers of that kind. Times are ticks of the part.
    """

    cdef Controller **controllers
    cdef readonly int n_channels
    cdef uint64_t[8][256] tables
    cdef int64_t line_bytes
    cdef int64_t n_lines
    cdef int64_t now              # offering tick
    cdef int64_t last_accepted
    cdef int32_t stamp
    cdef int32_t whole_addresses  # only requests to the same byte address share an access
    cdef Source source
    cdef bint holding             # a request was refused and is offered again
    cdef Request held
    cdef int32_t held_channel
    cdef object keep              # arrays that the source reads

    def __cinit__(self, table, dict policy, int n_channels, decode, int64_t line_bytes, int64_t n_lines):
        cdef const uint64_t[:, ::1] rows = np.ascontiguousarray(decode, dtype=np.uint64)
        cdef int i
        if not (rows.shape[0] == 8 and rows.shape[1] == 256):
            raise ValueError("decode tables have to be 8 x 256")
        memcpy(&self.tables[0][0], &rows[0, 0], sizeof(self.tables))
        self.n_channels = n_channels
        self.line_bytes = line_bytes
        self.n_lines = n_lines
        self.stamp = policy["stamp"]
        self.whole_addresses = policy["whole_addresses"]
        self.controllers = <Controller **> calloc(n_channels, sizeof(Controller *))
        if self.controllers == NULL:
            raise MemoryError()
        for i in range(n_channels):
            self.controllers[i] = new_controller(table, policy)

    def __dealloc__(self):
        cdef int i
        if self.controllers != NULL:
            for i in range(self.n_channels):
                if self.controllers[i] != NULL:
                    self.controllers[i].release(self.controllers[i])
            free(self.controllers)

    def reset(self):
        """Back to tick 0: banks closed, queues empty, nothing counted."""
        cdef int i
        for i in range(self.n_channels):
            self.controllers[i].reset(self.controllers[i])
        self.now = 0
        self.last_accepted = 0
        self.holding = False

    def log_commands(self, bint enabled=True):
        """Keep every command from now on, to be taken by take_log."""
        cdef int i
        for i in range(self.n_channels):
            self.controllers[i].channel.log.enabled = enabled

    cdef inline void _locate(self, int64_t address, Request *request, int32_t *channel) noexcept nogil:
        cdef int64_t line = address // self.line_bytes
        cdef uint64_t place = 0
        cdef int byte = 0
        cdef uint64_t rest = <uint64_t> line
        while rest:
            place ^= self.tables[byte][rest & 255]
            rest >>= 8
            byte += 1
        request.line = address if self.whole_addresses else line
        request.row = <int32_t> (place & 0xFFFFFF)
        request.column = <int32_t> ((place >> 24) & 0xFFFF)
        request.bank = <int32_t> ((place >> 40) & 0xFFF)
        channel[0] = <int32_t> (place >> 52)

    # --- trace and generator runs ---

    def start_pattern(self, str pattern, int64_t count, int64_t stride):
        """Take requests from a generator from now on. Addresses wrap at the memory's end."""
        self.source.pattern = PATTERNS.index(pattern)
        self.source.count = count
        self.source.stride = stride
        self.source.index = 0
        self.source.state = 1

    def start_block(self, int64_t[::1] addresses, int8_t[::1] kinds, int64_t[::1] not_before):
        """Take requests from arrays from now on: byte addresses, 0 read or 1 write, first tick of each."""
        self.source.pattern = PATTERN_BLOCK
        self.source.block_index = 0
        self.source.block_size = addresses.shape[0]
        self.keep = (addresses, kinds, not_before)
        if addresses.shape[0]:
            self.source.addresses = &addresses[0]
            self.source.kinds = <const signed char *> &kinds[0]
            self.source.not_before = &not_before[0]

    def offer_all(self):
        """Offer requests until the source is exhausted (True); False for a pause, or to have the command log taken."""
        cdef bint done
        with nogil:
            done = self._offer_all()
        return done

    cdef bint _offer_all(self) noexcept nogil:
        cdef int64_t address = 0, not_before = 0
        cdef int32_t kind = 0
        cdef int64_t left = PAUSE_AFTER
        cdef Controller *controller
        while True:
            if not self.holding:
                if not next_request(&self.source, &address, &kind, &not_before):
                    return True
                self._locate(address % (self.n_lines * self.line_bytes), &self.held, &self.held_channel)
                self.held.kind = kind
                self.held.tag = self.source.index - 1
                self.holding = True
                if not_before > self.now:
                    self.now = not_before
            controller = self.controllers[self.held_channel]
            advance_to(controller, self.now)
            while not controller.accepts(controller, self.held.kind, self.held.line):
                self.now = controller.next
                advance_to(controller, self.now)
            self.held.arrival = self.now + self.stamp
            controller.accept(controller, &self.held)
            self.holding = False
            self.last_accepted = self.now
            self.now += 1
            left -= 1
            if left == 0 or controller.channel.log.used >= DRAIN_ABOVE:
                return False

    def finish(self, str end):
        """Run on to the end of a run and settle all counts there. Returns the tick at which it ends.

        "accepted": when the last request was accepted; "answered": when every read has its data and every write was
        accepted, counted as DRAMsim3 does; "drained": when the last burst has left or reached its bank. A memory that
        was advanced beyond that ends at the tick that it has reached.
        """
        cdef int i
        cdef int64_t last = self.last_accepted
        cdef Controller *controller
        for i in range(self.n_channels):
            controller = self.controllers[i]
            advance_to(controller, self.last_accepted)
            if end == "accepted":
                continue
            if end == "answered":
                while controller.channel.counts[N_LATENCIES] < controller.channel.counts[N_READS]:
                    advance_to(controller, controller.next)
            else:
                controller.flush(controller)
                while controller.waiting(controller):
                    advance_to(controller, controller.next)
            last = max(last, controller.channel.last_answer, controller.clk)
        for i in range(self.n_channels):
            advance_to(self.controllers[i], last)
            # DRAMsim3 hands an answer back in the tick that reaches it, and counts that tick.
            settle_standby(self.controllers[i].channel, last + (end == "answered"))
        return last + (end == "answered")

    @property
    def last_accepted_tick(self):
        """Tick at which the last request was accepted."""
        return self.last_accepted

    # --- live use ---

    def keep_completions(self):
        """Remember completed requests from now on, to be taken by take_completions."""
        cdef int i
        for i in range(self.n_channels):
            if self.controllers[i].completions.capacity == 0:
                self.controllers[i].completions.items = <Completion *> calloc(1024, sizeof(Completion))
                self.controllers[i].completions.capacity = 1024

    def send(self, int64_t address, int kind, int64_t tick, int64_t tag):
        """Offer one request at a tick. False when its queue is full."""
        cdef Request request
        cdef int32_t channel = 0
        cdef Controller *controller
        self._locate(address, &request, &channel)
        controller = self.controllers[channel]
        advance_to(controller, tick)
        if not controller.accepts(controller, kind, request.line):
            return False
        request.kind = kind
        request.tag = tag
        request.arrival = tick + self.stamp
        controller.accept(controller, &request)
        self.last_accepted = tick
        return True

    def advance(self, int64_t tick):
        """Do every tick up to and including `tick`."""
        cdef int i
        with nogil:
            for i in range(self.n_channels):
                advance_to(self.controllers[i], tick)

    def next_event(self):
        """The earliest tick at which anything may happen."""
        return min([self.controllers[i].next for i in range(self.n_channels)])

    def waiting(self):
        """Requests that were accepted and have not had their access yet."""
        return sum([self.controllers[i].waiting(self.controllers[i]) for i in range(self.n_channels)])

    def take_completions(self, tick=None):
        """Completed requests up to a tick (all, if none is given): array of (tag, tick), by tick then tag."""
        parts = [np.zeros(0, COMPLETION)]
        cdef int64_t limit = NEVER if tick is None else tick
        cdef int64_t i, kept
        cdef int channel
        cdef Completion *items
        cdef char[::1] view
        for channel in range(self.n_channels):
            items = self.controllers[channel].completions.items
            part = np.zeros(self.controllers[channel].completions.used, COMPLETION)
            if part.size == 0:
                continue
            view = part.view(np.int8)
            memcpy(&view[0], items, part.nbytes)
            parts.append(part[part["tick"] <= limit])
            kept = 0
            for i in range(self.controllers[channel].completions.used):
                if items[i].tick > limit:
                    items[kept] = items[i]
                    kept += 1
            self.controllers[channel].completions.used = kept
        return np.sort(np.concatenate(parts), order=["tick", "tag"])

    # --- what was counted ---

    def counts(self, int channel):
        """Counters of one channel by name, then the issues of each command by number."""
        values = [self.controllers[channel].channel.counts[i] for i in range(N_COUNTERS)]
        named = dict(zip(COUNTERS, values, strict=False))
        return named, values[len(COUNTERS):]

    def latency_buckets(self):
        """Read latency histogram over all channels: int64 [4096], see channel.pxd."""
        total = np.zeros(N_BUCKETS, np.int64)
        cdef int64_t[::1] view = total
        cdef int i, bucket
        for i in range(self.n_channels):
            for bucket in range(N_BUCKETS):
                view[bucket] += self.controllers[i].channel.buckets[bucket]
        return total

    def take_log(self, int channel):
        """The commands of one channel since the last call: rows of (tick, command, bank, row, column)."""
        cdef int64_t used = self.controllers[channel].channel.log.used
        rows = np.zeros(used, LOG_ROW)
        cdef char[::1] view
        if used:
            view = rows.view(np.int8)
            memcpy(&view[0], self.controllers[channel].channel.log.rows, used * sizeof(LogRow))
            self.controllers[channel].channel.log.used = 0
        return rows
