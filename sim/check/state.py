"""The row buffers: which bank holds which row, and which commands that allows.

This is the one rule that has to walk through the log command by command: what a command may do depends on what all
commands before it did to its banks.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from bitline.sim.check.commands import CODE, COMMANDS
from bitline.sim.check.evidence import Evidence, Indices
from bitline.sim.check.rule import Action, Buffer, Kind, Level
from bitline.sim.check.view import LogView

CLOSED_FOR_ACTIVATE = "state: an activate finds its banks closed"
OPEN_FOR_ACCESS = "state: an access finds its banks open"
ROW_FOR_ACCESS = "state: an access names the open row"
CLOSED_FOR_REFRESH = "state: a refresh finds its banks closed"
SECOND_HALF = "state: ACT2 completes an ACT1 of its bank and row"
ONE_PENDING = "state: one ACT1 of a rank waits for its ACT2"
NO_PRECHARGE_BETWEEN = "state: no precharge between ACT1 and ACT2"

#: What a row buffer holds instead of a row. Between ACT1 and ACT2 it holds _HALF_OPEN - row.
_CLOSED = -1
_HALF_OPEN = -2


class RowBuffers:
    """The open rows of a log's banks, and the rules that were broken on the way to them."""

    def __init__(self, n_buffers: int) -> None:
        self.rows = [_CLOSED] * n_buffers
        #: The command that last opened or closed a buffer.
        self.setter = [-1] * n_buffers
        self.pending: dict[int, int] = {}
        #: For each rule the commands that broke it, each after the command that set the state.
        self.broken: dict[str, list[tuple[int, int]]] = {}
        self.n_broken = 0

    def issue(self, index: int, action: Action, buffers: tuple[int, ...], row: int, rank: int) -> bool:
        """Judge one command and apply what it does. Returns whether it was legal."""
        n_broken = self.n_broken
        self._judge(index, action, buffers, [self.rows[buffer] for buffer in buffers], row, rank)
        if action is Action.OPEN_FIRST_HALF:
            row = _HALF_OPEN - row
        elif action is Action.CLOSE or action is Action.ACCESS_AND_CLOSE:
            row = _CLOSED
        if action is not Action.ACCESS and action is not Action.REFRESH:
            for buffer in buffers:
                self.rows[buffer] = row
                self.setter[buffer] = index
        return self.n_broken == n_broken

    def _judge(
        self, index: int, action: Action, buffers: tuple[int, ...], held: list[int], row: int, rank: int
    ) -> None:
        if action is Action.ACCESS or action is Action.ACCESS_AND_CLOSE:
            if min(held) < 0:
                self._break(OPEN_FOR_ACCESS, index, self.setter[buffers[held.index(min(held))]])
            elif row >= 0 and held.count(row) < len(held):
                other = next(buffer for buffer, open_row in zip(buffers, held) if open_row != row)
                self._break(ROW_FOR_ACCESS, index, self.setter[other])
        elif action is Action.REFRESH:
            self._require_closed(CLOSED_FOR_REFRESH, index, buffers, held)
        elif action is Action.OPEN:
            self._require_closed(CLOSED_FOR_ACTIVATE, index, buffers, held)
        elif action is Action.CLOSE:
            if min(held) <= _HALF_OPEN:
                self._break(NO_PRECHARGE_BETWEEN, index, self.setter[buffers[held.index(min(held))]])
        elif action is Action.OPEN_FIRST_HALF:
            self._require_closed(CLOSED_FOR_ACTIVATE, index, buffers, held)
            if rank in self.pending:
                self._break(ONE_PENDING, index, self.pending[rank])
            self.pending[rank] = index
        elif action is Action.OPEN_SECOND_HALF:
            if held[0] != _HALF_OPEN - row:
                self._break(SECOND_HALF, index, self.setter[buffers[0]])
            self.pending.pop(rank, None)

    def _require_closed(self, rule: str, index: int, buffers: tuple[int, ...], held: list[int]) -> None:
        if held.count(_CLOSED) < len(held):
            open_one = next(buffer for buffer, row in zip(buffers, held) if row != _CLOSED)
            self._break(rule, index, self.setter[open_one])

    def _break(self, rule: str, index: int, cause: int) -> None:
        self.broken.setdefault(rule, []).append((cause, index))
        self.n_broken += 1


def row_buffers(view: LogView) -> Iterator[Evidence]:
    """Violations of the rules about open and closed rows."""
    targets, buffers_of = _targets(view)
    state = RowBuffers(2 * view.count(Level.BANK))
    rows = state.rows
    action_of = [view.kinds[name].action if name in view.kinds else Action.NONE for name in COMMANDS]
    actions = [action_of[code] for code in view.code.tolist()]
    ranks = view.node(Level.RANK).tolist()
    access, none = Action.ACCESS, Action.NONE
    #: Accesses of several banks that were found right since a row was last opened or closed.
    right: set[tuple[int, int]] = set()
    for index, (action, target, row) in enumerate(zip(actions, targets.tolist(), view.row.tolist())):
        if action is none:
            continue
        if action is access:
            if target < len(rows):
                if rows[target] == row >= 0:
                    continue
            elif (target, row) in right:
                continue
            if state.issue(index, action, buffers_of[target], row, ranks[index]):
                right.add((target, row))
        else:
            state.issue(index, action, buffers_of[target], row, ranks[index])
            right.clear()
    for rule, violations in state.broken.items():
        yield Evidence.of_state(rule, violations, view.cycle)


def _targets(view: LogView) -> tuple[Indices, list[tuple[int, ...]]]:
    """For each row a number, and for each number the row buffers that the command works on.

    The first numbers are the single buffers: those of the banks in their order, then their second buffers.
    """
    n_banks = view.count(Level.BANK)
    target = np.zeros(len(view), np.int64)
    buffers_of = [(buffer,) for buffer in range(2 * n_banks)]
    several: list[tuple[int, ...]] = []
    for name, kind in view.kinds.items():
        rows = np.flatnonzero(view.code == CODE[name])
        if kind.action is Action.NONE or not len(rows):
            continue
        if kind.span is Level.BANK and kind.buffer is not Buffer.BOTH:
            target[rows] = view.node(Level.BANK)[rows] + (n_banks if kind.buffer is Buffer.PIM else 0)
            continue
        nodes, of_row = np.unique(view.node(kind.span)[rows], return_inverse=True)
        target[rows] = 2 * n_banks + len(several) + of_row
        several += [_buffers(view, kind, node, n_banks) for node in nodes.tolist()]
    return target, [*buffers_of, *several]


def _buffers(view: LogView, kind: Kind, node: int, n_banks: int) -> tuple[int, ...]:
    if kind.span is Level.PARITY:
        per_node = n_banks // view.count(Level.PSEUDO_CHANNEL)
        banks = range(node // 2 * per_node + node % 2, (node // 2 + 1) * per_node, 2)
    else:
        per_node = n_banks // view.count(kind.span)
        banks = range(node * per_node, (node + 1) * per_node)
    first = [] if kind.buffer is Buffer.PIM else list(banks)
    second = [] if kind.buffer is Buffer.MEMORY else [bank + n_banks for bank in banks]
    return tuple(first + second)
