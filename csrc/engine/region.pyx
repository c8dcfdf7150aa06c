# csrc/engine/region.pyx: exact fast-forward of a loop (see region.pxd).
#
# At each marker the state of all parties is saved relative to now and looked up. A known iteration is replayed: time,
# counts, log and next state are taken from the table, in runs of powers of two. An unknown one is simulated and
# recorded up to the next marker of the same loop. Both ways give the same result, to the byte.

from libc.stdlib cimport calloc, free
from libc.string cimport memcpy

from bitline.base.errors import SpecError

from bitline.csrc.engine.clock cimport edge_at_or_after, edge_phase, edge_time
from bitline.csrc.engine.component cimport Component, FOREVER, load_port, Part, save_port, wake_part
from bitline.csrc.engine.event_log cimport keep_segment, log_event, SEGMENT
from bitline.csrc.engine.snapshot cimport get64, put64, put_timer, put_words, snapshot_clear, snapshot_free
from bitline.csrc.engine.transitions cimport Change

REFUSALS = ("address", "message", "memory", "log", "new")

cdef enum:
    PLACE_LIMIT = 1 << 29     # of the log
    PATIENCE = 4096           # iterations without a replay until most are no longer looked at
    SAMPLE = 63               # then two of 64 that follow each other are


cdef int64_t pass_marker(void *region, int64_t now, int64_t until) noexcept nogil:
    """The leader of a region stands at a marker: replay what is known, not past `until`. Returns the time after it.

    Times are ps, or edges of the component of a region of one alone.
    """
    return (<Region> region).at_marker(now, until)


