"""Formulas of a study: arithmetic, comparisons and a few functions over named columns, and nothing else.

A formula is parsed by Python's own parser, then only what stands in the tables below is accepted and computed here:
nothing of it is ever run by Python. All numbers are double precision, one row or a million of them alike. A value that
is missing (None), or that a step leaves infinite or undefined, is missing in what follows; a comparison with it is
false.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np

from bitline.base.errors import SpecError, did_you_mean

MAX_CHARS = 1000
MAX_DEPTH = 40

Array: TypeAlias = np.ndarray[Any, np.dtype[Any]]
Columns: TypeAlias = Mapping[str, Any]
Code: TypeAlias = Callable[[Columns], Array]

EXPECTED = "numbers, names, + - * / // % **, comparisons, and, or, not, and functions such as min(a, b)"


def _power(base: Array, exponent: Array) -> Array:
    # NumPy takes a shortcut, with another last bit, where one exponent serves all. Full columns of two rows and more
    # go the long way, so that one row alone has the same value as among many.
    rows = max(len(base), len(exponent))
    pair = (np.append(np.broadcast_to(column, rows), 1.0) for column in (base, exponent))
    powers: Array = np.power(*pair)
    return powers[:-1]


_ARITHMETIC: dict[type[ast.operator], Callable[[Array, Array], Array]] = {
    ast.Add: np.add,
    ast.Sub: np.subtract,
    ast.Mult: np.multiply,
    ast.Div: np.divide,
    ast.FloorDiv: np.floor_divide,
    ast.Mod: np.mod,
    ast.Pow: _power,
}
_ORDER: dict[type[ast.cmpop], Callable[[Array, Array], Array]] = {
    ast.Lt: np.less,
    ast.LtE: np.less_equal,
    ast.Gt: np.greater,
    ast.GtE: np.greater_equal,
}
_ONE_NUMBER: dict[str, Callable[[Array], Array]] = {
    "abs": np.abs,
    "ceil": np.ceil,
    "floor": np.floor,
    "round": np.rint,
    "log2": np.log2,
    "sqrt": np.sqrt,
}
_MANY_NUMBERS: dict[str, Callable[[Array, Array], Array]] = {"min": np.minimum, "max": np.maximum}
FUNCTIONS = sorted([*_ONE_NUMBER, *_MANY_NUMBERS])
_CONSTANTS = {"true": True, "false": False, "null": None}
_LOGIC = (ast.BoolOp, ast.Compare)


@dataclass(frozen=True)
class Expression:
    """A formula that was parsed. `names`: the columns that it reads, sorted."""

    text: str
    names: tuple[str, ...]
    tree: ast.expr = field(repr=False, compare=False)
    _code: Code = field(repr=False, compare=False)

    @property
    def is_condition(self) -> bool:
        """Can it say yes or no? A name alone may stand for a truth value."""
        node = self.tree
        return (
            isinstance(node, (*_LOGIC, ast.Name, ast.Attribute))
            or (isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not))
            or (isinstance(node, ast.Constant) and isinstance(node.value, bool))
        )

    def over(self, columns: Columns) -> Array:
        """The value on every row: of numbers (NaN: missing), of truth values or of text.

        `columns`: name -> one value for all rows, or a list or array with one for each. The array has one element where
        no column has more. Raises SpecError where a value has the wrong type.
        """
        with np.errstate(all="ignore"):
            try:
                return self._code(columns)
            except SpecError as error:
                raise SpecError(error.problem, field=self.text, expected=error.expected) from None

    def holds(self, columns: Columns) -> Array:
        """On which rows a condition is met. Raises SpecError where it says anything but yes or no."""
        found = _truth(self.over(columns), self.text)
        return found

    def of(self, row: Columns) -> float | bool | str | None:
        """The value on one row; None where it is missing."""
        value = self.over(row)[0]
        if isinstance(value, np.bool_ | bool):
            return bool(value)
        if isinstance(value, np.floating):
            return None if np.isnan(value) else float(value)
        return None if value is None else str(value)


@lru_cache(maxsize=1024)
def parse(text: str) -> Expression:
    """The formula of a text. Raises SpecError."""
    if len(text) > MAX_CHARS:
        raise SpecError(f"has {len(text)} characters", expected=f"at most {MAX_CHARS}")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)
            tree = ast.parse(text.strip(), mode="eval").body
        names: set[str] = set()
        code = _code(tree, names, 0)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise SpecError(f"'{text}' is not a formula", expected=EXPECTED) from None
    return Expression(text, tuple(sorted(names)), tree, code)


def parse_condition(text: str) -> Expression:
    """A formula that says yes or no. Raises SpecError."""
    found = parse(text)
    if not found.is_condition:
        raise SpecError(f"'{text}' is not a condition", expected="a comparison such as memory.channels >= 8")
    return found


# --- from the tree to a function of columns ---


def _code(node: ast.expr, names: set[str], depth: int) -> Code:
    if depth > MAX_DEPTH:
        raise SpecError("is nested too deep", expected=f"at most {MAX_DEPTH} levels")
    below = depth + 1
    if isinstance(node, ast.Constant):
        return _constant(node.value)
    if isinstance(node, ast.Name | ast.Attribute):
        return _name(dotted_name(node), names)
    if isinstance(node, ast.BinOp) and type(node.op) in _ARITHMETIC:
        return _binary(_ARITHMETIC[type(node.op)], _code(node.left, names, below), _code(node.right, names, below))
    if isinstance(node, ast.UnaryOp):
        return _unary(node.op, _code(node.operand, names, below))
    if isinstance(node, ast.BoolOp):
        return _logic(node.op, [_code(value, names, below) for value in node.values])
    if isinstance(node, ast.Compare):
        return _comparisons(node, [_code(value, names, below) for value in (node.left, *node.comparators)])
    if isinstance(node, ast.Call):
        return _call(node, [_code(value, names, below) for value in node.args])
    raise SpecError(f"'{ast.unparse(node)}' is not accepted in a formula", expected=EXPECTED)


def dotted_name(node: ast.expr) -> str:
    """`memory.channels` of its tree. Raises SpecError for an attribute of anything but a name."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return f"{dotted_name(node.value)}.{node.attr}"
    raise SpecError(f"'{ast.unparse(node)}' is not accepted in a formula", expected=EXPECTED)


