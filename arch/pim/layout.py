"""Where the tensors of a model lie: rows of every bank, the same on all channels.

Weights of a layer follow each other, then its reserved K and V rows, then the next layer. A tied head uses the rows of
the embedding table.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass

from bitline.arch.pim.device import Heads, PimDevice, ceil_div
from bitline.base.errors import CapacityError, SpecError
from bitline.traces import Operator, Trace
from bitline.traces.operator import Tensor

MAX_CHANNELS = 1 << 16


@dataclass(frozen=True)
class Place:
    """First row of a tensor, rows from one repeat of its block to the next, rows of one matrix or request of it."""

    row: int
    stride: int
    rows: int


@dataclass(frozen=True)
class Layout:
    """Places by tensor name (that of the first repeat), and attention shapes by the name of the K or V tensor."""

    places: dict[str, Place]
    heads: dict[str, Heads]
    rows: int


def share(channel: int, channels: int, groups: int) -> int:
    """Groups of a channel when they are dealt out one after the other."""
    return len(range(channel, groups, channels))


def span(channel: int, channels: int, groups: int, per_head: int) -> tuple[int, int]:
    """First group, counted in its head, and number of groups of a channel when neighbours stay together.

    Where all of them belong to one head it does not matter which part of it they are: the first is 0.
    """
    first = channel * groups // channels
    count = (channel + 1) * groups // channels - first
    first %= per_head
    return (first, count) if first + count > per_head else (0, count)


def matrix_of(operator: Operator) -> tuple[Tensor, int, int, int]:
    """(weight tensor, matrices in it, outputs, inputs) of an operator that reads a weight matrix."""
    weights = [tensor for tensor in operator.inputs if tensor.role == "weight" and len(tensor.shape) > 1]
    if len(weights) != 1:
        raise SpecError(f"operator '{operator.name}' reads {len(weights)} weight matrices", expected="one")
    if operator.kind == "embedding":
        return weights[0], 1, weights[0].shape[-2], weights[0].shape[-1]
    return weights[0], max(1, operator.experts, operator.heads), operator.n, operator.k


def cached_tensor(operator: Operator) -> Tensor:
    """The K or V tensor that an attention operator reads."""
    cached = [tensor for tensor in operator.inputs if tensor.role == "kv"]
    if operator.part not in ("score", "context") or len(cached) != 1:
        raise SpecError(
            f"operator '{operator.name}' is an attention that cannot be put in the banks",
            expected="score and context over keys and values of their own",
        )
    return cached[0]


def make_layout(trace: Trace, device: PimDevice, channels: int, reserved: int, requests: int) -> Layout:
    """Lay out a model. Raises CapacityError where it does not fit, with what is missing."""
    layout = _lay_out(trace, device, channels, reserved, requests)
    rows = device.data_rows
    if layout.rows > rows:
        row_gb = channels * device.part.organisation.n_banks * device.part.organisation.row_bytes / 1e9
        enough = _enough_channels(trace, device, channels, reserved, requests)
        raise CapacityError(
            f"{trace.model} with {reserved} reserved tokens needs {layout.rows * row_gb:.2f} GB, "
            f"{(layout.rows - rows) * row_gb:.2f} GB more than the {rows * row_gb:.2f} GB of {channels} channels",
            field="memory.channels",
            expected=f"at least {enough} channels" if enough else "a part with more rows",
        )
    return layout


def _enough_channels(trace: Trace, device: PimDevice, channels: int, reserved: int, requests: int) -> int | None:
    """The fewest channels that hold a model that these do not hold. Rows never grow with channels."""

    def fits(count: int) -> bool:
        return _lay_out(trace, device, count, reserved, requests).rows <= device.data_rows

    too_few, enough = channels, 2 * channels
    while not fits(enough):
        too_few, enough = enough, 2 * enough
        if enough > MAX_CHANNELS:
            return None
    return bisect_left(range(too_few + 1, enough), True, key=fits) + too_few + 1


def _lay_out(trace: Trace, device: PimDevice, channels: int, reserved: int, requests: int) -> Layout:
    heads = _attention_shapes(trace)
    places: dict[str, Place] = {}
    start = 0
    for block in trace.blocks:
        first = start
        found: dict[str, tuple[int, int, int]] = {}
        for operator in block.operators:
            for name, count, rows in _tensors_of(operator, device, channels, reserved, requests, heads):
                if name not in places and name not in found:
                    found[name] = (start, rows, count)
                    start += rows * count
        for name, (row, rows, _count) in found.items():
            places[name] = Place(row, start - first, rows)
        start = first + (start - first) * block.repeats
    return Layout(places, heads, start)


def _attention_shapes(trace: Trace) -> dict[str, Heads]:
    scores: dict[int, tuple[str, Operator]] = {}
    contexts: dict[int, tuple[str, Operator]] = {}
    for block in trace.blocks:
        for operator in block.operators:
            if operator.kind == "attention":
                which = scores if operator.part == "score" else contexts
                which[operator.layer] = (cached_tensor(operator).name, operator)
    found = {}
    for layer, (key_name, score) in scores.items():
        value_name, context = contexts[layer]
        if key_name == value_name:
            raise SpecError(f"operator '{score.name}': keys and values share a tensor", expected="K and V apart")
        shape = Heads(score.kv_heads, score.heads // score.kv_heads, score.k, context.n)
        found[key_name] = found[value_name] = shape
    return found


def _tensors_of(
    operator: Operator, device: PimDevice, channels: int, reserved: int, requests: int, heads: dict[str, Heads]
) -> list[tuple[str, int, int]]:
    """(tensor, matrices or requests, rows of one) of what an operator keeps in the banks."""
    if operator.kind in ("matmul", "embedding"):
        tensor, count, outputs, inputs = matrix_of(operator)
        groups = ceil_div(ceil_div(outputs, device.outputs_at_once), channels)
        return [(tensor.name, count, device.matrix(inputs, groups).rows)]
    if operator.kind != "attention":
        return []
    tensor = cached_tensor(operator)
    shape = heads[tensor.name]
    if operator.part == "score":
        return [(tensor.name, requests, device.key_rows(shape, slots_of(device, channels, reserved)))]
    groups = ceil_div(device.value_groups(shape), channels)
    return [(tensor.name, requests, device.value_rows(groups, reserved))]


def slots_of(device: PimDevice, channels: int, tokens: int) -> int:
    """Token groups of the channel that has most."""
    return ceil_div(ceil_div(tokens, device.tokens_at_once), channels)
