"""Cycles of a whole matrix product on a systolic array in closed form: what the cores are checked against.

The product is m x k times k x n, without memory stalls.
"""

from __future__ import annotations

import math

from bitline.base.errors import SpecError


def folds(rows: int, columns: int, dataflow: str, m: int, k: int, n: int) -> tuple[int, int]:
    """Folds of a product, and the rows streamed in each (SCALE-Sim, Samajdar et al., ISPASS 2020, section III-B)."""
    held = {"output": (m, n, k), "weight": (k, n, m), "input": (k, m, n)}
    if dataflow not in held:
        raise SpecError(f"no dataflow '{dataflow}'", field="dataflow", expected=", ".join(held))
    down, across, length = held[dataflow]
    return math.ceil(down / rows) * math.ceil(across / columns), length


def scale_sim_cycles(rows: int, columns: int, dataflow: str, m: int, k: int, n: int) -> int:
    """Cycles without overlap between folds. SCALE-Sim prints the last cycle's number, one less."""
    count, length = folds(rows, columns, dataflow, m, k, n)
    load = 0 if dataflow == "output" else rows
    return count * (load + length + rows + columns - 2)


def scale_sim_utilisation(rows: int, columns: int, dataflow: str, m: int, k: int, n: int) -> float:
    """The share of the peak as SCALE-Sim prints it: of its last cycle's number."""
    return m * k * n / ((scale_sim_cycles(rows, columns, dataflow, m, k, n) - 1) * rows * columns)


def overlapped_cycles(rows: int, columns: int, dataflow: str, m: int, k: int, n: int, arrays: int = 1) -> int:
    """Cycles with a second register for the held operand, folds dealt to `arrays` arrays in turn.

    A fold costs as long as it streams, or as the next one loads; the first load and the last drain stand alone.
    """
    count, length = folds(rows, columns, dataflow, m, k, n)
    mine = math.ceil(count / arrays)
    return rows + (mine - 1) * max(length, rows) + length + rows + columns - 2


def block_pipe_cycles(rows: int, columns: int, weight_blocks: int, sizes: list[int], preload: int) -> int:
    """Cycles of a pipe of blocks (ONNXim, NeuPIMs) whose operands are always there.

    `sizes`: cycles that each of the blocks of one weight block takes in; `preload`: from the start of the last of them
    to the start of the next weight block.
    """
    first = 2 * rows - 1
    steps = weight_blocks * sum(sizes[:-1]) + (weight_blocks - 1) * preload
    return first + steps + rows + columns - 2 + sizes[-1]


def _block_sizes(rows: int, arrays: int, m: int) -> list[int]:
    return [max(4, math.ceil(min(rows, m - row) / arrays)) for row in range(0, m, rows)]


def onnxim_cycles(rows: int, columns: int, m: int, k: int, n: int) -> int:
    """One tile under ONNXim's rule, where the pipe never fills: 2 rows or more, at most 3 rows - 2 columns."""
    sizes = _block_sizes(rows, 1, m)
    blocks = math.ceil(k / rows) * math.ceil(n / columns)
    return block_pipe_cycles(rows, columns, blocks, sizes, max(sizes[-1], rows))


def neupims_cycles(rows: int, columns: int, arrays: int, m: int, k: int, n: int, tiles: int = 1) -> int:
    """Alike tiles under NeuPIMs' rule: rows split over arrays that hold the same weights."""
    blocks = math.ceil(k / rows) * math.ceil(n / columns)
    return block_pipe_cycles(rows, columns, tiles * blocks, _block_sizes(rows, arrays, m), rows)
