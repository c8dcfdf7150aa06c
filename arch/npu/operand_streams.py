"""The scratchpad streams of a tile of a matrix product, and the cycles that it loses to bank conflicts.

The tile's operands lie row-major: activations m x k, weights k x n. In each round every array takes a fold. With a
second register the next round's held operand is loaded beside the rows of this one; the last round loads the first
held operands of a next tile that is alike. DMA fills another buffer all the time, `fill_bytes` a step.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product

from bitline.arch.npu.scratchpad import Banks, Stream, extra_cycles, padded_pitch
from bitline.base.errors import SpecError


@dataclass(frozen=True)
class Tile:
    """A tile in the scratchpad, in elements and byte addresses. Pitch: from row to row."""

    m: int
    k: int
    n: int
    element_bytes: int
    activations: int
    activation_pitch: int
    weights: int
    weight_pitch: int
    fill: int = 0
    """Address that DMA writes from."""
    fill_bytes: int = 0
    """Bytes of a step, 0: no DMA beside."""


@dataclass(frozen=True)
class Arrays:
    """Arrays that work on folds of their own (rules scale-sim and independent)."""

    rows: int
    columns: int
    arrays: int = 1
    dataflow: str = "weight"
    weight_double_buffer: bool = False


Fold = tuple[int, int]
"""First index down the array's rows, and across its columns."""


def tile_stall(banks: Banks, arrays: Arrays, tile: Tile) -> int:
    """Cycles that bank conflicts add to a tile."""
    cut = {"output": _output, "weight": _weight, "input": _input}.get(arrays.dataflow)
    if cut is None:
        raise SpecError(f"no dataflow '{arrays.dataflow}'", field="dataflow", expected="output, weight or input")
    held = {"output": (tile.m, tile.n), "weight": (tile.k, tile.n), "input": (tile.k, tile.m)}[arrays.dataflow]
    if min(tile.m, tile.k, tile.n) <= 0:
        return 0
    folds = [
        (down, across) for across, down in product(range(0, held[1], arrays.columns), range(0, held[0], arrays.rows))
    ]
    rounds = [folds[i : i + arrays.arrays] for i in range(0, len(folds), arrays.arrays)]
    total = step = 0
    known: dict[tuple[object, ...], int] = {}
    for number, here in enumerate(rounds):
        streams = cut(arrays, tile, here, rounds[(number + 1) % len(rounds)])
        steps = max(stream.start + stream.steps for stream in streams)
        if tile.fill_bytes:
            streams.append(Stream("fill", tile.fill + step * tile.fill_bytes, tile.fill_bytes, tile.fill_bytes, steps))
        key = tuple(_place(banks, streams))
        if key not in known:
            known[key] = extra_cycles(banks, streams)
        total += known[key]
        step += steps
    return total


def _place(banks: Banks, streams: list[Stream]) -> list[tuple[object, ...]]:
    """Equal for streams in the same places of the banks, as far apart within an operand."""
    origin: dict[str, int] = {}
    for stream in streams:
        origin.setdefault(stream.operand, stream.first - stream.first % banks.span_bytes)
    return [
        (s.operand, s.first - origin[s.operand], s.item_bytes, s.pitch, s.steps, s.start, s.count, s.stride)
        for s in streams
    ]


def _output(arrays: Arrays, tile: Tile, here: list[Fold], _following: list[Fold]) -> list[Stream]:
    """A step reads one column of activations and one row of weights."""
    size, streams = tile.element_bytes, []
    for row, column in here:
        count, width = min(arrays.rows, tile.m - row), min(arrays.columns, tile.n - column)
        first = tile.activations + row * tile.activation_pitch
        streams.append(Stream("activations", first, size, size, tile.k, 0, count, tile.activation_pitch))
        streams.append(Stream("weights", tile.weights + column * size, width * size, tile.weight_pitch, tile.k))
    return streams


def _weight(arrays: Arrays, tile: Tile, here: list[Fold], following: list[Fold]) -> list[Stream]:
    """Loads read a row of weights a step, the last one first; then a step reads a part of a row of activations."""
    size, load = tile.element_bytes, arrays.rows
    streams = []
    for row, _ in here:
        first, width = tile.activations + row * size, min(arrays.rows, tile.k - row)
        start = 0 if arrays.weight_double_buffer else load
        streams.append(Stream("activations", first, width * size, tile.activation_pitch, tile.m, start))
    for row, column in following if arrays.weight_double_buffer else here:
        count, width = min(arrays.rows, tile.k - row), min(arrays.columns, tile.n - column)
        # Rows that hold nothing are passed first: they read nothing.
        last = tile.weights + (row + count - 1) * tile.weight_pitch + column * size
        streams.append(Stream("weights", last, width * size, -tile.weight_pitch, count, load - count))
    return streams


def _input(arrays: Arrays, tile: Tile, here: list[Fold], following: list[Fold]) -> list[Stream]:
    """The same with activations held: both operands are read down their columns, an element of each row a step."""
    size, load = tile.element_bytes, arrays.rows
    streams = []
    for row, _ in here:
        first, count = tile.weights + row * tile.weight_pitch, min(arrays.rows, tile.k - row)
        start = 0 if arrays.weight_double_buffer else load
        streams.append(Stream("weights", first, size, size, tile.n, start, count, tile.weight_pitch))
    for row, column in following if arrays.weight_double_buffer else here:
        count, width = min(arrays.rows, tile.k - row), min(arrays.columns, tile.m - column)
        last = tile.activations + column * tile.activation_pitch + (row + count - 1) * size
        streams.append(Stream("activations", last, size, -size, count, load - count, width, tile.activation_pitch))
    return streams


def padded(banks: Banks, arrays: Arrays, tile: Tile) -> Tile:
    """The tile with the pitches that lose the fewest cycles: first of the activations, then of the weights."""

    def activations(pitch: int) -> Tile:
        return replace(tile, activation_pitch=pitch)

    tile_pitch = padded_pitch(banks, tile.k * tile.element_bytes, lambda p: tile_stall(banks, arrays, activations(p)))
    better = activations(tile_pitch)

    def weights(pitch: int) -> Tile:
        return replace(better, weight_pitch=pitch)

    return weights(padded_pitch(banks, tile.n * tile.element_bytes, lambda p: tile_stall(banks, arrays, weights(p))))
