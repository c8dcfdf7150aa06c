# csrc/engine/program.pyx: programs from Python: loops, strides and markers around the rows of a core's own body.

import numpy as np

from libc.stdint cimport int32_t
from libc.stdlib cimport calloc, free

from bitline.base.errors import CapacityError, SpecError

cdef dict _identities = {}

LIMIT = 2**62


class Loop:
    """A counted loop: `trips` times the `items`, each a row number of the body or another Loop.

    `stride`: what an iteration adds to the base that the offsets of body rows count from. `marked`: iterations may be
    remembered and replayed (a row, a tile, a K-step, a layer).
    """

    __slots__ = ("items", "marked", "stride", "trips")

    def __init__(self, trips, items, *, stride=0, marked=True):
        if not 0 <= trips < LIMIT:
            raise CapacityError(f"a loop of {trips} iterations", expected="0 to 2^62 - 1")
        self.trips = int(trips)
        self.items = tuple(items)
        self.stride = int(stride)
        self.marked = marked


cdef class Program:
    """A loop nest over a body.

    `body`: the core's own structured array; where it has a field `offset`, that counts from the base. `items`: row
    numbers and Loops. `base`: where offsets count from at the start. Loops with the same content have the same
    identity, in all programs of a process. `executions`: how often each body row runs.
    """

    def __init__(self, body, items, *, base=0):
        cdef int32_t i
        self.body = np.ascontiguousarray(body)
        self.body.setflags(write=False)
        self.loops = []
        self.executions = np.zeros(len(body), np.int64)
        self.nest.base = base
        kinds, arguments, records = [], [], []
        _, self.low, self.high = self._flatten(tuple(items), 1, 0, kinds, arguments, records)
        self.nest.n_steps = len(kinds)
        self.nest.kinds = <int32_t *> calloc(len(kinds) + 1, sizeof(int32_t))
        self.nest.arguments = <int32_t *> calloc(len(kinds) + 1, sizeof(int32_t))
        self.nest.loops = <LoopSpec *> calloc(len(records) + 1, sizeof(LoopSpec))
        if self.nest.kinds == NULL or self.nest.arguments == NULL or self.nest.loops == NULL:
            raise MemoryError()
        for i in range(len(kinds)):
            self.nest.kinds[i] = kinds[i]
            self.nest.arguments[i] = arguments[i]
        for i in range(len(records)):
            record = records[i]
            self.nest.loops[i] = LoopSpec(
                trips=record[0], stride=record[1], identity=record[2], low=record[3], high=record[4], enter=record[5],
                leave=record[6], marked=record[7])

    def __dealloc__(self):
        free(self.nest.kinds)
        free(self.nest.arguments)
        free(self.nest.loops)

    def _flatten(self, items, times, depth, kinds, arguments, records):
        """Append steps; returns (content, low, high) of the items."""
        content, low, high = [], 0, 0
        has_offset = self.body.dtype.names is not None and "offset" in self.body.dtype.names
        for item in items:
            if not hasattr(item, "trips"):
                row = int(item)
                if not 0 <= row < len(self.body):
                    raise SpecError(f"a program runs row {row} of a body of {len(self.body)}")
                kinds.append(STEP_BODY)
                arguments.append(row)
                self.executions[row] += times
                if times >= LIMIT or self.executions[row] >= LIMIT:
                    raise CapacityError("a program runs a command more than 2^62 times")
                content.append(self.body[row].tobytes())
                if has_offset:
                    low = min(low, int(self.body[row]["offset"]))
                    high = max(high, int(self.body[row]["offset"]))
                continue
            if depth == MAX_LOOPS:
                raise SpecError(f"a program of more than {MAX_LOOPS} nested loops")
            number, enter = len(records), len(kinds)
            records.append(None)
            self.loops.append(item)
            kinds.append(STEP_ENTER)
            arguments.append(number)
            inner, inner_low, inner_high = self._flatten(
                item.items, times * item.trips, depth + 1, kinds, arguments, records)
            kinds.append(STEP_LEAVE)
            arguments.append(number)
            identity = _identity((item.stride, item.marked, self.body.dtype.str, tuple(inner)))
            records[number] = (
                item.trips, item.stride, identity, inner_low, inner_high, enter, len(kinds) - 1, item.marked)
            span = item.stride * max(0, item.trips - 1)
            low, high = min(low, inner_low + min(0, span)), max(high, inner_high + max(0, span))
            content.append((item.trips, identity))
        return content, low, high


def _identity(content):
    """The number of a loop's content: bodies are compared, not hashed."""
    return _identities.setdefault(content, len(_identities) + 1)
