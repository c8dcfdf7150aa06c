"""A systolic array register by register, cycle by cycle: it multiplies, and its cycles are counted, not computed."""

import importlib.util
import sys
from collections import deque
from itertools import product
from pathlib import Path

import numpy as np
import pytest


def output_stationary(a, b, rows, columns):
    """A b on a rows x columns array whose elements keep their sum. Returns (product, cycles)."""
    (m, k), n = a.shape, b.shape[1]
    out, cycles = np.zeros((m, n), np.int64), 0
    for column, row in product(range(0, n, columns), range(0, m, rows)):
        left = np.zeros((rows, k), np.int64)
        top = np.zeros((k, columns), np.int64)
        left[: min(rows, m - row)] = a[row : row + rows]
        top[:, : min(columns, n - column)] = b[:, column : column + columns]
        sums, done = _sums_in_place(left, top)
        out[row : row + rows, column : column + columns] = sums[: m - row, : n - column]
        cycles += done
    return out, cycles


def _sums_in_place(left, top):
    (rows, k), columns = left.shape, top.shape[1]
    x, y = np.zeros((rows, columns), np.int64), np.zeros((rows, columns), np.int64)
    x_valid, sums = np.zeros((rows, columns), bool), np.zeros((rows, columns), np.int64)
    seen, cycle = np.zeros((rows, columns), np.int64), 0
    while seen.min() < k:
        # Operands move one element on; row r and column c are fed r and c cycles late.
        x[:, 1:], x_valid[:, 1:], y[1:] = x[:, :-1].copy(), x_valid[:, :-1].copy(), y[:-1].copy()
        for r in range(rows):
            x_valid[r, 0] = 0 <= cycle - r < k
            x[r, 0] = left[r, cycle - r] if x_valid[r, 0] else 0
        for c in range(columns):
            y[0, c] = top[cycle - c, c] if 0 <= cycle - c < k else 0
        sums += x * y
        seen += x_valid
        cycle += 1
    return sums, cycle


class StationaryArray:
    """Elements with a held operand and a second register that the next one is shifted into.

    Activations move right and sums move down, one element a cycle. Held operands move down through the second
    registers, one row in two cycles, behind an enable that moves one row a cycle, so that each row shifts just after
    it has taken the operand it holds (Genc et al., Gemmini, DAC 2021, has such a pair of registers). Column c works c
    cycles late.
    """

    def __init__(self, rows, columns, *, overlap):
        self.rows, self.columns, self.overlap = rows, columns, overlap

    def run(self, folds):
        """Folds: (held rows x columns, streamed length x rows). Returns (results of each fold, cycles)."""
        rows, columns = self.rows, self.columns
        held, second, between, x, sums = (np.zeros((rows, columns), np.int64) for _ in range(5))
        results = [np.zeros((len(streamed), columns), np.int64) for _, streamed in folds]
        expected = sum(result.size for result in results)
        entered = deque(maxlen=rows + columns)  # (fold, row) that entered the corner, newest first
        shifted = deque(maxlen=rows + columns)  # (fold, row) of held operands that entered the corner
        loading = streaming = None  # (fold, row)
        loaded, to_load, got, cycle = None, 0, 0, 0
        while got < expected:
            # What the corner element takes in this cycle: the array's controller.
            if streaming is None and loaded is not None:
                streaming, loaded = (loaded, 0), None
            idle = streaming is None and got == sum(result.size for result in results[:to_load])
            if loading is None and loaded is None and to_load < len(folds) and (self.overlap or idle):
                loading = (to_load, 0)
                to_load += 1
            entered.appendleft(streaming)
            shifted.appendleft(loading)
            # Sums and activations move on; row r takes what entered the corner r cycles ago.
            sums[1:], x[:, 1:] = sums[:-1].copy(), x[:, :-1].copy()
            sums[0] = 0
            late_between, between = between, second.copy()
            late_second = second.copy()
            for r, c in product(range(rows), range(columns)):
                came = entered[r + c] if r + c < len(entered) else None
                if c == 0:
                    x[r, 0] = 0 if came is None else folds[came[0]][1][came[1], r]
                if came is not None and came[1] == 0:
                    held[r, c] = late_second[r, c]
                shift = shifted[r + c] if r + c < len(shifted) else None
                if shift is not None:
                    last_row_first = folds[shift[0]][0][rows - 1 - shift[1], c]
                    second[r, c] = last_row_first if r == 0 else late_between[r - 1, c]
            sums += x * held
            for c in range(columns):
                left = entered[rows - 1 + c] if rows - 1 + c < len(entered) else None
                if left is not None:
                    results[left[0]][left[1], c] = sums[rows - 1, c]
                    got += 1
            # The controller's counters.
            if streaming is not None:
                fold, row = streaming
                streaming = (fold, row + 1) if row + 1 < len(folds[fold][1]) else None
            if loading is not None:
                fold, row = loading
                loading = (fold, row + 1) if row + 1 < rows else None
                loaded = fold if loading is None else loaded
            cycle += 1
        return results, cycle


