"""The rows that PIM works on: announced by a header, opened in all banks, apart from those of ordinary traffic.

`state.py` follows each row buffer by itself. Here stand the rules between the buffers of a channel: all banks compute
on one row, the two buffers of a bank do not hold the same row, and a single buffer is locked while PIM uses it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np

from bitline.sim.check.commands import COMMANDS
from bitline.sim.check.evidence import Evidence
from bitline.sim.check.pim_distances import COMPUTES
from bitline.sim.check.rule import Level
from bitline.sim.check.view import LogView

ONE_ROW = "PIM: all banks compute on one row"
ANNOUNCED = "PIM: a group activate opens the announced row"
HEADER = "PIM: a header finds the PIM row buffers closed or on its row"
HELD_TWICE = "PIM: no row is open in both buffers of a bank"
RESERVED = "PIM: an activate leaves the row of the running GEMV alone"
UNANNOUNCED = "PIM: a header comes before what it announces"
LOCKED = "PIM: ordinary commands wait from a header to its last READRES"

_CLOSED = -1
_OPENS_OR_CLOSES = ("ACT", "PRE", "RDA", "WRA", "P_HEADER", "G_ACT", "PIM_PRECHARGE")
_ORDINARY = ("ACT", "PRE", "RD", "RDA", "WR", "WRA")
_RESULTS = ("READRES", "COMPS_READRES")


class _Command(NamedTuple):
    place: int
    name: str
    channel: int
    group: int
    bank: int
    row: int


class _PimRows:
    """The rows in the buffers that PIM computes from, and what was announced for them."""

    def __init__(self, view: LogView) -> None:
        self.rows = [_CLOSED] * view.count(Level.BANK)
        #: The command that last opened or closed a buffer, and the last header of a channel.
        self.setter = [-1] * len(self.rows)
        self.header: dict[int, _Command] = {}
        self.broken: dict[str, list[tuple[int, int]]] = {}
        self._of_channel = view.part.ranks * view.part.banks_of_rank
        self._of_group = view.part.banks
        self._uniform: set[int] = set()

    def channel_banks(self, channel: int) -> range:
        return range(channel * self._of_channel, (channel + 1) * self._of_channel)

    def announce(self, command: _Command) -> None:
        other = [bank for bank in self.channel_banks(command.channel) if self.rows[bank] not in (_CLOSED, command.row)]
        if other:
            self.break_rule(HEADER, self.setter[other[0]], command)
        self.header[command.channel] = command

    def activate_group(self, command: _Command) -> None:
        header = self.header.get(command.channel)
        if header is not None and header.row >= 0 and header.row != command.row:
            self.break_rule(ANNOUNCED, header.place, command)
        for bank in self.group_banks(command):
            self.set_row(bank, command.row, command)

    def group_banks(self, command: _Command) -> range:
        return range(command.group * self._of_group, (command.group + 1) * self._of_group)

    def compute(self, command: _Command) -> None:
        if command.channel in self._uniform:
            return
        banks = self.channel_banks(command.channel)
        open_banks = [bank for bank in banks if self.rows[bank] != _CLOSED]
        other = [bank for bank in open_banks if self.rows[bank] != self.rows[open_banks[0]]]
        if other:
            self.break_rule(ONE_ROW, self.setter[other[0]], command)
        else:
            self._uniform.add(command.channel)

    def set_row(self, bank: int, row: int, command: _Command) -> None:
        self.rows[bank] = row
        self.setter[bank] = command.place
        self._uniform.discard(command.channel)

    def break_rule(self, rule: str, cause: int, command: _Command) -> None:
        self.broken.setdefault(rule, []).append((cause, command.place))

    def evidence(self, view: LogView) -> Iterator[Evidence]:
        for rule, found in self.broken.items():
            yield Evidence.of_state(rule, found, view.cycle)


def two_buffers(view: LogView) -> Iterator[Evidence]:
    """Dual row buffers: from its header until its PIM precharge a row is kept out of the memory row buffers."""
    pim = _PimRows(view)
    memory, opener = [_CLOSED] * len(pim.rows), [-1] * len(pim.rows)
    reserved: list[tuple[int, int]] = [(_CLOSED, -1)] * len(pim.rows)
    for command in _commands(view, (*_OPENS_OR_CLOSES, *COMPUTES)):
        bank = command.bank
        if command.name == "ACT":
            if reserved[bank][0] == command.row:
                pim.break_rule(RESERVED, reserved[bank][1], command)
            memory[bank], opener[bank] = command.row, command.place
        elif command.name in ("PRE", "RDA", "WRA"):
            memory[bank] = _CLOSED
        elif command.name == "PIM_PRECHARGE":
            pim.set_row(bank, _CLOSED, command)
            reserved[bank] = (_CLOSED, -1)
        elif command.name in COMPUTES:
            pim.compute(command)
        else:
            banks = pim.group_banks(command)
            if command.name == "P_HEADER":
                pim.announce(command)
                banks = pim.channel_banks(command.channel)
            else:
                pim.activate_group(command)
            for held in banks:
                reserved[held] = (command.row, command.place)
            twice = [held for held in banks if memory[held] == command.row >= 0]
            if twice:
                pim.break_rule(HELD_TWICE, opener[twice[0]], command)
    yield from pim.evidence(view)


def one_buffer(view: LogView) -> Iterator[Evidence]:
    """A single row buffer: PIM opens and reads what a header announced."""
    pim = _PimRows(view)
    for command in _commands(view, (*_OPENS_OR_CLOSES, *COMPUTES)):
        announced = command.channel in pim.header
        if command.name == "ACT":
            pim.set_row(command.bank, command.row, command)
        elif command.name in ("PRE", "RDA", "WRA", "PIM_PRECHARGE"):
            pim.set_row(command.bank, _CLOSED, command)
        elif command.name == "P_HEADER":
            pim.announce(command)
        elif not announced:
            pim.break_rule(UNANNOUNCED, -1, command)
        elif command.name == "G_ACT":
            pim.activate_group(command)
        else:
            pim.compute(command)
    yield from pim.evidence(view)


def locked(view: LogView) -> Iterator[Evidence]:
    """A single row buffer: ordinary traffic of a channel stops from a header to the last READRES that belongs to it."""
    order = view.order(Level.CHANNEL)
    channel = view.node(Level.CHANNEL)[order.rows]
    header = np.flatnonzero(view.mask(("P_HEADER",))[order.rows])
    ordinary = np.flatnonzero(view.mask(_ORDINARY)[order.rows])
    if not len(header):
        return
    next_header = np.append(header[1:], len(order.rows))
    stop = np.minimum(next_header, np.searchsorted(channel, channel[header], side="right"))
    results = np.flatnonzero(view.mask(_RESULTS)[order.rows])
    last = np.searchsorted(results, stop) - 1
    unlocked = np.where(last >= np.searchsorted(results, header), results[last] if len(results) else stop, stop)
    first, end = np.searchsorted(ordinary, header), np.searchsorted(ordinary, unlocked)
    found = [
        (int(order.rows[header[number]]), int(order.rows[at]))
        for number in np.flatnonzero(first < end)
        for at in ordinary[first[number] : end[number]]
    ]
    yield Evidence.of_state(LOCKED, found, view.cycle)


def _commands(view: LogView, names: Iterable[str]) -> Iterator[_Command]:
    rows = np.flatnonzero(view.mask(names))
    nodes = [view.node(level)[rows].tolist() for level in (Level.CHANNEL, Level.BANK_GROUP, Level.BANK)]
    words = [COMMANDS[code] for code in view.code[rows].tolist()]
    yield from map(_Command, rows.tolist(), words, *nodes, view.row[rows].tolist())
