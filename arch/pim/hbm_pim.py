"""HBM-PIM (Samsung): matrices, keys and values under eight PIM blocks a pseudo channel, and the programs over them.

A block stands between an even and an odd bank and keeps eight outputs, each as sixteen lane sums, in GRF_B. A tile is
up to 128 inputs: eight writes put them into GRF_A of all blocks, then every column read multiplies one register by one
burst, eight outputs for each register, with a fence after every eight commands. Even tiles lie in the even banks, odd
ones in the odd banks. Sums are stored to rows of the odd banks and read from there, bank by bank; the host adds the
lanes (SAITPublic/PIMSimulator, PIMKernel; Lee et al., ISCA 2021).

Assumed: the register row stays open in the banks of the other parity while a tile is multiplied.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from bitline.arch.dram.part import PartSpec
from bitline.arch.dram.table import build_table
from bitline.arch.pim.device import FIXED, Chunk, Heads, Matrix, Step, access_table, ceil_div, rows_of_body
from bitline.base.errors import SpecError
from bitline.csrc.engine.program import Loop, Program

TOUCH, CLOSE_ALL, CLOSE, READ_ALL, WRITE_ALL, READ, WRITE = range(7)
EVEN, ODD = 0, 1
TO_ALL_BANKS_ROW, REGISTER_ROW = 0x17FF, 0x3FFF
MODE_BANKS = (0, 1, 8, 9)
CONTROL, INSTRUCTIONS, GRF_A = 0x00, 0x04, 0x08
REGISTERS = 8
OUTPUTS_OF_BLOCK = 8
NO_WAIT, FENCE = -1, 0

Row = tuple[int, int, int, int, int, int, int]
Items = list[int | Loop]


class HbmPim:
    """One pseudo channel of an HBM-PIM part."""

    def __init__(self, part: PartSpec) -> None:
        assert part.pim is not None
        timing = part.timing
        read, write = timing["tCL"] + timing["tBL"], timing["tCWL"] + timing["tBL"]
        self.part = part
        self.table = build_table(part)
        self.accesses: np.ndarray = access_table(
            self.table,
            [
                ("", "ACT", "PRE", 0),
                ("PREab", "", "", 0),
                ("PRE_AB", "", "", 0),
                ("RD_AB", "ACT_AB", "PRE_AB", read),
                ("WR_AB", "ACT_AB", "PRE_AB", write),
                ("RD", "ACT", "PRE", read),
                ("WR", "ACT", "PRE", write),
            ],
        )
        self.blocks = part.pim.units
        self.column_elements = part.column_elements
        self.row_columns = part.organisation.accesses_per_row
        self.outputs_at_once = self.tokens_at_once = self.blocks * OUTPUTS_OF_BLOCK
        self.data_rows = TO_ALL_BANKS_ROW
        # ACT_AB is counted as the one bank that it names.
        self.banks_opened_at_once = 1
        if part.organisation.n_banks != 2 * self.blocks or part.organisation.rows <= REGISTER_ROW:
            raise SpecError("HBM-PIM needs two banks a block and rows up to 0x3fff", field="organisation")
        if part.pim.lanes_per_bank != self.column_elements:
            raise SpecError(
                f"{part.pim.lanes_per_bank} lanes",
                field="pim.lanes_per_bank",
                expected=f"{self.column_elements}, one for each element of a column",
            )

    # --- tiles ---

    def _tiles(self, inputs: int) -> list[int]:
        """Registers that each tile of a vector fills."""
        registers = ceil_div(inputs, self.column_elements)
        full, rest = divmod(registers, REGISTERS)
        return [REGISTERS] * full + [rest] * (rest > 0)

    def _rows_of_group(self, inputs: int) -> int:
        return sum(self._tile_rows(width) for width in self._tiles(inputs)[::2])

    def _tile_rows(self, registers: int) -> int:
        return ceil_div(registers * OUTPUTS_OF_BLOCK, self.row_columns)

    def _result_rows(self, groups: int) -> int:
        return ceil_div(groups * OUTPUTS_OF_BLOCK, self.row_columns)

    def _enter(self, body: list[Row]) -> Items:
        """To all-bank mode, the instructions, PIM on."""
        first = len(body)
        body += [(TO_ALL_BANKS_ROW, TOUCH, bank, 0, 1, NO_WAIT, FIXED) for bank in MODE_BANKS]
        body.append((0, CLOSE_ALL, 0, 0, 1, NO_WAIT, 0))
        body.append((REGISTER_ROW, WRITE_ALL, ODD, INSTRUCTIONS, 1, NO_WAIT, FIXED))
        body.append((REGISTER_ROW, WRITE_ALL, ODD, CONTROL, 1, NO_WAIT, FIXED))
        return list(range(first, len(body)))

    def _leave(self, body: list[Row]) -> Items:
        """PIM off, back to single-bank mode."""
        first = len(body)
        body.append((REGISTER_ROW, WRITE_ALL, ODD, CONTROL, 1, FENCE, FIXED))
        body += [(0, CLOSE, bank, 0, 1, NO_WAIT, 0) for bank in (EVEN, ODD)]
        return list(range(first, len(body)))

    def _tile(self, body: list[Row], registers: int, parity: int, row: int) -> Items:
        """Inputs into GRF_A, then the bursts of every register and output, a fence after every eight commands."""
        first = len(body)
        body.append((REGISTER_ROW, WRITE_ALL, 1 - parity, GRF_A, registers, FENCE, FIXED))
        for register in range(registers):
            at, column = divmod(register * OUTPUTS_OF_BLOCK, self.row_columns)
            body.append((row + at, READ_ALL, parity, column, OUTPUTS_OF_BLOCK, FENCE, 0))
        return list(range(first, len(body)))

    def _group(self, body: list[Row], inputs: int, row: int) -> Items:
        """One group of outputs: even tiles, then odd ones."""
        tiles = self._tiles(inputs)
        items: Items = []
        for parity in (EVEN, ODD):
            mine = tiles[parity::2]
            full = sum(width == REGISTERS for width in mine)
            rows = self._tile_rows(REGISTERS)
            if full:
                items.append(Loop(full, self._tile(body, REGISTERS, parity, row), stride=rows))
            for width in mine[full:]:
                items += self._tile(body, width, parity, row + full * rows)
        return items

    def _store(self, body: list[Row], row: int, column: int) -> Items:
        """GRF_B of all blocks to the odd banks."""
        body.append((row, WRITE_ALL, ODD, column, OUTPUTS_OF_BLOCK, FENCE, 0))
        return [len(body) - 1]

    def _read_results(self, body: list[Row], row: int, groups: int) -> Items:
        """Every sum, from the odd bank of each block."""
        items: Items = []

        def one_row(at: int, columns: int) -> list[int]:
            first = len(body)
            body.extend((at, READ, 2 * block + 1, 0, columns, NO_WAIT, 0) for block in range(self.blocks))
            return list(range(first, len(body)))

        full, rest = divmod(groups * OUTPUTS_OF_BLOCK, self.row_columns)
        if full:
            items.append(Loop(full, one_row(row, self.row_columns), stride=1))
        if rest:
            items += one_row(row + full, rest)
        return items

    def _product(self, inputs: int, groups: int, stride: int, result_row: int) -> Program:
        """All groups of one vector; `stride` rows from group to group, sums to the rows from `result_row` on."""
        body: list[Row] = []
        items = self._enter(body)
        items += self._all_groups(body, inputs, groups, stride, result_row)
        items += self._leave(body)
        items += self._read_results(body, result_row, groups)
        return Program(rows_of_body(body), items)

    def _all_groups(self, body: list[Row], inputs: int, groups: int, stride: int, result_row: int) -> Items:
        # Four groups of sums share a row, so four groups make one round.
        in_row = self.row_columns // OUTPUTS_OF_BLOCK
        full, rest = divmod(groups, in_row)

        def rounds(first: int, count: int) -> Items:
            found: Items = []
            for i in range(count):
                found += self._group(body, inputs, (first + i) * stride)
                found += self._store(body, result_row + first // in_row, i * OUTPUTS_OF_BLOCK)
            return found

        items: Items = []
        for turn in range(full):
            items += rounds(turn * in_row, in_row)
        items += rounds(full * in_row, rest)
        return items

    # --- PimDevice ---

    @lru_cache(maxsize=4096)  # noqa: B019 (a device lives as long as its run)
    def matrix(self, inputs: int, groups: int) -> Matrix:
        """See PimDevice. One step: sums stay in the blocks over all tiles."""
        stride = self._rows_of_group(inputs)
        results = groups * self.outputs_at_once * self.column_elements
        step = Step(self._product(inputs, groups, stride, groups * stride), 0, results, self.column_elements)
        return Matrix(groups * stride + self._result_rows(groups), (step,))

    @lru_cache(maxsize=64)  # noqa: B019
    def read_row(self, inputs: int, groups: int) -> tuple[Step, ...]:
        """See PimDevice. The first output's weights: one burst in eight of one bank's columns, tile by tile."""
        del groups
        body: list[Row] = []
        rows = [0, 0]
        for tile, registers in enumerate(self._tiles(inputs)):
            parity = tile % 2
            for register in range(registers):
                at, column = divmod(register * OUTPUTS_OF_BLOCK, self.row_columns)
                body.append((rows[parity] + at, READ, parity, column, 1, NO_WAIT, 0))
            rows[parity] += self._tile_rows(registers)
        program = Program(rows_of_body(body), list(range(len(body))))
        return (Step(program, 0, inputs),)

    def key_rows(self, heads: Heads, slots: int) -> int:
        """See PimDevice."""
        return heads.kv * (slots * self._rows_of_group(heads.key_dim) + self._result_rows(slots))

    @lru_cache(maxsize=1024)  # noqa: B019
    def score(self, heads: Heads, slots: int, reserved_slots: int) -> tuple[Chunk, ...]:
        """See PimDevice. Head by head, and query by query."""
        stride = self._rows_of_group(heads.key_dim)
        of_head = self.key_rows(Heads(1, 1, heads.key_dim, heads.value_dim), reserved_slots)
        program = self._product(heads.key_dim, slots, stride, reserved_slots * stride)
        results = slots * self.tokens_at_once * self.column_elements
        return tuple(
            Chunk(heads.queries, (Step(program, head * of_head, results, self.column_elements),) * heads.queries)
            for head in range(heads.kv)
        )

    @lru_cache(maxsize=4096)  # noqa: B019
    def append_key(self, heads: Heads, slot: int, place: int, reserved_slots: int) -> tuple[Step, ...]:
        """See PimDevice. Every register's burst is one column."""
        block, output = divmod(place, OUTPUTS_OF_BLOCK)
        body: list[Row] = []
        rows = [slot * self._rows_of_group(heads.key_dim)] * 2
        for tile, registers in enumerate(self._tiles(heads.key_dim)):
            parity = tile % 2
            for register in range(registers):
                at, column = divmod(register * OUTPUTS_OF_BLOCK, self.row_columns)
                bank = 2 * block + parity
                body.append((rows[parity] + at, WRITE, bank, column + output, 1, NO_WAIT, 0))
            rows[parity] += self._tile_rows(registers)
        program = Program(rows_of_body(body), list(range(len(body))))
        of_head = self.key_rows(Heads(1, 1, heads.key_dim, heads.value_dim), reserved_slots)
        return tuple(Step(program, head * of_head, 0) for head in range(heads.kv))

    def value_groups(self, heads: Heads) -> int:
        """See PimDevice."""
        return heads.kv * ceil_div(heads.value_dim, self.outputs_at_once)

    def value_rows(self, groups: int, tokens: int) -> int:
        """See PimDevice."""
        return groups * (self._rows_of_group(tokens) + 1)

    @lru_cache(maxsize=4096)  # noqa: B019
    def context(self, heads: Heads, first_group: int, groups: int, tokens: int, reserved: int) -> tuple[Step, ...]:
        """See PimDevice. Groups of one head share its weights, but each needs them in GRF_A again."""
        del first_group
        of_group = self.value_rows(1, reserved)
        program = self._product(tokens, 1, 0, of_group - 1)
        results = self.outputs_at_once * self.column_elements
        return tuple(
            Step(program, group * of_group, results, self.column_elements)
            for group in range(groups)
            for _query in range(heads.queries)
        )

    @lru_cache(maxsize=4096)  # noqa: B019
    def append_value(self, groups: int, token: int, reserved: int) -> tuple[Step, ...]:
        """See PimDevice. One column for each of a block's eight outputs, bank by bank."""
        tile, within = divmod(token, REGISTERS * self.column_elements)
        at, column = divmod(within // self.column_elements * OUTPUTS_OF_BLOCK, self.row_columns)
        row = tile // 2 * self._tile_rows(REGISTERS) + at
        body: list[Row] = [
            (row, WRITE, 2 * block + tile % 2, column, OUTPUTS_OF_BLOCK, NO_WAIT, 0) for block in range(self.blocks)
        ]
        items = [Loop(groups, list(range(len(body))), stride=self.value_rows(1, reserved))]
        return (Step(Program(rows_of_body(body), items), 0, 0),)

    def compute_ticks(self, commands: dict[str, int]) -> int:
        """See PimDevice: one instruction every long column spacing."""
        return round(commands.get("RD_AB", 0) * self.part.timing["tCCDL"] * self.part.rules_of.ticks_per_clock)
