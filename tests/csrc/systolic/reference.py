"""A slow, cycle-by-cycle model of an NPU core and of a plain memory beside it, to hold csrc/systolic/core.pyx against.

A nest is a list of rows (dicts with the fields of NPU_BODY) and of loops ("loop", trips, stride, items). Programs are
flattened when they come; every row then knows by number which operand entries and which accumulator entry it means.
Memory and core share one clock, and a message takes one cycle.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from bitline.csrc.systolic.array import SystolicArray

LOAD, ARRAY, VECTOR, STORE = range(4)
FIFOS = range(3)
LAST_CYCLE = 200_000


@dataclass
class MemorySpec:
    """A transfer holds its channel for bytes / bandwidth cycles, and is answered some cycles after that."""

    channels: int = 1
    latency: tuple[int, ...] = (20,)
    """Cycles, by transfer in turn: answers may overtake each other."""
    bytes_per_cycle: int = 32

    def answer(self, free: int, cycle: int, size: int, number: int) -> tuple[int, int]:
        """(cycle from which the channel is free, cycle at which it answers) of its transfer `number`."""
        free = max(free, cycle) + -(-size // self.bytes_per_cycle)
        return free, free + self.latency[number % len(self.latency)]


@dataclass
class CoreSpec:
    """What NpuCore is made of."""

    array: dict
    fifos: tuple[int, int, int] = (2, 2, 2)
    accumulators: int = 2
    port_bytes: int = 0


def flatten(items, base=0, turns=()):
    """(row, address) of every row in order."""
    for item in items:
        if isinstance(item, dict):
            moved = sum(stride * turn for stride, turn in zip(item.get("strides", ()), turns))
            yield item, base + item.get("offset", 0) + moved
        else:
            _loop, trips, stride, inner = item
            for turn in range(trips):
                yield from flatten(inner, base + turn * stride, (*turns, turn))


@dataclass
class Step:
    """A row at its place in all programs."""

    kind: int
    row: dict
    address: int
    program: Started
    place: int
    reads: list[tuple[int, int]] = field(default_factory=list)
    """(FIFO, entry) that it waits for."""
    frees: list[tuple[int, int]] = field(default_factory=list)
    entry: int = -1
    """LOAD: of its FIFO. ARRAY, VECTOR, STORE: of the accumulators."""
    after: Step | None = None
    """A fused row whose result on the same entry it needs."""
    end: int | None = None
    """Cycle at which its result is there, once it has begun."""
    moved: int = 0
    """Cycle at which the core's port has moved it."""
    pending: int = 0
    """Channels that have not answered."""


@dataclass
class Started:
    """A program that has come."""

    task: int
    number: int
    came: int
    steps: list[Step] = field(default_factory=list)
    start: int | None = None
    end: int = 0
    unwritten: int = 0
    done: bool = False


