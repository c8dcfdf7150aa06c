"""By how much a condition is broken, so that a search can tell a near miss from a far one."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any

from bitline.sim.study.expressions import Expression, parse

WHOLLY = 1.0
"""What a broken condition counts that has no distance: an equality, a word, a negation."""


def violation(condition: Expression, row: Mapping[str, Any]) -> float:
    """0 where the condition holds on a row; else what its comparisons miss in sum, as parts of their right sides."""
    return 0.0 if condition.holds(row)[0] else _missed(condition.tree, row)


def _missed(node: ast.expr, row: Mapping[str, Any]) -> float:
    if bool(_part(node).holds(row)[0]):
        return 0.0
    if isinstance(node, ast.BoolOp):
        parts = [_missed(value, row) for value in node.values]
        return sum(parts) if isinstance(node.op, ast.And) else min(parts)
    if isinstance(node, ast.Compare):
        sides = (node.left, *node.comparators)
        return sum(_distance(*pair, row) for pair in zip(node.ops, sides, sides[1:])) or WHOLLY
    return WHOLLY


def _distance(operator: ast.cmpop, left: ast.expr, right: ast.expr, row: Mapping[str, Any]) -> float:
    if not isinstance(operator, ast.Lt | ast.LtE | ast.Gt | ast.GtE):
        return 0.0 if bool(_part(ast.Compare(left, [operator], [right])).holds(row)[0]) else WHOLLY
    found = _part(left).of(row), _part(right).of(row)
    if not all(isinstance(value, int | float) for value in found):
        return WHOLLY
    low, high = (float(value) for value in found if value is not None and not isinstance(value, str))
    over = low - high if isinstance(operator, ast.Lt | ast.LtE) else high - low
    if over < 0 or (over == 0 and isinstance(operator, ast.LtE | ast.GtE)):
        return 0.0
    # A strict comparison of equals is missed by next to nothing, yet missed.
    return max(over / (abs(high) or 1.0), 1e-12)


def _part(node: ast.expr) -> Expression:
    return parse(ast.unparse(node))