cdef class Region:
    """Components whose loops are fast-forwarded together: a leader, which runs them, and all whom it talks to.

    Nothing outside may be connected to any of them. `table` may be shared with regions of alike components.
    """

    def __init__(self, components, TransitionTable table):
        cdef Component component
        self.components = list(components)
        if not self.components:
            raise SpecError("a region of no components")
        self.n_parties = len(self.components)
        self.parties = <Part **> calloc(self.n_parties, sizeof(Part *))
        for i, component in enumerate(self.components):
            if component.part.save == NULL:
                raise SpecError(f"'{component.name}' cannot be relocated, so no loop of it can be fast-forwarded")
            if component.part.engine == NULL or component.part.engine != (<Component> self.components[0]).part.engine:
                raise SpecError(f"'{component.name}' is not in the simulator of the region's leader")
            self.parties[i] = &component.part
        self._find_ports()
        self._make_room(table)
        for component in self.components:
            component.part.segments = &table.segments
            component.table = table

    cdef set_up_alone(self, Part *part, TransitionTable table):
        """For a component that runs its loops by itself: it calls at_marker() with times in its own cycles."""
        self.alone = True
        self.n_parties = 1
        self.parties = <Part **> calloc(1, sizeof(Part *))
        self.parties[0] = part
        self._make_room(table)

    @staticmethod
    def table_for(components, *, int64_t max_bytes=1 << 29):
        """An empty table of transitions for a region of such components."""
        cdef Component component
        cdef int32_t n_timers = 0
        cdef bint logging = False
        for component in components:
            n_timers += component.part.n_timers
            logging = logging or component.part.log != NULL
        return TransitionTable(len(components), n_timers, logging=logging, max_bytes=max_bytes)

    def _find_ports(self):
        cdef int32_t i, j, n = 0
        for i in range(self.n_parties):
            n += self.parties[i].n_outputs
        self.ports = <Port **> calloc(n + 1, sizeof(Port *))
        for i in range(self.n_parties):
            for j in range(self.parties[i].n_outputs):
                if not self._inside(<size_t> self.parties[i].outputs[j].receiver):
                    raise SpecError(f"'{self.components[i].name}' sends to a component outside its region")
                self.ports[self.n_ports] = self.parties[i].outputs[j]
                self.n_ports += 1
            for j in range(self.parties[i].n_inputs):
                if not self._inside(<size_t> self.parties[i].inputs[j].sender):
                    raise SpecError(f"'{self.components[i].name}' receives from a component outside its region")

    def _inside(self, size_t part):
        cdef int32_t i
        return any(<size_t> self.parties[i] == part for i in range(self.n_parties))

    def _make_room(self, TransitionTable table):
        cdef int32_t i, n_timers = 0
        # The messages that a port delivered count as well.
        self.n_counts = self.n_ports
        for i in range(self.n_parties):
            self.n_counts += self.parties[i].n_counts
            n_timers += self.parties[i].n_timers
        if (table.n_parties, table.n_timers) != (self.n_parties, n_timers):
            raise SpecError(
                f"a table for {table.n_parties} components with {table.n_timers} timers "
                f"in a region of {self.n_parties} with {n_timers}")
        logs = tuple(table.logging and self.parties[i].log != NULL for i in range(self.n_parties))
        if table.logs is None:
            table.logs = logs
        if table.logs != logs:
            raise SpecError("regions that share a table of transitions keep different logs")
        self.table = table
        self.edges = <int64_t *> calloc(self.n_parties, sizeof(int64_t))
        self.timers = <int64_t *> calloc(n_timers + 1, sizeof(int64_t))
        self.later = <int64_t *> calloc(n_timers + 1, sizeof(int64_t))
        for i in range(MAX_DEPTH):
            self.recordings[i].edges = <int64_t *> calloc(self.n_parties, sizeof(int64_t))
            self.recordings[i].counts = <int64_t *> calloc(self.n_counts + 1, sizeof(int64_t))
            self.recordings[i].log_marks = <int64_t *> calloc(self.n_parties, sizeof(int64_t))
            self.recordings[i].timers = <Timer *> calloc(n_timers + 1, sizeof(Timer))

    def __dealloc__(self):
        cdef int32_t i
        free(self.parties)
        free(self.ports)
        free(self.edges)
        free(self.timers)
        free(self.later)
        for i in range(MAX_DEPTH):
            free(self.recordings[i].edges)
            free(self.recordings[i].counts)
            free(self.recordings[i].log_marks)
            free(self.recordings[i].timers)
        snapshot_free(&self.snapshot)

    def reset(self):
        """Forget what is being recorded and counted. What the table knows stays."""
        cdef int32_t i
        for i in range(MAX_DEPTH):
            self.recordings[i].active = 0
            self.unknown[i] = 0
        self.markers = self.replayed = self.simulated = 0
        for i in range(N_REFUSALS):
            self.refusals[i] = 0

    def statistics(self):
        """Markers passed, iterations replayed and simulated, and why iterations could not be remembered."""
        return {"markers": self.markers, "replayed": self.replayed, "simulated": self.simulated,
                "off_because": {why: self.refusals[i] for i, why in enumerate(REFUSALS) if self.refusals[i]}}

    # --- at a marker ---

    cdef int64_t at_marker(self, int64_t now, int64_t until) noexcept nogil:
        # See pass_marker.
        cdef Part *leader = self.parties[0]
        cdef Recording *recording
        cdef int64_t state
        cdef int64_t *unknown
        cdef int32_t why
        if leader.marker.depth >= MAX_DEPTH:
            return now
        recording = &self.recordings[leader.marker.depth]
        self.markers += 1
        unknown = &self.unknown[leader.marker.depth]
        unknown[0] += 1
        if unknown[0] > PATIENCE and unknown[0] & SAMPLE > 1:
            self._refuse(recording, REFUSED_NEW)
            return now
        self._save(now, recording if recording.active else NULL)
        why = self._movable()
        if why >= 0:
            self._refuse(recording, why)
            return now
        state = self.table.intern(self.snapshot.data, self.snapshot.used)
        if recording.active:
            self._finish(recording, now, state)
        if state >= 0 and leader.marker.trips > 0:
            state = self._replay(&now, until, state)
        if leader.marker.trips > 0:
            self.simulated += 1
            if state >= 0:
                self._begin(recording, now, state)
            else:
                self.refusals[REFUSED_MEMORY] += 1
        return now

    cdef int32_t _movable(self) noexcept nogil:
        """Why the loop that begins here cannot be moved, or -1."""
        cdef int64_t base = self.parties[0].marker.base
        cdef int64_t end = base + self.parties[0].marker.trips * self.parties[0].marker.stride
        if self.snapshot.refused:
            return REFUSED_ADDRESS
        if self.table.logging and not (-PLACE_LIMIT < base < PLACE_LIMIT and -PLACE_LIMIT < end < PLACE_LIMIT):
            return REFUSED_LOG
        return -1

    cdef void _refuse(self, Recording *recording, int32_t why) noexcept nogil:
        recording.active = 0
        if self.parties[0].marker.trips > 0:
            self.simulated += 1
            self.refusals[why] += 1

    cdef void _save(self, int64_t now, const Recording *recording) noexcept nogil:
        """The state of all parties, their ports and clock phases, relative to now.

        Wake-ups are no part of it: after a load every party is woken, which does no harm where nothing is due.
        """
        cdef Snapshot *snapshot = &self.snapshot
        cdef Part *part
        cdef int32_t i
        snapshot_clear(snapshot)
        snapshot.base = self.parties[0].marker.base
        snapshot.low = self.parties[0].marker.low
        snapshot.high = self.parties[0].marker.high
        snapshot.stride = self.parties[0].marker.stride
        if self.alone:
            self.edges[0] = now
            snapshot.since = recording.edges[0] if recording != NULL else -1
            self.parties[0].save(self.parties[0], now, snapshot)
            return
        for i in range(self.n_parties):
            part = self.parties[i]
            snapshot.since = recording.edges[i] if recording != NULL else -1
            self.edges[i] = edge_at_or_after(&part.clock, now)
            put64(snapshot, edge_time(&part.clock, self.edges[i]) - now)
            put64(snapshot, edge_phase(&part.clock, self.edges[i]))
            part.save(part, self.edges[i], snapshot)
        for i in range(self.n_ports):
            save_port(self.ports[i], now, snapshot)

    cdef void _load(self, int64_t state, int64_t now) noexcept nogil:
        """Put a state at another time, with `timers` cycles to each timer."""
        cdef Snapshot *snapshot = &self.snapshot
        cdef Part *part
        cdef int64_t size = self.table.states[state].size
        cdef int32_t i
        snapshot_clear(snapshot)
        memcpy(put_words(snapshot, size >> 3), self.table.bytes + self.table.states[state].first, size)
        for i in range(self.table.n_timers):
            put_timer(snapshot, self.timers[i], 0)
        snapshot.base = self.parties[0].marker.base
        if self.alone:
            self.edges[0] = now
            self.parties[0].load(self.parties[0], now, snapshot)
            return
        for i in range(self.n_parties):
            part = self.parties[i]
            self.edges[i] = edge_at_or_after(&part.clock, now)
            get64(snapshot)
            get64(snapshot)
            part.load(part, self.edges[i], snapshot)
            part.wake = FOREVER
            wake_part(part, edge_time(&part.clock, self.edges[i]))
        for i in range(self.n_ports):
            load_port(self.ports[i], now, snapshot)

    # --- recording ---

    cdef void _begin(self, Recording *recording, int64_t now, int64_t state) noexcept nogil:
        """Record the iteration that follows. The snapshot's timers are those of now."""
        cdef Part *part
        cdef int32_t i, place = 0
        recording.active = 1
        recording.body = self.parties[0].marker.body
        recording.state = state
        recording.base = self.parties[0].marker.base
        recording.time = now
        recording.messages = _messages(self.parties[0])
        for i in range(self.n_parties):
            part = self.parties[i]
            recording.edges[i] = self.edges[i]
            memcpy(recording.counts + place, part.counts, part.n_counts * sizeof(int64_t))
            place += part.n_counts
            recording.log_marks[i] = part.log.used if part.log != NULL else 0
        for i in range(self.n_ports):
            recording.counts[place + i] = self.ports[i].head
        for i in range(self.table.n_timers):
            recording.timers[i] = self.snapshot.timers[i]

    cdef void _finish(self, Recording *recording, int64_t now, int64_t state) noexcept nogil:
        """Keep the iteration that was recorded."""
        cdef Transition item
        cdef int64_t *words
        cdef const Timer *before
        cdef const Timer *after
        cdef int32_t i
        recording.active = 0
        if self.alone and recording.messages != _messages(self.parties[0]):
            self.refusals[REFUSED_MESSAGE] += 1
            return
        if state < 0 or self.table.full:
            self.refusals[REFUSED_MEMORY] += 1
            return
        item.body = recording.body
        item.state = recording.state
        item.level = 0
        item.near = 0
        for i in range(self.table.n_timers):
            before = recording.timers + i
            after = self.snapshot.timers + i
            if before.deadline != after.deadline or after.deadline <= after.clock:
                item.near = 1
        item.timers = self.table.take_words(self.table.n_timers)
        item.next_timers = self.table.take_words(self.table.n_timers)
        item.cycles = self.table.take_words(self.n_parties)
        item.segments = self.table.take_words(self.n_parties)
        words = self.table.words
        for i in range(self.table.n_timers):
            before = recording.timers + i
            after = self.snapshot.timers + i
            if item.near:
                words[item.timers + i] = before.deadline - before.clock
                words[item.next_timers + i] = after.deadline - after.clock
            else:
                words[item.timers + i] = words[item.next_timers + i] = after.clock - before.clock
        item.next_state = state
        item.time = now - recording.time
        for i in range(self.n_parties):
            words[item.cycles + i] = self.edges[i] - recording.edges[i]
            words[item.segments + i] = self._keep_log(recording, i)
        self._keep_changes(recording, &item)
        self.table.add(item, words + item.timers)

    cdef int64_t _keep_log(self, const Recording *recording, int32_t i) noexcept nogil:
        cdef Part *part = self.parties[i]
        cdef int64_t mark = recording.log_marks[i]
        if not self.table.logging or part.log == NULL or part.log.used == mark:
            return -1
        return keep_segment(&self.table.segments, part.log.rows + mark, part.log.used - mark, recording.edges[i],
                            recording.base, self.edges[i] - recording.edges[i])

    cdef void _keep_changes(self, const Recording *recording, Transition *item) noexcept nogil:
        cdef Part *part
        cdef int32_t i, j, place = 0, n = 0
        cdef int64_t first = self.table.take_changes(self.n_counts), amount
        cdef Change *changes = self.table.changes + first
        for i in range(self.n_parties):
            part = self.parties[i]
            for j in range(part.n_counts):
                amount = part.counts[j] - recording.counts[place + j]
                if amount:
                    changes[n].counter = place + j
                    changes[n].amount = amount
                    n += 1
            place += part.n_counts
        for i in range(self.n_ports):
            amount = self.ports[i].head - recording.counts[place + i]
            if amount:
                changes[n].counter = place + i
                changes[n].amount = amount
                n += 1
        item.first_change = first
        item.n_changes = n
        self.table.changes_used = first + n

    # --- replay ---

    cdef int64_t _replay(self, int64_t *now, int64_t until, int64_t state) noexcept nogil:
        """Pass over every iteration that is known. Returns the state in which the parties are left."""
        cdef Part *leader = self.parties[0]
        cdef int64_t left = leader.marker.trips, base = leader.marker.base, number
        cdef int32_t i, level
        for i in range(self.table.n_timers):
            self.timers[i] = self.snapshot.timers[i].deadline - self.snapshot.timers[i].clock
        while left > 0:
            number = self._longest(state, left, until - now[0])
            if number < 0:
                break
            self._apply(number, base)
            now[0] += self._duration(number)
            level = self.table.items[number].level
            base += leader.marker.stride << level
            left -= <int64_t> 1 << level
            state = self.table.items[number].next_state
        if left == leader.marker.trips:
            return state
        self.replayed += leader.marker.trips - left
        self.unknown[leader.marker.depth] = 0
        leader.skip(leader, leader.marker.trips - left)
        leader.marker.trips = left
        leader.marker.base = base
        self._load(state, now[0])
        # The timers as the parties have them now: a recording may begin from here.
        self._save(now[0], NULL)
        return state

    cdef int64_t _longest(self, int64_t state, int64_t left, int64_t rest) noexcept nogil:
        """The longest known run of iterations from a state: two known halves make a new one. -1: nothing is known."""
        cdef int64_t body = self.parties[0].marker.body, stride = self.parties[0].marker.stride
        cdef int64_t number = -1, half, joined
        cdef int32_t level = self.table.top_level
        while (<int64_t> 1 << level) > left:
            level -= 1
        while level >= 0:
            number = self.table.find(body, state, level, self.timers)
            if number >= 0 and self._duration(number) <= rest:
                break
            number = -1
            level -= 1
        while number >= 0 and not self.table.full and level < MAX_LEVEL and (<int64_t> 2 << level) <= left:
            self._pass_timers(number, self.timers, self.later)
            half = self.table.find(body, self.table.items[number].next_state, level, self.later)
            if half < 0 or self._duration(number) + self._duration(half) > rest:
                break
            joined = self.table.join(number, half, stride << level)
            if joined < 0:
                break
            number = joined
            level += 1
        return number

    cdef int64_t _duration(self, int64_t number) noexcept nogil:
        return self.table.words[self.table.items[number].cycles] if self.alone else self.table.items[number].time

    cdef void _pass_timers(self, int64_t number, const int64_t *before, int64_t *after) noexcept nogil:
        """Cycles to each timer after a transition."""
        cdef const int64_t *next_timers = self.table.words + self.table.items[number].next_timers
        cdef int32_t i
        for i in range(self.table.n_timers):
            after[i] = next_timers[i] if self.table.items[number].near else before[i] - next_timers[i]

    cdef void _apply(self, int64_t number, int64_t base) noexcept nogil:
        """Counts, log and timers of one transition."""
        cdef const Transition *item = self.table.items + number
        cdef const Change *change = self.table.changes + item.first_change
        cdef const int64_t *words = self.table.words
        cdef Part *part
        cdef int32_t i, place = 0, n = 0
        for i in range(self.n_parties):
            part = self.parties[i]
            while n < item.n_changes and change[n].counter < place + part.n_counts:
                part.counts[change[n].counter - place] += change[n].amount
                n += 1
            place += part.n_counts
            if words[item.segments + i] >= 0:
                log_event(part.log, self.edges[i], SEGMENT, <int32_t> words[item.segments + i], -1, <int32_t> base)
            self.edges[i] += words[item.cycles + i]
        while n < item.n_changes:
            self.ports[change[n].counter - place].head += change[n].amount
            n += 1
        self._pass_timers(number, self.timers, self.timers)


cdef int64_t _messages(const Part *part) noexcept nogil:
    cdef int64_t count = 0
    cdef int32_t i
    for i in range(part.n_inputs):
        count += part.inputs[i].head
    for i in range(part.n_outputs):
        count += part.outputs[i].tail
    return count
