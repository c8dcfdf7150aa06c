# csrc/tasks/dispatcher.pyx: starts the tasks of a graph on the units that do them.
#
# Spec:   its clock.
# State:  the graph; what each task still waits for; tasks that are ready, by unit, oldest first.
# Rules:  a task is sent to its unit when all that it depends on has been answered and the unit's port has room; ready
#         tasks of a unit go in the order in which they became ready, those of one moment by number.

import numpy as np

from libc.stdint cimport int32_t, int64_t
from libc.stdlib cimport calloc, free

from bitline.base.errors import SpecError

from bitline.csrc.engine.clock cimport make_clock
from bitline.csrc.engine.component cimport (
    Component, FOREVER, Message, Part, port_has_room, port_peek, port_pop, port_send, Waits, WAITS_FOR_MESSAGE,
    WAITS_FOR_NOTHING, WAITS_FOR_ROOM,
)
from bitline.csrc.engine.clock cimport edge_at_or_after

TASK = np.dtype([("unit", "i4"), ("program", "i4"), ("base", "i8"), ("operator", "i4"), ("spare", "i4")])

cdef enum:
    START_MESSAGE = 1

cdef packed struct Task:
    int32_t unit
    int32_t program           # or cycles, for a Unit
    int64_t base
    int32_t operator
    int32_t spare

cdef struct Graph:
    int32_t n_tasks
    const Task *tasks
    const int32_t *first_successor     # [n_tasks + 1]
    const int32_t *successors
    int32_t *waits_for                 # dependencies not yet answered
    int32_t *next_ready                # list of ready tasks by unit
    int32_t *head
    int32_t *tail
    int32_t n_units
    int32_t n_done
    int32_t n_sent
    int64_t *ready                     # ps, by task
    int64_t *start
    int64_t *end
    int64_t *told                      # what the answer said besides
    int32_t *cause                     # the task whose end let this one start, -1: none
    int32_t *last_of_unit


cdef class Dispatcher(Component):
    """Runs task graphs on units. Output and input port i lead to and from unit i."""

    cdef Graph graph
    cdef object keep

    def __init__(self, str name, clock_mhz, int n_units):
        self._set_up(name, make_clock(clock_mhz), n_units, n_units, ("tasks",))
        self.graph.n_units = n_units
        self.graph.head = <int32_t *> calloc(n_units, sizeof(int32_t))
        self.graph.tail = <int32_t *> calloc(n_units, sizeof(int32_t))
        self.graph.last_of_unit = <int32_t *> calloc(n_units, sizeof(int32_t))
        if self.graph.head == NULL or self.graph.tail == NULL or self.graph.last_of_unit == NULL:
            raise MemoryError()
        self.load(np.zeros(0, TASK), (), ())
        self.part.self = &self.graph
        self.part.advance = _advance
        self.part.waits = _waits

    def __dealloc__(self):
        free(self.graph.head)
        free(self.graph.tail)
        free(self.graph.last_of_unit)

    def reset(self):
        """Back to the state at time 0, with all of the graph to be done."""
        Component.reset(self)
        self.load(self.keep["tasks"], self.keep["before"], self.keep["after"])

    def load(self, tasks, before, after):
        """Take a graph: TASK rows, and edges from task before[i] to task after[i], each to a higher number.

        Start with Simulator.wake. Raises SpecError for an edge backwards or a unit that is not there.
        """
        cdef Graph *graph = &self.graph
        cdef const unsigned char[::1] rows
        cdef const int32_t[::1] first, successors
        cdef int32_t[::1] waits_for, next_ready, cause
        cdef int64_t[::1] ready, start, end, told
        cdef int32_t i
        tasks = np.ascontiguousarray(tasks, TASK)
        before, after = np.asarray(before, np.int32), np.asarray(after, np.int32)
        n = len(tasks)
        if n and not (0 <= tasks["unit"].min() and tasks["unit"].max() < graph.n_units):
            raise SpecError("a task names a unit that is not there", expected=f"0 to {graph.n_units - 1}")
        if len(before) and not ((0 <= before).all() and (before < after).all() and (after < n).all()):
            raise SpecError("a task depends on itself or on one after it")
        order = np.argsort(before, kind="stable")
        counts = np.bincount(before, minlength=n)
        arrays = {
            "tasks": tasks, "before": before, "after": after,
            "first": np.concatenate(([0], np.cumsum(counts))).astype(np.int32),
            "successors": np.ascontiguousarray(np.concatenate((after[order], [0])), np.int32),
            "waits_for": np.concatenate((np.bincount(after, minlength=n), [0])).astype(np.int32),
            "next_ready": np.full(n + 1, -1, np.int32),
            "cause": np.full(n + 1, -1, np.int32),
            "ready": np.zeros(n + 1, np.int64), "start": np.zeros(n + 1, np.int64), "end": np.zeros(n + 1, np.int64),
            "told": np.zeros(n + 1, np.int64),
        }
        self.keep = arrays
        graph.n_tasks = n
        graph.n_done = graph.n_sent = 0
        for i in range(graph.n_units):
            graph.head[i] = graph.tail[i] = graph.last_of_unit[i] = -1
        if not n:
            return
        rows = tasks.view(np.uint8)
        first, successors, waits_for = arrays["first"], arrays["successors"], arrays["waits_for"]
        next_ready, cause = arrays["next_ready"], arrays["cause"]
        ready, start, end, told = arrays["ready"], arrays["start"], arrays["end"], arrays["told"]
        graph.tasks = <const Task *> &rows[0]
        graph.first_successor, graph.successors, graph.waits_for = &first[0], &successors[0], &waits_for[0]
        graph.next_ready, graph.cause = &next_ready[0], &cause[0]
        graph.ready, graph.start, graph.end = &ready[0], &start[0], &end[0]
        graph.told = &told[0]
        for i in range(n):
            if graph.waits_for[i] == 0:
                _make_ready(graph, i, 0)

    @property
    def finished(self):
        """Has every task been answered?"""
        return self.graph.n_done == self.graph.n_tasks

    def times(self):
        """Start and end of each task, ps."""
        n = self.graph.n_tasks
        return self.keep["start"][:n], self.keep["end"][:n]

    def told(self):
        """What each answer said besides its task and start."""
        return self.keep["told"][:self.graph.n_tasks]

    def waited(self, int64_t since, int n_operators):
        """For each operator, ps in which the graph's end waited for it: backwards from the last end, each task from
        the end of what let it start. The sum is the time from `since` to the last end."""
        cdef Graph *graph = &self.graph
        cdef int32_t i, task = -1
        cdef int64_t until
        cdef int64_t[::1] found
        result = np.zeros(n_operators, np.int64)
        found = result
        for i in range(graph.n_tasks):
            if task < 0 or graph.end[i] > graph.end[task]:
                task = i
        while task >= 0:
            i = graph.cause[task]
            until = since if i < 0 else graph.end[i]
            found[graph.tasks[task].operator] += graph.end[task] - until
            task = i
        return result


