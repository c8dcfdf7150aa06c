"""Channels that do the same thing at the same time are simulated once.

Two channels are alike when every step of the whole run gives them equal programs; they start alike, so they stay alike.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from bitline.arch.pim.device import PimDevice, ceil_div
from bitline.arch.pim.layout import Layout, matrix_of, share, span
from bitline.traces import Trace


@dataclass(frozen=True)
class ChannelClass:
    """`multiplicity` channels that do what `channel` does."""

    channel: int
    multiplicity: int


def owner_of_token(device: PimDevice, channels: int, token: int) -> int:
    """The channel that holds a token's keys."""
    return token // device.tokens_at_once % channels


def channel_classes(
    device: PimDevice, channels: int, trace: Trace, layout: Layout, contexts: Iterable[int]
) -> tuple[ChannelClass, ...]:
    """The classes of a run over tokens with those contexts, in order of their first channel."""
    grain = device.outputs_at_once
    outputs, values, tables = set(), set(), False
    for block in trace.blocks:
        for operator in block.operators:
            if operator.kind == "matmul":
                outputs.add(ceil_div(matrix_of(operator)[2], grain))
            tables = tables or operator.kind == "embedding"
    for heads in layout.heads.values():
        groups = device.value_groups(heads)
        values.add((groups, groups // heads.kv))
    lengths = sorted({ceil_div(context, device.tokens_at_once) for context in contexts})
    owners = [owner_of_token(device, channels, device.tokens_at_once * (length - 1)) for length in lengths]
    found: dict[tuple[object, ...], list[int]] = {}
    for channel in range(channels):
        spans = []
        for groups, per_head in sorted(values):
            spans.append(span(channel, channels, groups, per_head))
        key = (
            tables and channel == 0,
            tuple(share(channel, channels, groups) for groups in sorted(outputs)),
            tuple(spans),
            tuple(share(channel, channels, length) for length in lengths) if layout.heads else (),
            tuple(owner == channel for owner in owners) if layout.heads else (),
        )
        found.setdefault(key, []).append(channel)
    return tuple(ChannelClass(members[0], len(members)) for members in found.values())
