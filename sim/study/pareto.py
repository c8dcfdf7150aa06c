"""Pareto fronts: which rows no other row beats in every objective, and how far the others are from them.

Values are an array [row, objective] in which less is better (see `as_costs`). A row beats another that it equals or
undercuts in every objective and undercuts in one; equal rows do not beat each other. A row with a missing value (NaN)
is on no front and beats nobody.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

Array: TypeAlias = np.ndarray[Any, np.dtype[Any]]

AT_ONCE = 1 << 11
"""Rows that are compared with a whole front at a time."""
FEW, MANY = 16, 512
"""Rows of a front that all rows are held against, and those that are held against what is near these."""
STRONG = 64
"""Rows that throw out most others before the exact comparison."""


def as_costs(columns: Mapping[str, Sequence[Any] | Array], goals: Mapping[str, str]) -> Array:
    """Values in which less is better: columns with the goal `max` change their sign. None becomes NaN."""
    costs = [np.asarray(columns[name], dtype=float) * (1.0 if goal == "min" else -1.0) for name, goal in goals.items()]
    return np.stack(costs, axis=1)


def on_front(costs: Array) -> Array:
    """Which rows are on the front. Of 10^6 rows with two or three objectives in seconds."""
    known = np.flatnonzero(np.isfinite(costs).all(axis=1))
    found = np.zeros(len(costs), bool)
    if not len(known):
        return found
    # In this order a row is beaten by earlier rows only; equal rows are neighbours, of which one is looked at.
    order = known[np.lexsort(costs[known].T[::-1])]
    ordered = costs[order]
    new = np.append(True, (ordered[1:] != ordered[:-1]).any(axis=1))
    distinct = ordered[new]
    kept: Array = _FRONTS.get(costs.shape[1], _front_of_many)(distinct)
    found[order] = kept[np.cumsum(new) - 1]
    return found


def _front_of_one(ordered: Array) -> Array:
    found: Array = np.arange(len(ordered)) == 0
    return found


def _front_of_two(ordered: Array) -> Array:
    """Of distinct rows in order: those whose second value is below all before."""
    second = ordered[:, 1]
    before = np.append(np.inf, np.minimum.accumulate(second)[:-1])
    found: Array = second < before
    return found


def _front_of_three(ordered: Array) -> Array:
    """Of distinct rows in order: those that no earlier one undercuts in the second and third value.

    The earlier rows' second and third values are kept as a staircase: second values rise, third values fall.
    """
    left = _without_weak(ordered)
    kept = np.zeros(len(ordered), bool)
    seconds: list[float] = []
    thirds: list[float] = []
    for row, second, third in zip(left.tolist(), ordered[left, 1].tolist(), ordered[left, 2].tolist()):
        place = bisect_right(seconds, second)
        if place and thirds[place - 1] <= third:
            continue
        kept[row] = True
        start = place - 1 if place and seconds[place - 1] == second else place
        end = start
        while end < len(thirds) and thirds[end] >= third:
            end += 1
        seconds[start:end], thirds[start:end] = [second], [third]
    return kept


def _front_of_many(ordered: Array) -> Array:
    """Of distinct rows in order: those that no row of the front so far beats."""
    left = _without_weak(ordered)
    front = ordered[:0]
    kept = np.zeros(len(ordered), bool)
    for start in range(0, len(left), AT_ONCE):
        rows = left[start : start + AT_ONCE]
        for part in range(0, len(front), AT_ONCE):
            rows = rows[~_beaten(ordered[rows], front[part : part + AT_ONCE])]
        rows = rows[~_beaten(ordered[rows], ordered[rows])]
        kept[rows] = True
        front = np.concatenate((front, ordered[rows]))
    return kept


def _without_weak(ordered: Array) -> Array:
    """Rows that are left when those go that one of the strongest rows beats: the exact comparison is for these."""
    left = np.arange(len(ordered))
    if len(ordered) > AT_ONCE:
        ranks = np.argsort(np.argsort(ordered, axis=0, kind="stable"), axis=0)
        for row in np.argsort(ranks.sum(axis=1), kind="stable")[:STRONG]:
            left = left[~_beaten(ordered[left], ordered[row : row + 1])]
    return left


_FRONTS: dict[int, Callable[[Array], Array]] = {1: _front_of_one, 2: _front_of_two, 3: _front_of_three}


def _beaten(rows: Array, by: Array) -> Array:
    """Which rows are beaten by one of others. Equal rows do not beat each other."""
    pairs = np.ones((len(rows), len(by)), bool)
    below: Any = pairs
    equal: Any = pairs
    for mine, theirs in zip(rows.T, by.T):
        below = below & (theirs[None, :] <= mine[:, None])
        equal = equal & (theirs[None, :] == mine[:, None])
    found: Array = (below & ~equal).any(axis=1)
    return found


def beyond_front(costs: Array, front: Array, enough: float) -> Array:
    """How far each row is behind a front, as a part of the front's own values: 0 on it, 0.1 for 10% behind.

    A row is x behind a front when some row of it is better by x or more in every objective, and none by more than x in
    every one. Rows that are more than `enough` behind may get a value between that and their own. Of a front of very
    many rows an even part stands for all. NaN for rows with a missing value.
    """
    found = np.full(len(costs), np.nan)
    left = np.flatnonzero(np.isfinite(costs).all(axis=1))
    distinct = np.unique(front, axis=0)
    for most in (FEW, MANY):
        found[left] = _behind(costs[left], distinct[:: -(-len(distinct) // most)])
        left = left[found[left] <= enough]
    return found


def _behind(costs: Array, front: Array) -> Array:
    found: Array = np.full(len(costs), -np.inf)
    rows_at_once = max(1, (1 << 20) // len(front))
    for start in range(0, len(costs), rows_at_once):
        rows = costs[start : start + rows_at_once]
        least = np.full((len(rows), len(front)), np.inf)
        for mine, theirs in zip(rows.T, front.T):
            np.minimum(least, _parts(mine[:, None] - theirs[None, :], np.abs(theirs)[None, :]), out=least)
        found[start : start + rows_at_once] = least.max(axis=1)
    return np.maximum(found, 0.0, out=found)


def _parts(distance: Array, of: Array) -> Array:
    """Distance as a part of a value; of a value of 0 any distance is endless."""
    with np.errstate(divide="ignore", invalid="ignore"):
        found: Array = distance / of
    found[np.isnan(found)] = 0.0
    return found