cdef void _make_ready(Graph *graph, int32_t task, int64_t now) noexcept nogil:
    cdef int32_t unit = graph.tasks[task].unit
    graph.ready[task] = now
    graph.next_ready[task] = -1
    if graph.head[unit] < 0:
        graph.head[unit] = task
    else:
        graph.next_ready[graph.tail[unit]] = task
    graph.tail[unit] = task


cdef int64_t _advance(Part *part, int64_t now) noexcept nogil:
    cdef Graph *graph = <Graph *> part.self
    cdef int64_t edge = edge_at_or_after(&part.clock, now)
    cdef const Message *message
    cdef int32_t unit, task
    for unit in range(graph.n_units):
        message = port_peek(part.inputs[unit], edge)
        while message != NULL:
            _take(graph, <int32_t> message.a, message.b, message.c, now)
            port_pop(part.inputs[unit], now)
            part.counts[0] += 1
            message = port_peek(part.inputs[unit], edge)
    for unit in range(graph.n_units):
        while graph.head[unit] >= 0 and port_has_room(part.outputs[unit], now):
            task = graph.head[unit]
            graph.head[unit] = graph.next_ready[task]
            graph.n_sent += 1
            port_send(part.outputs[unit], now, START_MESSAGE, task, graph.tasks[task].program, graph.tasks[task].base)
    return FOREVER


cdef void _take(Graph *graph, int32_t task, int64_t start, int64_t told, int64_t now) noexcept nogil:
    """A task was answered."""
    cdef int32_t unit = graph.tasks[task].unit, i, other, previous = graph.last_of_unit[unit]
    graph.n_done += 1
    graph.start[task] = start
    graph.end[task] = now
    graph.told[task] = told
    # What came later: its last dependency, or the end of the task before it on the unit?
    if previous >= 0 and graph.end[previous] > graph.ready[task]:
        graph.cause[task] = previous
    graph.last_of_unit[unit] = task
    for i in range(graph.first_successor[task], graph.first_successor[task + 1]):
        other = graph.successors[i]
        graph.waits_for[other] -= 1
        if graph.waits_for[other] == 0:
            graph.cause[other] = task
            _make_ready(graph, other, now)


cdef Waits _waits(const Part *part, int32_t *port) noexcept nogil:
    cdef const Graph *graph = <const Graph *> part.self
    cdef int32_t unit
    for unit in range(graph.n_units):
        if graph.head[unit] >= 0:
            port[0] = unit
            return WAITS_FOR_ROOM
    if graph.n_done < graph.n_tasks:
        return WAITS_FOR_MESSAGE
    return WAITS_FOR_NOTHING
