"""Which parameter matters: how far an objective moves with each, all others held equal.

The logarithm of the objective is fitted as a sum of one term for each value of each parameter (least squares). Over a
whole grid that is the classic main effect, a ratio of geometric means; where points failed or were drawn at random,
the fit still compares like with like.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

MAX_LEVELS = 12
"""A number with more values than this, or another one at every point, is cut into QUANTILES ranges of about as many
points each."""
QUANTILES = 4


@dataclass(frozen=True)
class Effect:
    """One parameter: `levels` are (value or range, objective relative to the mean), in the order of the values."""

    name: str
    levels: tuple[tuple[str, float], ...]

    @property
    def ratio(self) -> float:
        """The objective at its highest level over that at its lowest."""
        values = [value for _, value in self.levels]
        return max(values) / min(values)


@dataclass(frozen=True)
class Effects:
    """All parameters that vary, the strongest first. `explained`: the part of the spread that their sum gives.

    None where it says nothing: a sum of as many terms as there are points explains any spread.
    """

    of: tuple[Effect, ...]
    explained: float | None


def main_effects(columns: Mapping[str, Sequence[Any]], objective: Sequence[float]) -> Effects:
    """Effects of columns of parameters on an objective, which must be positive for all rows, else there are none."""
    values = np.asarray(objective, dtype=float)
    if len(values) < 3 or not (np.isfinite(values) & (values > 0)).all():
        return Effects((), None)
    logs = np.log(values)
    factors = []
    for name, column in columns.items():
        labels, codes = _levels(column)
        if 1 < len(labels) < len(values):
            factors.append((name, labels, codes))
    if not factors:
        return Effects((), None)
    terms = _fit(factors, logs)
    spread = float(((logs - logs.mean()) ** 2).sum())
    spare = len(logs) - 1 - sum(len(labels) - 1 for _, labels, _ in factors)
    left = float(((logs - _sum(factors, terms, logs.mean())) ** 2).sum())
    found = [
        Effect(name, tuple((label, math.exp(term)) for label, term in zip(labels, own)))
        for (name, labels, _), own in zip(factors, terms)
    ]
    order = sorted(found, key=lambda effect: (-effect.ratio, effect.name))
    return Effects(tuple(order), max(0.0, 1 - left / spread) if spare > 0 and spread > 1e-18 else None)


def _fit(factors: list[tuple[str, list[str], Any]], logs: Any) -> list[Any]:
    """A term for each level of each factor; over the rows, the terms of a factor have the mean 0."""
    indicators = [codes[:, None] == np.arange(len(labels))[None, :] for _, labels, codes in factors]
    centred = np.concatenate([indicator - indicator.mean(axis=0) for indicator in indicators], axis=1)
    # The smallest solution: where two factors cannot be told apart, they share the effect.
    solved = np.linalg.lstsq(centred, logs - logs.mean(), rcond=None)[0]
    terms, start = [], 0
    for indicator in indicators:
        own = solved[start : start + indicator.shape[1]]
        terms.append(own - float((indicator @ own).mean()))
        start += indicator.shape[1]
    return terms


def _sum(factors: list[tuple[str, list[str], Any]], terms: list[Any], mean: float) -> Any:
    return mean + sum(own[codes] for (_, _, codes), own in zip(factors, terms))


def _levels(column: Sequence[Any]) -> tuple[list[str], Any]:
    """The levels of a parameter and the level of each row."""
    numeric = all(isinstance(value, int | float) and not isinstance(value, bool) for value in column)
    distinct = sorted(set(column)) if numeric else list(dict.fromkeys(map(str, column)))
    if not numeric or (len(distinct) <= MAX_LEVELS and len(distinct) < len(column)):
        place = {value: index for index, value in enumerate(distinct)}
        codes = [place[value if numeric else str(value)] for value in column]
        return [_text(value) for value in distinct], np.array(codes)
    numbers = np.asarray(column, dtype=float)
    cuts = np.unique(np.quantile(numbers, np.arange(1, QUANTILES) / QUANTILES))
    range_of = np.unique(np.searchsorted(cuts, numbers, side="left"), return_inverse=True)[1]
    ranges = [numbers[range_of == level] for level in range(range_of.max() + 1)]
    return [f"{_text(part.min())}–{_text(part.max())}" for part in ranges], range_of


def _text(value: Any) -> str:
    return value if isinstance(value, str) else f"{value:.6g}"