def _constant(value: Any) -> Code:
    if not isinstance(value, int | float | str):
        raise SpecError(f"'{value!r}' is not accepted in a formula", expected=EXPECTED)
    try:
        column = as_column(value)
    except OverflowError:
        raise SpecError("a number is too large", expected="at most 1e308") from None
    if column.dtype == float and not np.isfinite(column[0]):
        raise SpecError("a number is too large", expected="at most 1e308")
    return lambda columns: column


def _name(name: str, names: set[str]) -> Code:
    if name in _CONSTANTS:
        column = as_column(_CONSTANTS[name])
        return lambda columns: column
    names.add(name)

    def read(columns: Columns) -> Array:
        if name not in columns:
            raise SpecError(f"unknown name '{name}'", expected=did_you_mean(name, columns))
        return as_column(columns[name])

    return read


def _binary(operator: Callable[[Array, Array], Array], left: Code, right: Code) -> Code:
    return lambda columns: _finite(operator(_numbers(left(columns)), _numbers(right(columns))))


def _unary(operator: ast.unaryop, operand: Code) -> Code:
    if isinstance(operator, ast.Not):
        return lambda columns: ~_truth(operand(columns), "not")
    if isinstance(operator, ast.USub):
        return lambda columns: -_numbers(operand(columns))
    if isinstance(operator, ast.UAdd):
        return lambda columns: _numbers(operand(columns))
    raise SpecError("'~' is not accepted in a formula", expected=EXPECTED)


def _logic(operator: ast.boolop, operands: list[Code]) -> Code:
    word, join = ("and", np.logical_and) if isinstance(operator, ast.And) else ("or", np.logical_or)

    def run(columns: Columns) -> Array:
        found = _truth(operands[0](columns), word)
        for operand in operands[1:]:
            found = join(found, _truth(operand(columns), word))
        return found

    return run


