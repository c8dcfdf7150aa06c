"""What vector operators cost the ASIC: passes of additions and multiplications over their elements.

exp and tanh are Taylor polynomials by Horner's rule, 1/x is Newton-Raphson, 1/sqrt(x) the bit-trick guess and Newton
steps (PIM-GPT, arXiv 2310.09385, section III). A pass over n elements takes ceil(n / units) cycles.

A spec may hold columns (bitline/base/columns.py) in place of numbers: passes and costs are columns then.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bitline.arch.asic.spec import AsicSpec
from bitline.base.columns import Column, ceil_ratio, larger
from bitline.base.errors import SpecError
from bitline.traces.operator import Operator


@dataclass(frozen=True)
class Passes:
    """Additions and multiplications for each element, and once more for each row (a reduction's scalar)."""

    adds: Column = 0
    multiplies: Column = 0
    row_adds: Column = 0
    row_multiplies: Column = 0


@dataclass(frozen=True)
class VectorCost:
    """Work of one vector operator."""

    cycles: Column
    bound_cycles: Column
    """With both kinds of unit busy all the time."""
    adds: Column
    multiplies: Column

    def __add__(self, other: VectorCost) -> VectorCost:
        return VectorCost(
            self.cycles + other.cycles,
            self.bound_cycles + other.bound_cycles,
            self.adds + other.adds,
            self.multiplies + other.multiplies,
        )

    def times(self, count: int) -> VectorCost:
        """So many of these, one after the other."""
        return VectorCost(self.cycles * count, self.bound_cycles * count, self.adds * count, self.multiplies * count)


NO_COST = VectorCost(0, 0, 0, 0)


def vector_cost(spec: AsicSpec, passes: Passes, rows: int, elements: int) -> VectorCost:
    """The cost of `rows` rows of `elements` each."""
    total = rows * elements
    cycles = passes.adds * ceil_ratio(total, spec.adders) + passes.multiplies * ceil_ratio(total, spec.multipliers)
    cycles = cycles + passes.row_adds * ceil_ratio(rows, spec.adders)
    cycles = cycles + passes.row_multiplies * ceil_ratio(rows, spec.multipliers)
    adds = passes.adds * total + passes.row_adds * rows
    multiplies = passes.multiplies * total + passes.row_multiplies * rows
    bound = larger(ceil_ratio(adds, spec.adders), ceil_ratio(multiplies, spec.multipliers))
    return VectorCost(cycles, bound, adds, multiplies)


ADD = Passes(adds=1)
NOTHING = Passes()


def passes_of(spec: AsicSpec, operator: Operator) -> Passes:
    """Passes of a vector operator, by kind and function. Raises SpecError for one that the ASIC does not know."""
    known: dict[str, Callable[[AsicSpec, Operator], Passes]] = {
        "norm": _norm,
        "softmax": _softmax,
        "activation": _activation,
        "elementwise": _elementwise,
        "rope": _rope,
        "route": _route,
        "copy": _copy,
    }
    if operator.kind not in known:
        raise SpecError(
            f"operator '{operator.name}' of kind {operator.kind} cannot run on the ASIC",
            expected=", ".join(sorted(known)),
        )
    return known[operator.kind](spec, operator)


def _exp(spec: AsicSpec) -> Passes:
    # x = k ln 2 + r: one product and one sum for k, the same for r; the polynomial in r; k goes into the exponent.
    return Passes(adds=2 + spec.taylor_terms, multiplies=2 + spec.taylor_terms)


def _norm(spec: AsicSpec, operator: Operator) -> Passes:
    # 1/sqrt: the guess is one integer subtraction, a step y (1.5 - 0.5 x y^2) three products and one sum.
    row_adds, row_multiplies = 2 + spec.newton_steps, 1 + 3 * spec.newton_steps
    if operator.function == "layernorm":
        # mean; x - mean; squares and their mean; times 1/sqrt; gamma; beta.
        return Passes(4, 3, row_adds, row_multiplies + 1)
    return Passes(1, 3, row_adds, row_multiplies)


def _softmax(spec: AsicSpec, _operator: Operator) -> Passes:
    # Scale by 1/sqrt(d); maximum; subtract; exp; sum; one reciprocal a row; product.
    exp = _exp(spec)
    return Passes(3 + exp.adds, 2 + exp.multiplies, spec.newton_steps, 2 * spec.newton_steps)


def _activation(spec: AsicSpec, operator: Operator) -> Passes:
    function = operator.function
    if function.startswith("relu"):
        return ADD
    if function.startswith("gelu"):
        # x/2 (1 + tanh(c (x + a x^3)))
        return Passes(adds=2 + spec.taylor_terms, multiplies=6 + spec.taylor_terms)
    if function in ("silu", "swish", "sigmoid"):
        exp = _exp(spec)
        return Passes(exp.adds + 1 + spec.newton_steps, exp.multiplies + 2 * spec.newton_steps + 1)
    if function == "tanh":
        return Passes(spec.taylor_terms, spec.taylor_terms)
    raise SpecError(f"operator '{operator.name}': the ASIC has no {function}", expected="relu, gelu, silu or tanh")


def _elementwise(_spec: AsicSpec, operator: Operator) -> Passes:
    if operator.function == "add":
        return ADD
    if operator.function == "weighted_sum":
        return Passes(adds=operator.experts_per_token, multiplies=operator.experts_per_token)
    return Passes(multiplies=1)


def _rope(_spec: AsicSpec, _operator: Operator) -> Passes:
    return Passes(adds=1, multiplies=2)


def _route(_spec: AsicSpec, operator: Operator) -> Passes:
    # Comparisons for each expert that is picked.
    return Passes(adds=max(1, operator.experts_per_token))


def _copy(_spec: AsicSpec, _operator: Operator) -> Passes:
    return NOTHING
