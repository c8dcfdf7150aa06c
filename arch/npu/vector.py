"""Cycles of the vector units of an NPU core: a function is passes over the elements of a row, trees and scalars.

A row of n elements takes ceil(n / lanes) steps a pass, each as long as its unit's latency; a reduction goes through
adder trees of `lanes` inputs, level by level (NeuPIMs, src/NeuPIMSystolicWS.cc; ONNXim, src/SystolicWS.cc). A row
works on one unit; the rows are shared out to the units.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from bitline.base.errors import SpecError, did_you_mean


@dataclass(frozen=True)
class Passes:
    """What a function does to a row: passes over all elements, reductions, and scalars once a row."""

    adds: int = 0
    multiplies: int = 0
    divides: int = 0
    exps: int = 0
    gelus: int = 0
    trees: int = 0
    scalar_adds: int = 0
    scalar_multiplies: int = 0
    scalar_sqrts: int = 0

    def __add__(self, other: Passes) -> Passes:
        return Passes(*(a + b for a, b in zip(self.counts, other.counts)))

    @property
    def counts(self) -> tuple[int, ...]:
        """The fields in order."""
        return (
            self.adds,
            self.multiplies,
            self.divides,
            self.exps,
            self.gelus,
            self.trees,
            self.scalar_adds,
            self.scalar_multiplies,
            self.scalar_sqrts,
        )

    @property
    def over_elements(self) -> int:
        """Operations on each element, without trees."""
        return self.adds + self.multiplies + self.divides + self.exps + self.gelus


_ADD, _MULTIPLY, _GELU = Passes(adds=1), Passes(multiplies=1), Passes(gelus=1)
_SIGMOID = Passes(exps=1, adds=1, divides=1)  # 1 / (1 + exp(-x))
_SILU = Passes(exps=1, adds=1, divides=1)  # x / (1 + exp(-x))
_TREE = Passes(trees=1)

# layernorm and softmax as in NeuPIMs and ONNXim: layernorm's passes are mean, variance, difference, scale and gain.
FUNCTIONS: dict[str, Passes] = {
    "layernorm": Passes(adds=2, multiplies=3, trees=2, scalar_multiplies=2, scalar_sqrts=1),
    # squares and their tree; 1/n, epsilon and root once a row; times 1/root; gain
    "rmsnorm": Passes(multiplies=3, trees=1, scalar_adds=1, scalar_multiplies=1, scalar_sqrts=1),
    # maximum; exp(x - maximum); sum; times 1/sum
    "softmax": Passes(adds=1, exps=1, multiplies=1, trees=2),
    "add": _ADD,
    "multiply": _MULTIPLY,
    "scale": _MULTIPLY,
    "divide": Passes(divides=1),
    "exp": Passes(exps=1),
    "copy": _ADD,
    "relu": _ADD,
    "gelu": _GELU,
    "gelu_new": _GELU,
    "gelu_tanh": _GELU,
    "gelu_pytorch_tanh": _GELU,
    "sigmoid": _SIGMOID,
    "silu": _SILU,
    # gated: the activation of one half times the other; elements of the result
    "swiglu": _SILU + _MULTIPLY,
    "geglu": _GELU + _MULTIPLY,
    "reglu": _ADD + _MULTIPLY,
    # x cos + rotated x sin
    "rope": Passes(multiplies=2, adds=1),
    "sum": _TREE,
    "max": _TREE,
    "mean": Passes(trees=1, scalar_multiplies=1),
    # elements of all summands of a row
    "weighted_sum": _MULTIPLY + _ADD,
    # one element picked: the largest, and its place taken out
    "top_k": _TREE + _ADD,
}


@dataclass(frozen=True)
class VectorUnit:
    """The vector units of a core. Latencies in cycles of its clock; names as in an NPU's spec."""

    lanes: int
    """Elements of a unit and cycle, and inputs of its adder tree."""
    units: int = 1
    dispatch: Literal["serial", "always_now"] = "serial"
    """serial: a row waits for a free unit. always_now: it starts when it is issued, one a cycle, on a unit that may be
    busy, as NeuPIMs does in the released version."""
    add_cycles: int = 1
    multiply_cycles: int = 1
    multiply_add_cycles: int = 1
    divide_cycles: int = 1
    exp_cycles: int = 1
    gelu_cycles: int = 1
    add_tree_cycles: int = 1
    scalar_add_cycles: int = 1
    scalar_multiply_cycles: int = 1
    scalar_sqrt_cycles: int = 1

    def __post_init__(self) -> None:
        for name, value, least in (("lanes", self.lanes, 2), ("units", self.units, 1)):
            if value < least:
                raise SpecError(f"a vector unit with {value} {name}", field=name, expected=f"{least} or more")

    def steps(self, elements: int) -> int:
        """Steps of one pass over a row."""
        return -(-elements // self.lanes)

    def tree_steps(self, elements: int) -> int:
        """Steps of reducing a row to one value: each level leaves one value of `lanes`."""
        steps = 1
        while elements > self.lanes:
            elements = self.steps(elements)
            steps += elements
        return steps

    def row_cycles(self, function: str, elements: int, *, repeats: int = 1) -> int:
        """Cycles of one row on one unit. `repeats`: times that the function is done (elements picked by top_k)."""
        passes = passes_of(function)
        over_elements = (
            passes.adds * self.add_cycles
            + passes.multiplies * self.multiply_cycles
            + passes.divides * self.divide_cycles
            + passes.exps * self.exp_cycles
            + passes.gelus * self.gelu_cycles
        )
        scalars = (
            passes.scalar_adds * self.scalar_add_cycles
            + passes.scalar_multiplies * self.scalar_multiply_cycles
            + passes.scalar_sqrts * self.scalar_sqrt_cycles
        )
        trees = passes.trees * self.tree_steps(elements) * self.add_tree_cycles
        return repeats * (self.steps(elements) * over_elements + trees + scalars)

    def cycles(self, function: str, rows: int, elements: int, *, repeats: int = 1) -> int:
        """Cycles of `rows` rows of `elements` elements. Raises SpecError for a function that it does not know."""
        row = self.row_cycles(function, elements, repeats=repeats)
        if rows <= 0 or elements <= 0:
            return 0
        if self.dispatch == "always_now":
            return row + rows - 1
        return -(-rows // self.units) * row


def passes_of(function: str) -> Passes:
    """The passes of a function. Raises SpecError for one that is not known."""
    if function not in FUNCTIONS:
        raise SpecError(f"the vector unit has no function '{function}'", expected=did_you_mean(function, FUNCTIONS))
    return FUNCTIONS[function]


def operations(function: str, rows: int, elements: int, *, repeats: int = 1) -> int:
    """Operations on single elements, for energy: a pass is one an element, a tree one less than its elements."""
    passes = passes_of(function)
    scalars = passes.scalar_adds + passes.scalar_multiplies + passes.scalar_sqrts
    trees = passes.trees * max(0, elements - 1)
    return repeats * rows * (passes.over_elements * elements + trees + scalars)
