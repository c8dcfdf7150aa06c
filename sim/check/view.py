"""A log seen through the organisation of a part: checked addresses, and orders by which rules walk over it."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bitline.base.errors import TraceError, did_you_mean
from bitline.sim.check.commands import CODE, COMMANDS, CommandLog
from bitline.sim.check.evidence import Indices
from bitline.sim.check.part import Part
from bitline.sim.check.rule import Action, Level, RuleSet

_LEVELS = (Level.CHANNEL, Level.PSEUDO_CHANNEL, Level.RANK, Level.BANK_GROUP, Level.BANK)


class Order(NamedTuple):
    """The rows of a log sorted by the node of one level, then by time; `start` is where the node's rows begin."""

    rows: Indices
    start: Indices


class LogView:
    """Row arrays of a log: `cycle`, `code`, `ticks` on the command bus, `end` (last bus tick), and node numbers."""

    def __init__(self, log: CommandLog, part: Part, rules: RuleSet) -> None:
        self.log = log
        self.part = part
        self.kinds = rules.kinds
        self.cycle: Indices = np.ascontiguousarray(log.rows["cycle"])
        self.code = np.ascontiguousarray(log.rows["command"])
        self.row: Indices = log.rows["row"].astype(np.int64)
        self._require_known_commands()
        self.ticks = self._per_command({name: kind.ticks for name, kind in self.kinds.items()})
        #: The command bus is free again after this tick. Distances between commands count from end to end.
        self.end: Indices = self.cycle + self.ticks - 1
        self._keys = self._nodes()
        self._orders: dict[Level, Order] = {}
        self._check_rows_and_columns()

    def __len__(self) -> int:
        return len(self.cycle)

    def mask(self, commands: Iterable[str]) -> NDArray[np.bool_]:
        """Which rows hold one of these commands."""
        table = np.zeros(len(COMMANDS), bool)
        table[[CODE[name] for name in commands]] = True
        mask: NDArray[np.bool_] = table[self.code]
        return mask

    def node(self, level: Level) -> Indices:
        """The node of each row at a level; of no meaning for commands that are not addressed that deep."""
        return self._keys[level]

    def order(self, level: Level) -> Order:
        """The rows by node and time."""
        if level not in self._orders:
            keys = self._keys[level]
            rows = np.argsort(keys, kind="stable").astype(np.int64)
            keys = keys[rows]
            new = np.ones(len(rows), bool)
            new[1:] = keys[1:] != keys[:-1]
            start = np.maximum.accumulate(np.where(new, np.arange(len(rows)), 0)) if len(rows) else rows
            self._orders[level] = Order(rows, start)
        return self._orders[level]

    @cached_property
    def channels(self) -> Indices:
        """The channel numbers of the log, in the order of their nodes."""
        return np.unique(self.log.rows["channel"]).astype(np.int64)

    def count(self, level: Level) -> int:
        """How many nodes a level has in the channels of the log."""
        part = self.part
        sizes = (len(self.channels), part.pseudo_channels, part.ranks, part.bank_groups, part.banks)
        return int(np.prod(sizes[: level + 1], dtype=np.int64))

    def _per_command(self, values: dict[str, int]) -> Indices:
        table = np.zeros(len(COMMANDS), np.int64)
        for name, value in values.items():
            table[CODE[name]] = value
        values_of_rows: Indices = table[self.code]
        return values_of_rows

    def _require_known_commands(self) -> None:
        known = np.zeros(len(COMMANDS), bool)
        known[[CODE[name] for name in self.kinds]] = True
        wrong = np.flatnonzero(~known[self.code])
        if len(wrong):
            name = COMMANDS[self.code[wrong[0]]]
            raise self._error(
                int(wrong[0]),
                f"{name} is no command of {self.part.standard} ({self.part.name})",
                did_you_mean(name, self.kinds),
            )

    def _nodes(self) -> dict[Level, Indices]:
        """Number the nodes of each level. Raises TraceError for an address that the part does not have."""
        part = self.part
        sizes = (None, part.pseudo_channels, part.ranks, part.bank_groups, part.banks)
        depth = self._per_command({name: self._depth(name) for name in self.kinds})
        keys: dict[Level, Indices] = {}
        node: Indices = np.searchsorted(self.channels, self.log.rows["channel"]).astype(np.int64)
        for level, size in zip(_LEVELS, sizes):
            name = level.name.lower()
            cell = self.log.rows[name].astype(np.int64)
            used = depth >= level
            missing = used & (cell < 0)
            if size is not None and size == 1:
                missing[:] = False
            self._require(~missing, f"{name} is missing", "a number" if size is None else f"0 to {size - 1}")
            if size is not None:
                self._require(~used | (cell < size), f"{name} does not exist in {part.name}", f"0 to {size - 1}")
                node = node * size + np.where(used & (cell > 0), cell, 0)
            keys[level] = node
        keys[Level.PARITY] = keys[Level.PSEUDO_CHANNEL] * 2 + np.maximum(self.log.rows["bank"], 0) % 2
        return keys

    def _depth(self, name: str) -> int:
        addressed = self.kinds[name].addressed
        return Level.BANK if addressed is Level.PARITY else addressed

    def _check_rows_and_columns(self) -> None:
        needs_row = {Action.OPEN, Action.OPEN_FIRST_HALF, Action.OPEN_SECOND_HALF}
        uses_row = {*needs_row, Action.ACCESS, Action.ACCESS_AND_CLOSE}
        opens = self.mask(name for name, kind in self.kinds.items() if kind.action in needs_row)
        uses = self.mask(name for name, kind in self.kinds.items() if kind.action in uses_row)
        last = self.part.rows - 1
        self._require(~opens | (self.row >= 0), "row is missing", f"0 to {last}")
        self._require(~uses | (self.row <= last), f"row does not exist in {self.part.name}", f"0 to {last}")
        if self.part.accesses_per_row is not None:
            accesses = self.mask(
                name
                for name, kind in self.kinds.items()
                if kind.action in (Action.ACCESS, Action.ACCESS_AND_CLOSE) and kind.addressed >= Level.BANK
            )
            last = self.part.accesses_per_row - 1
            in_row = self.log.rows["column"] <= last
            self._require(~accesses | in_row, f"column does not exist in {self.part.name}", f"0 to {last}")

    def _require(self, holds: NDArray[np.bool_], problem: str, expected: str) -> None:
        if not holds.all():
            raise self._error(int(np.argmin(holds)), problem, expected)

    def _error(self, index: int, problem: str, expected: str) -> TraceError:
        line = int(self.log.rows["line"][index])
        name = COMMANDS[self.code[index]]
        return TraceError(f"{name}: {problem}", file=self.log.path, line=line, expected=expected)
