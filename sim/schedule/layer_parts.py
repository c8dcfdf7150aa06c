"""The operators of a decoder trace in the parts that a schedule moves: before, at and after the attention of a layer.

It works on any trace with layers: whatever stands before the first attention operator of a layer (norm, projections,
rope, KV append) is `before`; from the first to the last one (score, softmax, context) is `attention`; the rest (output
projection, residual, norm, network) is `after`, and so is a network that runs beside attention in the model. A layer
without attention is all `before`. The blocks outside the layers are the `entry` (embedding) and the `exit` (head).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from bitline.base.errors import TraceError
from bitline.traces import Block, Operator, Trace

LayerPlace = Literal["before", "attention", "after"]
Place = LayerPlace | Literal["entry", "exit"]

OUTSIDE = -1


class Part(NamedTuple):
    """Operators that are scheduled together: those of one layer, which may stand for alike layers, or of none (-1)."""

    place: Place
    layer: int = OUTSIDE


@dataclass(frozen=True, slots=True)
class LayerParts:
    """A trace in parts."""

    entry: tuple[Operator, ...]
    exit: tuple[Operator, ...]
    first_layer: int
    layers: tuple[int, ...]
    """Of each layer, in order, the first one that is like it."""
    operators_of: Mapping[int, Mapping[LayerPlace, tuple[Operator, ...]]]
    """By those first layers."""

    def operators(self, part: Part) -> tuple[Operator, ...]:
        """The operators of a part, with ids and dependencies of their block.

        The part may come from another trace of the model: layers that are alike for a whole batch are so for a half.
        """
        if part.place == "entry":
            return self.entry
        if part.place == "exit":
            return self.exit
        alike = self.layers[part.layer - self.first_layer]
        found = self.operators_of[alike][part.place]
        return tuple(operator.moved(0, part.layer - alike) for operator in found) if part.layer != alike else found


def layer_parts(trace: Trace) -> LayerParts:
    """Cut a trace. Raises TraceError for one without layers, or with something between them."""
    inside = [i for i, block in enumerate(trace.blocks) if block.layers]
    if not inside:
        raise TraceError("has no layers", file=trace.model, field="layer", expected="operators named layer0. and on")
    first, last = inside[0], inside[-1]
    if len(inside) <= last - first:
        raise TraceError("has operators of no layer between its layers", file=trace.model, field="layer")
    found: dict[int, Mapping[LayerPlace, tuple[Operator, ...]]] = {}
    known: dict[tuple[Operator, ...], int] = {}
    layers: list[int] = []
    for block in trace.blocks[first : last + 1]:
        of_repeat = []
        for layer in range(block.first_layer, block.first_layer + block.layers):
            operators = tuple(operator for operator in block.operators if operator.layer == layer)
            # Seen from its own start and layer, so that alike layers are equal.
            key = tuple(operator.moved(-operators[0].id, -layer) for operator in operators)
            if key not in known:
                known[key] = layer
                found[layer] = _cut(operators)
            of_repeat.append(known[key])
        layers += of_repeat * block.repeats
    return LayerParts(
        entry=_outside(trace.blocks[:first]),
        exit=_outside(trace.blocks[last + 1 :]),
        first_layer=trace.blocks[first].first_layer,
        layers=tuple(layers),
        operators_of=found,
    )


def _outside(blocks: Sequence[Block]) -> tuple[Operator, ...]:
    return tuple(operator for block in blocks for operator in block.operators)


def _cut(operators: tuple[Operator, ...]) -> Mapping[LayerPlace, tuple[Operator, ...]]:
    attending = [i for i, operator in enumerate(operators) if operator.kind == "attention"] or [len(operators)]
    first, last = attending[0], attending[-1] + 1
    return {"before": operators[:first], "attention": operators[first:last], "after": operators[last:]}
