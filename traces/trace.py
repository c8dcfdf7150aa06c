"""A trace: the operators of one pass over a model, kept as blocks of alike layers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from bitline.traces.dtypes import DType
from bitline.traces.operator import FIELDS, Operator, Phase, Tensor, layer_of
from bitline.traces.repeats import group_repeats

AttentionForm = Literal["split", "fused"]


@dataclass(frozen=True, slots=True)
class Block:
    """Operators that are repeated, each time `layers` layers further on.

    The operators are those of the first repeat, with their names and layer numbers. Their ids count from 0; their
    dependencies count from the start of the repeat, too: -1 is the last operator before it, whether of the previous
    repeat or of the previous block.
    """

    operators: tuple[Operator, ...]
    repeats: int
    first_layer: int
    layers: int
    """Layers of one repeat; 0 outside the layers."""


@dataclass(frozen=True, slots=True)
class Trace:
    """Operators in an order that satisfies their dependencies, and what they are a trace of."""

    model: str
    phase: Phase
    contexts: tuple[int, ...]
    """One length a request, or one element where all are alike."""
    batch: int
    activation_dtype: DType
    weight_dtype: DType
    kv_dtype: DType
    attention: AttentionForm
    blocks: tuple[Block, ...]

    def __len__(self) -> int:
        return sum(len(block.operators) * block.repeats for block in self.blocks)

    def operators(self) -> tuple[Operator, ...]:
        """Every operator, with global ids (0, 1, 2, ...) and dependencies."""
        rows: list[Operator] = []
        for block in self.blocks:
            for repeat in range(block.repeats):
                start = len(rows)
                rows.extend(operator.moved(start, repeat * block.layers) for operator in block.operators)
        return tuple(rows)

    def tensors(self) -> dict[str, Tensor]:
        """Every distinct tensor by name, in order of first use."""
        found: dict[str, Tensor] = {}
        for block in self.blocks:
            of_block: dict[str, Tensor] = {}
            for operator in block.operators:
                for tensor in operator.inputs + operator.outputs:
                    of_block.setdefault(tensor.name, tensor)
            for repeat in range(block.repeats):
                for tensor in of_block.values():
                    moved = tensor.of_layer(repeat * block.layers)
                    found.setdefault(moved.name, moved)
        return found

    def write(self, path: str | Path) -> None:
        """Write the expanded operators to a .parquet, .json or .csv file. Raises TraceError, MissingExtraError."""
        from bitline.traces.files import write_trace

        write_trace(self, path)


def fold(operators: Iterable[Operator]) -> tuple[Block, ...]:
    """Blocks of a list of operators with ids 0, 1, 2, ...: runs of alike, consecutive layers become one block."""
    blocks: list[Block] = []
    for runs in _segments(_layer_runs(operators)):
        for group in group_repeats([_relative(run) for run in runs]):
            unit = [operator for run in runs[group.start : group.start + group.period] for operator in run]
            layer = unit[0].layer
            # Ids and dependencies from the start of the unit on.
            local = tuple(operator.moved(-unit[0].id, 0) for operator in unit)
            blocks.append(Block(local, group.repeats, layer, group.period if layer >= 0 else 0))
    return tuple(blocks)


def _layer_runs(operators: Iterable[Operator]) -> Iterator[list[Operator]]:
    """Stretches of operators of one layer."""
    run: list[Operator] = []
    for operator in operators:
        if run and operator.layer != run[0].layer:
            yield run
            run = []
        run.append(operator)
    if run:
        yield run


def _segments(runs: Iterable[list[Operator]]) -> Iterator[list[list[Operator]]]:
    """Stretches of runs whose layers count up one by one; what is in no layer stands alone."""
    segment: list[list[Operator]] = []
    for run in runs:
        follows = segment and segment[-1][0].layer >= 0 and run[0].layer == segment[-1][0].layer + 1
        if segment and not follows:
            yield segment
            segment = []
        segment.append(run)
    if segment:
        yield segment


def _relative(run: list[Operator]) -> tuple[Any, ...]:
    """The run as seen from its own start and layer: equal for alike layers."""
    start, layer = run[0].id, run[0].layer
    seen_from_here = {"id", "name", "layer", "inputs", "outputs", "dependencies"}
    plain = [name for name in FIELDS if name not in seen_from_here]
    return tuple(
        (
            _relative_name(operator.name, layer),
            tuple(dependency - start for dependency in operator.dependencies),
            tuple(_relative_tensor(tensor, layer) for tensor in operator.inputs),
            tuple(_relative_tensor(tensor, layer) for tensor in operator.outputs),
            *(getattr(operator, name) for name in plain),
        )
        for operator in run
    )


def _relative_tensor(tensor: Tensor, layer: int) -> tuple[Any, ...]:
    return (_relative_name(tensor.name, layer), tensor.role, tensor.shape, tensor.dtype)


def _relative_name(name: str, layer: int) -> tuple[int | None, str]:
    named = layer_of(name)
    return (None, name) if named < 0 else (named - layer, name.partition(".")[2])
