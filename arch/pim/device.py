"""What a PIM design has to say: how matrices, keys and values lie in a channel's banks, and the programs over them.

A design is one file with one class (aim.py, hbm_pim.py). Rows count from a base that the run chooses; every step of an
operator is one program at a row offset from it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from bitline.arch.dram.part import PartSpec
from bitline.arch.dram.table import TimingTable
from bitline.base.errors import SpecError, did_you_mean
from bitline.csrc.engine.program import Program


@dataclass(frozen=True)
class Step:
    """One program of an operator on one channel, `offset` rows from the base of what it works on."""

    program: Program
    offset: int
    results: int
    """Numbers that come back over the pins."""
    partials: int = 1
    """Of those, how many the host adds up for each output."""


@dataclass(frozen=True)
class Chunk:
    """Query heads whose scores are made together."""

    queries: int
    steps: tuple[Step, ...]


@dataclass(frozen=True)
class Matrix:
    """A channel's share of a matrix: the rows that it fills in every bank, and the steps of one product.

    The results of steps are partial sums of the same outputs, added up by the host.
    """

    rows: int
    steps: tuple[Step, ...]


@dataclass(frozen=True)
class Heads:
    """The shape of an attention: `queries` query heads share each of `kv` key and value heads."""

    kv: int
    queries: int
    key_dim: int
    value_dim: int


FIXED = 1
"""In a body row: the offset is a row number, whatever the base."""


class PimDevice(Protocol):
    """A PIM design."""

    part: PartSpec
    table: TimingTable
    accesses: np.ndarray
    """PIM_ACCESS rows: what `access` in a body row means."""
    outputs_at_once: int
    """Outputs that the banks of one channel work on together: the grain in which work is spread over channels."""
    banks_opened_at_once: int
    """Rows of banks that count as one opening of a row."""
    data_rows: int
    """Rows that tensors may use; those from there on have a meaning of their own."""
    tokens_at_once: int
    """Keys that one all-bank compute meets: tokens are spread over banks and channels in groups of that many."""

    def matrix(self, inputs: int, groups: int) -> Matrix:
        """y = W x for `groups` x outputs_at_once outputs with that many inputs."""

    def key_rows(self, heads: Heads, slots: int) -> int:
        """Rows for the keys of `slots` groups of tokens."""

    def score(self, heads: Heads, slots: int, reserved_slots: int) -> tuple[Chunk, ...]:
        """All queries against the keys of `slots` token groups, a chunk of heads at a time."""

    def append_key(self, heads: Heads, slot: int, place: int, reserved_slots: int) -> tuple[Step, ...]:
        """Write one token's keys, the `place`-th of token group `slot`."""

    def value_groups(self, heads: Heads) -> int:
        """Groups of outputs of all value heads."""

    def value_rows(self, groups: int, tokens: int) -> int:
        """Rows for that many output groups of values of up to `tokens` tokens."""

    def context(self, heads: Heads, first_group: int, groups: int, tokens: int, reserved: int) -> tuple[Step, ...]:
        """Weighted sums of values over `tokens` tokens, for output groups from `first_group` of all heads on."""

    def append_value(self, groups: int, token: int, reserved: int) -> tuple[Step, ...]:
        """Write one token's share of the values of that many output groups."""

    def read_row(self, inputs: int, groups: int) -> tuple[Step, ...]:
        """Read the weights of one output of a matrix (a row of an embedding table)."""

    def compute_ticks(self, commands: dict[str, int]) -> int:
        """The least time that the compute commands among these take: the bank-level bound."""


def ceil_div(count: int, size: int) -> int:
    """Groups of `size` that hold `count`."""
    return -(-count // size)


def rows_of_body(rows: Sequence[tuple[int, ...]]) -> Any:
    """(offset, access, bank, column, count, pause, fixed) tuples as a body."""
    from bitline.csrc.pim.channel import PIM_BODY

    body = np.zeros(len(rows), PIM_BODY)
    for place, name in enumerate(("offset", "access", "bank", "column", "count", "pause", "fixed")):
        body[name] = [row[place] for row in rows]
    return body


def access_table(table: TimingTable, rows: Sequence[tuple[str, str, str, float]]) -> np.ndarray:
    """PIM_ACCESS rows from (command, command that opens, command that closes, clocks to the end of data)."""
    from bitline.csrc.pim.channel import PIM_ACCESS

    numbers = {command.name: i for i, command in enumerate(table.commands)}
    ticks = table.part.rules_of.ticks_per_clock
    found = np.zeros(len(rows), PIM_ACCESS)
    for i, (command, opens, closes, clocks) in enumerate(rows):
        found[i] = (numbers.get(command, -1), numbers.get(opens, -1), numbers.get(closes, -1), round(clocks * ticks))
    return found


def _aim(part: PartSpec) -> PimDevice:
    from bitline.arch.pim.aim import Aim

    return Aim(part)


def _hbm_pim(part: PartSpec) -> PimDevice:
    from bitline.arch.pim.hbm_pim import HbmPim

    return HbmPim(part)


DESIGNS: dict[str, Callable[[PartSpec], PimDevice]] = {"gddr6_aim": _aim, "hbm2_pim": _hbm_pim}


def pim_device(part: PartSpec, name: str) -> PimDevice:
    """The PIM design of a part's standard. Raises SpecError for a part without compute."""
    if part.pim is None or part.standard not in DESIGNS:
        hint = did_you_mean(part.standard, DESIGNS)
        raise SpecError(f"part '{name}' ({part.standard}) has no compute in its banks", expected=f"a PIM part; {hint}")
    return DESIGNS[part.standard](part)
