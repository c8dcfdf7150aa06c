"""The stages of a decode iteration: what runs beside what, between barriers.

Serial, with attention in the banks: NPU QKV | PIM MHA | NPU projection, network and the next QKV | PIM MHA | ...
Interleaved (NeuPIMs, section 6.3), for halves 1 and 2 and N layers:

    stage  NPU                                       PIM     times
    A      QKV 1                                     -       1
    B      QKV 2                                     MHA 1   1
    C      projection, network 1, next layer's QKV 1 MHA 2   N - 1
    D      projection, network 2, next layer's QKV 2 MHA 1   N - 1   (of the next layer)
    E      projection, network 1                     MHA 2   1
    F      projection, network 2                     -       1

The embedding goes with the first QKV, the head with the last network. A stage ends when both sides have ended.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from bitline.sim.schedule.layer_parts import LayerParts, Part
from bitline.traces.repeats import group_repeats


class Work(NamedTuple):
    """A part of the model on one half of the batch; half 0 where the batch is whole."""

    part: Part
    half: int


@dataclass(frozen=True, slots=True)
class Stage:
    """What runs between two barriers, `count` times in all.

    Stages of one `group` follow each other and come again in that order: C, D, C, D, ...
    """

    name: str
    count: int
    group: int
    npu: tuple[Work, ...]
    """In order."""
    pim: tuple[Work, ...]


Plan = tuple[Stage, ...]


def in_order(plan: Plan) -> Iterator[Stage]:
    """Every stage as often as it comes, in the order of time."""
    groups: dict[int, list[Stage]] = {}
    for stage in plan:
        groups.setdefault(stage.group, []).append(stage)
    for group in groups.values():
        for _ in range(group[0].count):
            yield from group


def npu_alone(parts: LayerParts) -> Plan:
    """Everything on the NPU: the embedding, the layers one by one, the head."""
    plan = _Plan()
    if parts.entry:
        plan.add(1, [("entry", (Work(Part("entry"), 0),), ())])
    for group in group_repeats(parts.layers):
        layers = parts.layers[group.start : group.start + group.period]
        plan.add(group.repeats, [("layer", _whole_layer(layer), ()) for layer in layers])
    if parts.exit:
        plan.add(1, [("exit", (Work(Part("exit"), 0),), ())])
    return tuple(plan.stages)


def serial(parts: LayerParts) -> Plan:
    """NPU and PIM take turns."""
    plan, layers = _Plan(), parts.layers
    plan.add(1, [("QKV", _first(parts, 0), ())])
    for start, period, repeats in group_repeats(_pairs(layers)):
        pairs = _pairs(layers)[start : start + period]
        stages: list[_Row] = []
        for layer, following in pairs:
            stages.append(("MHA", (), (_mha(layer, 0),)))
            stages.append(("FFN+QKV", _between(layer, following, 0), ()))
        plan.add(repeats, stages)
    plan.add(1, [("MHA", (), (_mha(layers[-1], 0),))])
    plan.add(1, [("FFN", _last(parts, 0), ())])
    return tuple(plan.stages)


def interleaved(parts: LayerParts) -> Plan:
    """Stages A to F."""
    plan, layers = _Plan(), parts.layers
    plan.add(1, [("A", _first(parts, 0), ())])
    plan.add(1, [("B", _first(parts, 1), (_mha(layers[0], 0),))])
    for start, period, repeats in group_repeats(_pairs(layers)):
        stages: list[_Row] = []
        for layer, following in _pairs(layers)[start : start + period]:
            stages.append(("C", _between(layer, following, 0), (_mha(layer, 1),)))
            stages.append(("D", _between(layer, following, 1), (_mha(following, 0),)))
        plan.add(repeats, stages)
    plan.add(1, [("E", _last(parts, 0), (_mha(layers[-1], 1),))])
    plan.add(1, [("F", _last(parts, 1), ())])
    return tuple(plan.stages)


_Row = tuple[str, tuple[Work, ...], tuple[Work, ...]]


class _Plan:
    """Collects stages, group by group."""

    def __init__(self) -> None:
        self.stages: list[Stage] = []
        self.groups = 0

    def add(self, count: int, rows: Sequence[_Row]) -> None:
        self.stages += [Stage(name, count, self.groups, npu, pim) for name, npu, pim in rows]
        self.groups += 1


def _pairs(layers: Sequence[int]) -> list[tuple[int, int]]:
    return list(pairwise(layers))


def _mha(layer: int, half: int) -> Work:
    return Work(Part("attention", layer), half)


def _first(parts: LayerParts, half: int) -> tuple[Work, ...]:
    entry = (Work(Part("entry"), half),) if parts.entry else ()
    return (*entry, Work(Part("before", parts.layers[0]), half))


def _between(layer: int, following: int, half: int) -> tuple[Work, ...]:
    return Work(Part("after", layer), half), Work(Part("before", following), half)


def _last(parts: LayerParts, half: int) -> tuple[Work, ...]:
    leave = (Work(Part("exit"), half),) if parts.exit else ()
    return (Work(Part("after", parts.layers[-1]), half), *leave)


def _whole_layer(layer: int) -> tuple[Work, ...]:
    return Work(Part("before", layer), 0), Work(Part("attention", layer), 0), Work(Part("after", layer), 0)
