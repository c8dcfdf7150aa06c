# csrc/pim/newton_memory.pyx: one channel of banks that compute, driven from Python tick by tick.

import numpy as np

from libc.stdint cimport int32_t, int64_t
from libc.stdlib cimport calloc
from libc.string cimport memcpy

from bitline.csrc.dram.channel cimport N_COUNTERS, settle_standby
from bitline.csrc.dram.controller cimport advance_to, Controller, PIM_COMPS, PIM_GWRITE, PIM_HEADER, PimRequest
from bitline.csrc.dram.request cimport Completion, Completions, Request
from bitline.csrc.engine.event_log cimport LogRow
from bitline.csrc.pim.newton cimport new_newton
from bitline.csrc.dram.memory import COMPLETION, COUNTERS
from bitline.csrc.engine.event_log import LOG_ROW

KINDS = {"gwrite": PIM_GWRITE, "header": PIM_HEADER, "comps": PIM_COMPS}


cdef object _taken(Completions *completions):
    found = np.zeros(completions.used, COMPLETION)
    cdef char[::1] view
    if found.size:
        view = found.view(np.int8)
        memcpy(&view[0], completions.items, found.nbytes)
    completions.used = 0
    return np.sort(found, order=["tick", "tag"])


cdef void _keep(Completions *completions) except *:
    completions.items = <Completion *> calloc(1024, sizeof(Completion))
    if completions.items == NULL:
        raise MemoryError()
    completions.capacity = 1024


cdef class PimMemoryCore:
    """One channel under a policy of arch/dram/controller.py (`resolve_policy`). Times are ticks of the part."""

    cdef Controller *controller
    cdef int64_t row_accesses
    cdef int64_t n_rows

    def __cinit__(self, table, dict policy):
        self.controller = new_newton(table, policy)
        self.row_accesses = table.part.organisation.accesses_per_row
        self.n_rows = table.part.organisation.rows
        _keep(&self.controller.completions)
        _keep(&self.controller.pim_completions)

    def __dealloc__(self):
        if self.controller != NULL:
            self.controller.release(self.controller)

    def reset(self):
        """Back to tick 0: banks closed, queues empty, nothing counted."""
        self.controller.reset(self.controller)

    def log_commands(self, bint enabled=True):
        """Keep every command from now on, to be taken by take_log."""
        self.controller.channel.log.enabled = enabled

    def send(self, int bank, int row, int column, bint write, int64_t tick, int64_t tag):
        """Offer a read or a write after a tick. False when its queue is full."""
        cdef Request request
        request.line = (<int64_t> bank * self.n_rows + row) * self.row_accesses + column
        request.kind = write
        advance_to(self.controller, tick)
        if not self.controller.accepts(self.controller, request.kind, request.line):
            return False
        request.tag = tag
        request.arrival = tick
        request.bank = bank
        request.row = row
        request.column = column
        self.controller.accept(self.controller, &request)
        return True

    def pim(self, str kind, int64_t tick, int64_t tag=-1, *, int bank=0, int row=0, int comps=0, int results=0):
        """Offer a PIM request ("gwrite", "header" or "comps") after a tick. False when the queue is full."""
        cdef PimRequest request
        advance_to(self.controller, tick)
        if self.controller.pim_room(self.controller) <= 0:
            return False
        request.kind = KINDS[kind]
        request.bank = bank
        request.row = row
        request.comps = comps
        request.results = results
        request.tag = tag
        self.controller.pim_accept(self.controller, &request)
        return True

    def run(self, int64_t[:, ::1] requests, int64_t deadline):
        """Offer rows of (kind, bank, row, comps, results) to the PIM queue as it has room, and run until all are
        through, or to a tick. Returns the tick that was reached."""
        cdef int64_t i = 0
        cdef PimRequest request
        cdef Controller *controller = self.controller
        request.tag = -1
        with nogil:
            while (i < requests.shape[0] or controller.pim_waiting(controller)) and controller.clk < deadline:
                while i < requests.shape[0] and controller.pim_room(controller) > 0:
                    request.kind = <int32_t> requests[i, 0]
                    request.bank = <int32_t> requests[i, 1]
                    request.row = <int32_t> requests[i, 2]
                    request.comps = <int32_t> requests[i, 3]
                    request.results = <int32_t> requests[i, 4]
                    controller.pim_accept(controller, &request)
                    i += 1
                advance_to(controller, controller.next if controller.next < deadline else deadline)
        return controller.clk

    def advance(self, int64_t tick, bint skip=True):
        """Do every tick up to and including `tick`; with `skip` False also those at which nothing can happen."""
        with nogil:
            while not skip and self.controller.clk < tick:
                self.controller.next = self.controller.clk + 1
                advance_to(self.controller, self.controller.next)
            advance_to(self.controller, tick)

    def flush(self):
        """No more requests will come: writes are no longer held back."""
        self.controller.flush(self.controller)

    def finish(self, int64_t deadline):
        """Run until nothing waits, or to a tick; settle the counts there. Returns the tick of the last answer."""
        cdef Controller *controller = self.controller
        controller.flush(controller)
        while (controller.waiting(controller) or controller.pim_waiting(controller)) and controller.clk < deadline:
            advance_to(controller, controller.next if controller.next < deadline else deadline)
        cdef int64_t last = max(controller.clk, controller.channel.last_answer)
        advance_to(controller, last)
        settle_standby(controller.channel, last)
        return last

    @property
    def clk(self):
        """The last tick that is done."""
        return self.controller.clk

    @property
    def next_event(self):
        """The earliest tick at which anything may happen."""
        return self.controller.next

    def waiting(self):
        """(memory requests, PIM requests) that are not through."""
        return self.controller.waiting(self.controller), self.controller.pim_waiting(self.controller)

    def take_completions(self):
        """Completed reads and writes since the last call: (tag, tick), by tick then tag."""
        return _taken(&self.controller.completions)

    def take_pim_completions(self):
        """The same of PIM requests that have a tag."""
        return _taken(&self.controller.pim_completions)

    def counts(self):
        """Counters by name, then the issues of each command by number."""
        values = [self.controller.channel.counts[i] for i in range(N_COUNTERS)]
        return dict(zip(COUNTERS, values, strict=False)), values[len(COUNTERS):]

    def take_log(self):
        """The commands since the last call: rows of (tick, command, bank, row, column)."""
        cdef int64_t used = self.controller.channel.log.used
        rows = np.zeros(used, LOG_ROW)
        cdef char[::1] view
        if used:
            view = rows.view(np.int8)
            memcpy(&view[0], self.controller.channel.log.rows, used * sizeof(LogRow))
            self.controller.channel.log.used = 0
        return rows
