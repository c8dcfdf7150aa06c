"""Arithmetic that takes a number or a NumPy array of numbers (a column, one value a design point) alike.

A formula that is written with these says the same for one design point and for a million of them. Of plain numbers it
makes plain numbers, with the same floating-point operations in the same order as for arrays.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

Column = Any
"""A number, or a NumPy array of them. Type checkers cannot follow both through arithmetic."""


def is_column(value: Column) -> bool:
    """Is it an array of values?"""
    return isinstance(value, np.ndarray)


def larger(first: Column, second: Column) -> Column:
    """The larger of two values, point by point."""
    if is_column(first) or is_column(second):
        return np.maximum(first, second)
    return max(first, second)


def choose(condition: Column, yes: Column, no: Column) -> Column:
    """`yes` where the condition holds, else `no`."""
    if is_column(condition):
        return np.where(condition, yes, no)
    return yes if condition else no


def ceil_ratio(count: Column, size: Column) -> Column:
    """Groups of `size` that hold `count`, as whole numbers. Counts up to 2^53."""
    ratio = count / size
    return np.ceil(ratio).astype(np.int64) if is_column(ratio) else math.ceil(ratio)


def of_distinct(function: Any, values: Column) -> Column:
    """A function of plain numbers, called once for each distinct value of a column."""
    if not is_column(values):
        return function(values)
    distinct, where = np.unique(values, return_inverse=True)
    return np.array([function(value) for value in distinct.tolist()])[where]


def index_of_largest(values: Sequence[Column]) -> Column:
    """Which of the values is largest, the first of equals."""
    if any(is_column(value) for value in values):
        return np.argmax(np.stack(np.broadcast_arrays(*values)), axis=0)
    return max(range(len(values)), key=lambda i: values[i])