def weight_stationary(a, b, rows, columns, *, overlap=False, arrays=1):
    """A b with blocks of b held, dealt to the arrays in turn. Returns (product, cycles)."""
    (m, k), n = a.shape, b.shape[1]
    places, folds = [], []
    for column, row in product(range(0, n, columns), range(0, k, rows)):
        held, streamed = np.zeros((rows, columns), np.int64), np.zeros((m, rows), np.int64)
        block = b[row : row + rows, column : column + columns]
        held[: block.shape[0], : block.shape[1]] = block
        streamed[:, : block.shape[0]] = a[:, row : row + rows]
        places.append(column)
        folds.append((held, streamed))
    out, cycles = np.zeros((m, n), np.int64), 0
    for first in range(min(arrays, len(folds))):
        results, done = StationaryArray(rows, columns, overlap=overlap).run(folds[first::arrays])
        for column, result in zip(places[first::arrays], results):
            out[:, column : column + columns] += result[:, : n - column]
        cycles = max(cycles, done)
    return out, cycles


def input_stationary(a, b, rows, columns, *, overlap=False):
    """A b with blocks of a held. Returns (product, cycles)."""
    result, cycles = weight_stationary(b.T, a.T, rows, columns, overlap=overlap)
    return result.T, cycles


class BlockPipe:
    """The pipe of blocks of ONNXim and NeuPIMs, stepped cycle by cycle: finish at most one, issue at most one."""

    def __init__(self, rows, columns, arrays, *, limited):
        self.rows, self.columns, self.arrays, self.limited = rows, columns, arrays, limited

    def run(self, tiles, ready):
        """Returns for each tile (start of its first block, cycle after its last issue, last finish)."""
        waiting, out = deque(), [[None, None, None] for _ in tiles]
        for tile, (m, k, n) in enumerate(tiles):
            for _n, _k, row in product(range(0, n, self.columns), range(0, k, self.rows), range(0, m, self.rows)):
                size = max(4, -(-min(self.rows, m - row) // self.arrays))
                waiting.append((tile, size, row == 0))
        pipe, cycle = deque(), 0  # (tile, size, start, finish)
        while waiting or pipe:
            if pipe and pipe[0][3] <= cycle:
                tile = pipe.popleft()[0]
                out[tile][2] = cycle
            if waiting and ready[waiting[0][0]] <= cycle and not (self.limited and len(pipe) >= self.rows):
                tile, size, preload = waiting.popleft()
                start = self._start(cycle, pipe[-1] if pipe else None, preload)
                pipe.append((tile, size, start, start + self.rows + self.columns - 2 + size))
                out[tile][0] = start if out[tile][0] is None else out[tile][0]
                out[tile][1] = cycle + 1
            cycle += 1
        return [tuple(times) for times in out]

    def _start(self, cycle, before, preload):
        if before is None:
            return cycle + self.rows + self.rows - 1 if preload else cycle
        if self.limited:
            return max(cycle, before[2] + (max(before[1], self.rows) if preload else before[1]))
        return before[2] + (self.rows if preload else before[1])


@pytest.fixture(scope="session")
def models():
    """Products on an array by dataflow."""
    return {"output": output_stationary, "weight": weight_stationary, "input": input_stationary}


@pytest.fixture(scope="session")
def block_pipe():
    return BlockPipe


def _load(name):
    spec = importlib.util.spec_from_file_location(f"systolic_{name}", Path(__file__).with_name(f"{name}.py"))
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # where dataclasses look
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def reference():
    """The module reference.py."""
    return _load("reference")


@pytest.fixture(scope="session")
def machine():
    """The module machine.py."""
    return _load("machine")