def _comparisons(node: ast.Compare, operands: list[Code]) -> Code:
    for operator in node.ops:
        if not isinstance(operator, ast.Eq | ast.NotEq) and type(operator) not in _ORDER:
            raise SpecError(f"'{ast.unparse(node)}' is not accepted in a formula", expected=EXPECTED)

    def run(columns: Columns) -> Array:
        values = [operand(columns) for operand in operands]
        found = _compare(node.ops[0], values[0], values[1])
        for operator, left, right in zip(node.ops[1:], values[1:], values[2:]):
            found = found & _compare(operator, left, right)
        return found

    return run


def _compare(operator: ast.cmpop, left: Array, right: Array) -> Array:
    if type(operator) in _ORDER:
        return _ORDER[type(operator)](_numbers(left), _numbers(right))
    if left.dtype == object or right.dtype == object:
        # Text against a number is unequal, not an error.
        same: Array = np.asarray(left.astype(object) == right.astype(object)).astype(bool)
        known = ~(_missing(left) | _missing(right))
    else:
        same, known = np.equal(left, right), ~(_missing(left) | _missing(right))
    return known & (same if isinstance(operator, ast.Eq) else ~same)


def _call(node: ast.Call, operands: list[Code]) -> Code:
    name = node.func.id if isinstance(node.func, ast.Name) else ast.unparse(node.func)
    if name not in FUNCTIONS:
        raise SpecError(f"unknown function '{name}'", expected=did_you_mean(name, FUNCTIONS))
    least, most = (1, 1) if name in _ONE_NUMBER else (2, MAX_CHARS)
    if node.keywords or not least <= len(operands) <= most:
        expected = f"{name}(a)" if name in _ONE_NUMBER else f"{name}(a, b, ...)"
        raise SpecError(f"{name} has the wrong arguments", expected=expected)
    if name in _ONE_NUMBER:
        function, operand = _ONE_NUMBER[name], operands[0]
        return lambda columns: _finite(function(_numbers(operand(columns))))
    fold = _MANY_NUMBERS[name]

    def run(columns: Columns) -> Array:
        found = _numbers(operands[0](columns))
        for operand in operands[1:]:
            found = fold(found, _numbers(operand(columns)))
        return found

    return run


# --- columns ---


def as_column(value: Any) -> Array:
    """One value, or a list or array of them, as an array of doubles, of truth values, or of anything (text, None)."""
    if isinstance(value, np.ndarray) and value.ndim == 1:
        if value.dtype.kind == "f" or value.dtype.kind in "iu":
            return value.astype(float, copy=False)
        return value if value.dtype == bool else as_column(value.tolist())
    values = value if isinstance(value, list) else [value]
    kinds = {type(item) for item in values}
    if kinds <= {bool} and kinds:
        return np.array(values, dtype=bool)
    if kinds <= {int, float, type(None), np.float64}:
        return np.array([np.nan if item is None else float(item) for item in values], dtype=float)
    column = np.empty(len(values), dtype=object)
    column[:] = [item if isinstance(item, str | bool | int | float | None) else str(item) for item in values]
    return column


def _numbers(column: Array) -> Array:
    if column.dtype == object:
        for item in column:
            if isinstance(item, str):
                raise SpecError(f"'{item}' is text", expected="a number")
        return np.array([np.nan if item is None else float(item) for item in column], dtype=float)
    return column.astype(float, copy=False)


def _truth(column: Array, where: str) -> Array:
    if column.dtype == object and all(item is None or isinstance(item, bool) for item in column):
        return np.array([item is True for item in column], dtype=bool)
    if column.dtype != bool:
        if column.dtype == float and bool(np.all(np.isnan(column))):
            return np.zeros(len(column), dtype=bool)  # missing everywhere
        raise SpecError(f"'{where}' stands beside a number or text", expected="yes or no, such as a < b")
    return column


def _finite(column: Array) -> Array:
    return np.where(np.isfinite(column), column, np.nan)


def _missing(column: Array) -> Array:
    if column.dtype == object:
        return np.array([item is None for item in column], dtype=bool)
    return np.isnan(column) if column.dtype == float else np.zeros(len(column), dtype=bool)
