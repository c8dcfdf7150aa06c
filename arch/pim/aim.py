"""GDDR6-AiM: matrices, keys and values in the banks of a channel, and the command programs over them.

Output o of a matrix lies in bank o mod 16, its inputs along the columns of a row, 16 a column, 1024 a row. The vector
stands in the channel's global buffer (1024 elements), so longer ones are cut into chunks, chunk after chunk, and the
partial sums go to the host. A chunk narrower than a row is packed: outputs follow each other without a gap, and may
cross from one row to the next, since the accumulators do not care (PIM-GPT, arXiv 2310.09385, section IV).
"""

from __future__ import annotations

import math
from functools import cached_property, lru_cache

import numpy as np

from bitline.arch.dram.part import PartSpec
from bitline.arch.dram.table import build_table
from bitline.arch.pim.device import Chunk, Heads, Matrix, Step, access_table, ceil_div, rows_of_body
from bitline.base.errors import SpecError
from bitline.csrc.engine.program import Loop, Program

OPEN, WRITE_BUFFER, MAC, READ_RESULT, READ, WRITE = range(6)

Row = tuple[int, int, int, int, int, int, int]


class Aim:
    """One channel of a GDDR6-AiM part."""

    def __init__(self, part: PartSpec) -> None:
        assert part.pim is not None
        timing = part.timing
        self.part = part
        self.table = build_table(part)
        self.accesses: np.ndarray = access_table(
            self.table,
            [
                ("", "ACT16", "PREab", 0),
                ("WRGB", "", "", timing["tCWLGB"] + timing["tBL"]),
                ("MAC16", "ACT16", "PREab", timing["tBL"]),
                ("RDMAC16", "", "", timing["tCLREG"] + timing["tBL"]),
                ("RD", "ACT", "PRE", timing["tCL"] + timing["tBL"]),
                ("WR", "ACT", "PRE", timing["tCWL"] + timing["tBL"]),
            ],
        )
        self.banks = part.organisation.n_banks
        self.outputs_at_once = self.banks_opened_at_once = self.banks
        self.tokens_at_once = self.banks
        self.column_elements = part.column_elements
        self.data_rows = part.organisation.rows
        self.row_columns = part.organisation.accesses_per_row
        self.buffer_columns = part.pim.global_buffer_bytes // part.organisation.access_bytes
        if not self.buffer_columns:
            raise SpecError(
                f"{part.pim.global_buffer_bytes} bytes hold no column of the vector",
                field="pim.global_buffer_bytes",
                expected=f"at least {part.organisation.access_bytes}",
            )
        if part.pim.results_per_read < self.banks:
            raise SpecError("one read has to return the results of all banks", field="pim.results_per_read")

    def columns(self, elements: int) -> int:
        """Columns that so many elements take."""
        return ceil_div(elements, self.column_elements)

    # --- matrices ---

    @lru_cache(maxsize=4096)  # noqa: B019 (a device lives as long as its run)
    def matrix(self, inputs: int, groups: int) -> Matrix:
        """See PimDevice. One step a chunk of the vector."""
        steps, offset, left = [], 0, self.columns(inputs)
        while left > 0:
            width = min(left, self.buffer_columns)
            rows = ceil_div(groups * width, self.row_columns)
            steps.append(Step(self._chunk(width, groups), offset, groups * self.banks))
            offset += rows
            left -= width
        return Matrix(offset, tuple(steps))

    @lru_cache(maxsize=4096)  # noqa: B019
    def _chunk(self, width: int, groups: int) -> Program:
        """Vector chunk into the buffer, then every output group: multiply along its columns, read the results."""
        body: list[Row] = [(0, OPEN, 0, 0, 1, -1, 0), (0, WRITE_BUFFER, 0, 0, width, -1, 0)]
        # After `period` outputs the pattern of rows and columns starts again.
        rows = math.lcm(width, self.row_columns) // self.row_columns
        period = rows * self.row_columns // width
        items: list[int | Loop] = [0, 1]
        full = groups // period
        if full:
            items.append(Loop(full, self._packed(body, width, period, 0), stride=rows))
        items += self._packed(body, width, groups - full * period, full * rows)
        return Program(rows_of_body(body), items)

    def _packed(self, body: list[Row], width: int, outputs: int, row: int) -> list[int]:
        """Body rows of outputs that follow each other from the start of a row on."""
        first = len(body)
        column = 0
        for _output in range(outputs):
            left = width
            while left:
                count = min(left, self.row_columns - column)
                body.append((row, MAC, 0, column, count, -1, 0))
                left -= count
                column += count
                if column == self.row_columns:
                    row, column = row + 1, 0
            body.append((0, READ_RESULT, 0, 0, 1, -1, 0))
        return list(range(first, len(body)))

    @lru_cache(maxsize=64)  # noqa: B019
    def read_row(self, inputs: int, groups: int) -> tuple[Step, ...]:
        """See PimDevice. The first output's weights, from one bank."""
        steps = []
        left = self.columns(inputs)
        for step in self.matrix(inputs, groups).steps:
            count = min(left, self.buffer_columns)
            left -= count
            body = rows_of_body([(0, READ, 0, 0, count, -1, 0)])
            steps.append(Step(Program(body, [0]), step.offset, count * self.column_elements))
        return tuple(steps)

    # --- keys: one token a bank, the heads of a token side by side along its row ---

    @lru_cache(maxsize=64)  # noqa: B019
    def _key_chunks(self, heads: Heads) -> tuple[tuple[int, int], ...]:
        """(key heads, queries of each) of every load of the buffer; chunks with the same keys follow each other."""
        head_columns = self.columns(heads.key_dim)
        if head_columns > min(self.buffer_columns, self.row_columns):
            raise SpecError(f"a head of {heads.key_dim} elements does not fit in a row and the global buffer")
        at_once = min(self.buffer_columns // (head_columns * heads.queries), self.row_columns // head_columns)
        if at_once:
            full, rest = divmod(heads.kv, at_once)
            return ((at_once, heads.queries),) * full + ((rest, heads.queries),) * (rest > 0)
        queries = self.buffer_columns // head_columns
        full, rest = divmod(heads.queries, queries)
        return (((1, queries),) * full + ((1, rest),) * (rest > 0)) * heads.kv

    def _key_pieces(self, heads: Heads) -> tuple[int, ...]:
        """Key heads that lie side by side, for each piece of a token's keys."""
        chunks = self._key_chunks(heads)
        if sum(n for n, _queries in chunks) == heads.kv:
            return tuple(n for n, _queries in chunks)
        return (1,) * heads.kv

    def _rows_of_slots(self, heads: Heads, n_kv: int, slots: int) -> int:
        return ceil_div(slots, self._slots_per_row(heads, n_kv))

    def _slots_per_row(self, heads: Heads, n_kv: int) -> int:
        return self.row_columns // (n_kv * self.columns(heads.key_dim))

    def key_rows(self, heads: Heads, slots: int) -> int:
        """See PimDevice."""
        return sum(self._rows_of_slots(heads, n, slots) for n in self._key_pieces(heads))

    def _piece_offsets(self, heads: Heads, reserved_slots: int) -> list[int]:
        offsets = [0]
        for n in self._key_pieces(heads):
            offsets.append(offsets[-1] + self._rows_of_slots(heads, n, reserved_slots))
        return offsets

    def score(self, heads: Heads, slots: int, reserved_slots: int) -> tuple[Chunk, ...]:
        """See PimDevice."""
        offsets = self._piece_offsets(heads, reserved_slots)
        chunks = self._key_chunks(heads)
        pieces = self._key_pieces(heads)
        per_piece = len(chunks) // len(pieces)
        found = []
        for i, (n, queries) in enumerate(chunks):
            results = slots * self.tokens_at_once * n * queries
            step = Step(self._score_chunk(heads.key_dim, n, queries, slots), offsets[i // per_piece], results)
            found.append(Chunk(n * queries, (step,)))
        return tuple(found)

    @lru_cache(maxsize=1024)  # noqa: B019
    def _score_chunk(self, key_dim: int, n_kv: int, queries: int, slots: int) -> Program:
        head = self.columns(key_dim)
        per_row = self.row_columns // (n_kv * head)
        body: list[Row] = [(0, OPEN, 0, 0, 1, -1, 0), (0, WRITE_BUFFER, 0, 0, n_kv * queries * head, -1, 0)]

        def tokens(row: int, count: int) -> list[int]:
            first = len(body)
            for slot in range(count):
                for kv in range(n_kv):
                    for _query in range(queries):
                        body.append((row, MAC, 0, (slot * n_kv + kv) * head, head, -1, 0))
                        body.append((0, READ_RESULT, 0, 0, 1, -1, 0))
            return list(range(first, len(body)))

        items: list[int | Loop] = [0, 1]
        full, rest = divmod(slots, per_row)
        if full:
            items.append(Loop(full, tokens(0, per_row), stride=1))
        items += tokens(full, rest)
        return Program(rows_of_body(body), items)

    def append_key(self, heads: Heads, slot: int, place: int, reserved_slots: int) -> tuple[Step, ...]:
        """See PimDevice."""
        head = self.columns(heads.key_dim)
        steps = []
        for n, offset in zip(self._key_pieces(heads), self._piece_offsets(heads, reserved_slots)):
            row, within = divmod(slot, self._slots_per_row(heads, n))
            steps.append(Step(self._write(place, within * n * head, n * head), offset + row, 0))
        return tuple(steps)

    @lru_cache(maxsize=4096)  # noqa: B019
    def _write(self, bank: int, column: int, count: int) -> Program:
        return Program(rows_of_body([(0, WRITE, bank, column, count, -1, 0)]), [0])

    # --- values: one output a bank, its tokens along the row ---

    @cached_property
    def row_elements(self) -> int:
        """Elements of one row of one bank."""
        return self.row_columns * self.column_elements

    def _value_blocks(self, tokens: int) -> int:
        return ceil_div(tokens, self.row_elements)

    def value_rows(self, groups: int, tokens: int) -> int:
        """See PimDevice."""
        return groups * self._value_blocks(tokens)

    def value_groups(self, heads: Heads) -> int:
        """Output groups of all value heads."""
        return heads.kv * ceil_div(heads.value_dim, self.banks)

    @lru_cache(maxsize=4096)  # noqa: B019
    def context(self, heads: Heads, first_group: int, groups: int, tokens: int, reserved: int) -> tuple[Step, ...]:
        """See PimDevice. One step: for each head on this channel its weights into the buffer, then its groups."""
        stride = self._value_blocks(reserved)
        per_head = ceil_div(heads.value_dim, self.banks)
        body: list[Row] = []
        items: list[int | Loop] = []

        def one_head(n: int, row: int) -> list[int | Loop]:
            # Partial sums over blocks of tokens stay in the host.
            found: list[int | Loop] = []
            for _query in range(heads.queries):
                for block in range(self._value_blocks(tokens)):
                    width = self.columns(min(self.row_elements, tokens - block * self.row_elements))
                    for start in range(0, width, self.buffer_columns):
                        count = min(self.buffer_columns, width - start)
                        place = len(body)
                        body.append((row + block, OPEN, 0, 0, 1, -1, 0))
                        body.append((0, WRITE_BUFFER, 0, 0, count, -1, 0))
                        body.append((row + block, MAC, 0, start, count, -1, 0))
                        body.append((0, READ_RESULT, 0, 0, 1, -1, 0))
                        found += [place, place + 1, Loop(n, [place + 2, place + 3], stride=stride)]
            return found

        last = first_group + groups
        first_whole, end_whole = ceil_div(first_group, per_head), last // per_head
        if first_whole > end_whole:
            items += one_head(groups, 0)
        else:
            head = first_whole * per_head - first_group
            if head:
                items += one_head(head, 0)
            if end_whole > first_whole:
                whole = one_head(per_head, head * stride)
                items.append(Loop(end_whole - first_whole, whole, stride=per_head * stride))
            tail = last - end_whole * per_head
            if tail:
                items += one_head(tail, (groups - tail) * stride)
        program = Program(rows_of_body(body), items)
        blocks = self._value_blocks(tokens) * ceil_div(self.row_columns, self.buffer_columns)
        return (Step(program, 0, groups * self.banks * heads.queries * blocks),)

    @lru_cache(maxsize=4096)  # noqa: B019
    def append_value(self, groups: int, token: int, reserved: int) -> tuple[Step, ...]:
        """See PimDevice. Every group's row is opened in all banks at once, and each bank gets one column."""
        block, column = divmod(token, self.row_elements)
        body: list[Row] = [(block, OPEN, 0, 0, 1, -1, 0)]
        body += [(block, WRITE, bank, column // self.column_elements, 1, -1, 0) for bank in range(self.banks)]
        items = [Loop(groups, list(range(len(body))), stride=self._value_blocks(reserved))]
        return (Step(Program(rows_of_body(body), items), 0, 0),)

    def compute_ticks(self, commands: dict[str, int]) -> int:
        """See PimDevice: MAC16 at the pace of the units."""
        return round(commands.get("MAC16", 0) * self.part.timing["tMAC"] * self.part.rules_of.ticks_per_clock)
