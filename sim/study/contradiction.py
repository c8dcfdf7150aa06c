"""Conditions that cannot hold together, as far as bounds on single columns show it."""

from __future__ import annotations

import ast
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from bitline.base.errors import SpecError
from bitline.sim.study.expressions import dotted_name, parse


class Bound(NamedTuple):
    """`column` lies on one side of `value`; `strict`: and is not equal to it."""

    column: str
    is_upper: bool
    value: float
    strict: bool


@dataclass
class _Range:
    low: float = -math.inf
    high: float = math.inf
    low_strict: bool = False
    high_strict: bool = False
    low_text: str = ""
    high_text: str = ""

    @property
    def is_empty(self) -> bool:
        return self.low > self.high or (self.low == self.high and (self.low_strict or self.high_strict))


def check_ranges(conditions: list[str], field: str) -> None:
    """Refuse conditions, all of which have to hold, that leave nothing of some column. Raises SpecError."""
    ranges: dict[str, _Range] = {}
    for text in conditions:
        for bound in _bounds(parse(text).tree):
            found = ranges.setdefault(bound.column, _Range())
            if bound.is_upper and (bound.value, not bound.strict) < (found.high, not found.high_strict):
                found.high, found.high_strict, found.high_text = bound.value, bound.strict, text
            elif not bound.is_upper and (-bound.value, not bound.strict) < (-found.low, not found.low_strict):
                found.low, found.low_strict, found.low_text = bound.value, bound.strict, text
            if found.is_empty:
                pair = f"{found.low_text} and {found.high_text} contradict each other"
                same = found.low_text == found.high_text
                problem = f"{text} contradicts itself" if same else pair
                raise SpecError(problem, field=field, expected=f"something left for {bound.column}")


def _bounds(node: ast.expr) -> Iterator[Bound]:
    """Bounds on one column that a condition implies, from comparisons of a name with a number, joined by `and`."""
    if isinstance(node, ast.BoolOp) and isinstance(node.op, ast.And):
        for value in node.values:
            yield from _bounds(value)
    elif isinstance(node, ast.Compare):
        sides = (node.left, *node.comparators)
        for operator, left, right in zip(node.ops, sides, sides[1:]):
            if isinstance(left, ast.Name | ast.Attribute) and not parse(ast.unparse(right)).names:
                yield from _of_name(dotted_name(left), operator, right, turned=False)
            elif isinstance(right, ast.Name | ast.Attribute) and not parse(ast.unparse(left)).names:
                yield from _of_name(dotted_name(right), operator, left, turned=True)


def _of_name(column: str, operator: ast.cmpop, limit: ast.expr, *, turned: bool) -> Iterator[Bound]:
    value = parse(ast.unparse(limit)).of({})
    if not isinstance(value, float):
        return
    if isinstance(operator, ast.Eq):
        yield Bound(column, True, value, False)
        yield Bound(column, False, value, False)
    elif isinstance(operator, ast.Lt | ast.LtE | ast.Gt | ast.GtE):
        is_upper = isinstance(operator, ast.Lt | ast.LtE) != turned
        yield Bound(column, is_upper, value, isinstance(operator, ast.Lt | ast.Gt))