class Reference:
    """Run with `run(programs, side)`; then see `answers`, `side_answers`, `transfers` and `counts`."""

    def __init__(self, core: CoreSpec, memory: MemorySpec):
        self.core, self.memory = core, memory
        array = dict(core.array)
        self.array = SystolicArray(array.pop("rows"), array.pop("columns"), **array)
        self.loads, self.pops, self.entries, self.stores = [0, 0, 0], [0, 0, 0], 0, 0
        self.loaded, self.freed = {}, {}  # by (FIFO, entry): cycle
        self.entry_ready, self.entry_finished, self.entry_freed = {}, set(), {}
        # In one cycle, stores go out before loads.
        self.queues = {kind: [] for kind in (ARRAY, VECTOR, STORE, LOAD)}
        self.programs = []
        self.placed = 0  # rows so far
        self.last_load = -1
        self.port = {LOAD: 0, STORE: 0}
        self.vector_free = self.array_free = 0
        self.to_memory, self.from_memory = [], []  # (cycle of arrival, ...)
        self.memory_free = [0] * memory.channels
        self.served = [0] * memory.channels
        self.transfers = [[] for _ in range(memory.channels)]
        self.answers, self.side_answers = [], []
        names = ("array_busy", "macs", "tiles", "vector_busy", "side_busy", "bytes_loaded", "bytes_stored")
        self.counts = dict.fromkeys((*names, "load_stall", "store_stall"), 0)

    def run(self, programs, side=()):
        """`programs`: (cycle of arrival, task, items, base); `side`: (cycle of arrival, task, cycles). In order."""
        programs, side = list(programs), list(side)
        cycle = 0
        while programs or side or not all(program.done for program in self.programs):
            assert cycle < LAST_CYCLE, "the reference stands still"
            while programs and programs[0][0] <= cycle:
                self._take(*programs.pop(0))
            self._serve_memory(cycle)
            self._hear_memory(cycle)
            self._side(cycle, side)
            while self._something(cycle):
                pass
            cycle += 1
        return self

    # --- what comes ---

    def _take(self, came, task, items, base):
        program = Started(task, len(self.programs), came)
        fused = None
        for row, address in flatten(items, base):
            step = Step(row["kind"], row, address, program, self.placed)
            self.placed += 1
            if step.kind == LOAD:
                step.entry = self.loads[row["operand"]]
                self.loads[row["operand"]] += 1
            elif step.kind == STORE:
                step.entry = self.stores
                self.stores += 1
            else:
                if row.get("first"):
                    self.entries += 1
                step.entry = self.entries - 1
                step.reads = [(f, self.pops[f]) for f in FIFOS if row.get("operand", 0) >> f & 1]
                step.frees = [(f, self.pops[f]) for f in FIFOS if row.get("pop", 0) >> f & 1]
                for f, _entry in step.frees:
                    self.pops[f] += 1
                step.after = None if row.get("first") else fused
                fused = step if row.get("fused") else None
            program.steps.append(step)
            self.queues[step.kind].append(step)
        self.programs.append(program)

    def _side(self, cycle, side):
        while side and side[0][0] <= cycle and self.vector_free <= cycle:
            _came, task, cycles = side.pop(0)
            self.vector_free = cycle + cycles
            self.counts["side_busy"] += cycles
            self.side_answers.append((cycle + cycles, task, cycle))

    def _serve_memory(self, cycle):
        due = [entry for entry in self.to_memory if entry[0] == cycle]
        self.to_memory = [entry for entry in self.to_memory if entry[0] > cycle]
        for _arrival, channel, step in due:
            size = step.row["rows"] * step.row["row_bytes"]
            free, at = self.memory.answer(self.memory_free[channel], cycle, size, self.served[channel])
            self.memory_free[channel] = free
            self.served[channel] += 1
            self.transfers[channel].append((cycle, step.kind == STORE, *_shape(step.row), step.address))
            self.from_memory.append((at + 1, step))

    def _hear_memory(self, cycle):
        for arrival, step in self.from_memory:
            if arrival == cycle:
                step.pending -= 1
                if step.pending == 0:
                    self._moved(step, max(cycle, step.moved))
        self.from_memory = [entry for entry in self.from_memory if entry[0] > cycle]

    # --- what is done ---

    def _something(self, cycle):
        """Let every queue go on as far as it can. Has anything happened?"""
        went = False
        for kind, queue in self.queues.items():
            while queue and self._try(kind, queue[0], cycle):
                program = queue.pop(0).program
                program.start = cycle if program.start is None else program.start
                went = True
        return self._finish(cycle) or went

    def _try(self, kind, step, cycle):
        return (self._load, self._array, self._vector, self._store)[kind](step, cycle)

    def _send(self, step, cycle):
        """To every channel, and through the core's port."""
        size = step.row["rows"] * step.row["row_bytes"]
        step.moved = cycle
        if self.core.port_bytes:
            self.port[step.kind] = max(self.port[step.kind], cycle) + -(-size // self.core.port_bytes)
            step.moved = self.port[step.kind]
        step.pending = self.memory.channels
        self.to_memory += [(cycle + 1, channel, step) for channel in range(self.memory.channels)]
        self.counts["bytes_stored" if step.kind == STORE else "bytes_loaded"] += size
        if step.kind == STORE:
            step.program.unwritten += 1
        if self.memory.channels == 0:
            self._moved(step, step.moved)

    def _moved(self, step, cycle):
        if step.kind == LOAD:
            self.loaded[step.row["operand"], step.entry] = cycle
        else:
            self.entry_freed[step.entry] = cycle
            step.program.unwritten -= 1
            step.program.end = max(step.program.end, cycle)

    def _load(self, step, cycle):
        fifo = step.row["operand"]
        before = step.entry - self.core.fifos[fifo]
        if fifo == 0 and not all(program.done for program in self.programs[: step.program.number]):
            return False
        if self.last_load == cycle or (before >= 0 and self.freed.get((fifo, before), LAST_CYCLE) > cycle):
            return False
        self.last_load = cycle
        self._send(step, cycle)
        return True

    def _room(self, step):
        """Cycle from which the place of the entry that a row begins is free."""
        before = step.entry - self.core.accumulators
        return self.entry_freed.get(before, LAST_CYCLE) if before >= 0 else 0

    def _operands(self, step):
        return max((self.loaded.get(entry, LAST_CYCLE) for entry in step.reads), default=0)

    def _works(self, step, end, read):
        """Note what a row has done to its entry and operands."""
        step.end = end
        self.entry_ready[step.entry] = max(end, self.entry_ready.get(step.entry, 0))
        if step.row.get("last"):
            self.entry_finished.add(step.entry)
        for entry in step.frees:
            self.freed[entry] = read
        step.program.end = max(step.program.end, end)

    def _array(self, step, cycle):
        row, loaded, other = step.row, self._operands(step), 0
        if row.get("first"):
            other = self._room(step)
        elif step.after is not None:
            other = LAST_CYCLE if step.after.end is None else step.after.end
        if max(loaded, other) > cycle:
            return False
        times = self.array.run([(row["rows"], row["row_bytes"], row["pitch"])], ready=cycle, stall=row.get("stall", 0))
        self._works(step, int(times["done"][0]), int(times["read"][0]))
        idle = max(0, cycle - self.array_free)
        self.counts["load_stall" if loaded >= other else "store_stall"] += idle
        self.array_free = int(times["free"][0])
        self.counts["array_busy"] += int(times["busy_cycles"][0])
        self.counts["macs"] += row["rows"] * row["row_bytes"] * row["pitch"]
        self.counts["tiles"] += 1
        return True

    def _vector(self, step, cycle):
        row = step.row
        ready = max(self._operands(step), self.vector_free)
        if row.get("fused"):
            if self.queues[ARRAY] and self.queues[ARRAY][0].place < step.place:
                return False
            ready = max(ready, self.entry_ready.get(step.entry, LAST_CYCLE))
        elif row.get("first"):
            ready = max(ready, self._room(step))
        if ready > cycle:
            return False
        self.vector_free = cycle + row["cycles"]
        self.counts["vector_busy"] += row["cycles"]
        self._works(step, self.vector_free, self.vector_free)
        return True

    def _store(self, step, cycle):
        if step.entry not in self.entry_finished or self.entry_ready[step.entry] > cycle:
            return False
        self._send(step, cycle)
        return True

    def _finish(self, cycle):
        program = next((program for program in self.programs if not program.done), None)
        if program is None or program.unwritten or program.end > cycle:
            return False
        if any(queue and queue[0].program is program for queue in self.queues.values()):
            return False
        program.done = True
        self.answers.append((cycle, program.task, cycle if program.start is None else program.start))
        return True


def _shape(row):
    return row["rows"], row["row_bytes"], row["pitch"] if row["rows"] > 1 else 0
