"""The metrics of many design points at the bound level, and what went wrong where."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from bitline.sim.run.bound_metrics import BoundMetrics
from bitline.sim.study.bound_columns.point_columns import Array

NUMBERS = ("time_s", "bound_time_s", "tokens_per_s", "time_per_token_s", "energy_j", "power_w")
DONE = -1


class MetricColumns:
    """One row a design point. Failed ones have NaN for numbers and an error; `row_hit_rate` is never known."""

    def __init__(self, rows: int) -> None:
        self.rows = rows
        self.numbers: dict[str, Array] = {name: np.full(rows, np.nan) for name in NUMBERS}
        self._limits: dict[str, int] = {}
        self._bottleneck = np.zeros(rows, np.int32)
        self._reasons: list[Callable[[int], str]] = []
        self._error = np.full(rows, DONE, np.int32)
        self.in_columns = self.one_by_one = self.runs = 0
        """Rows that were computed together, rows that were run singly, and how many single runs that took."""

    def put(self, rows: Array, metrics: BoundMetrics) -> None:
        """Say what some rows took."""
        for name, column in self.numbers.items():
            column[rows] = getattr(metrics, name)
        known = [self._limits.setdefault(limit, len(self._limits)) for limit in metrics.limits]
        self._bottleneck[rows] = np.array(known, np.int32)[metrics.bottleneck]

    def fail(self, rows: Array, reason: Callable[[int], str]) -> None:
        """Say why some rows came to nothing: a function of the row, called when somebody asks."""
        for column in self.numbers.values():
            column[rows] = np.nan
        self._error[rows] = len(self._reasons)
        self._reasons.append(reason)

    @property
    def done(self) -> Array:
        """Which rows did not fail."""
        found: Array = self._error == DONE
        return found

    def error(self, row: int) -> str | None:
        """Why a row failed."""
        code = int(self._error[row])
        return None if code == DONE else self._reasons[code](row)

    def bottleneck(self, row: int) -> str | None:
        """What limits a row."""
        return list(self._limits)[int(self._bottleneck[row])] if self._error[row] == DONE else None

    def columns(self) -> dict[str, Any]:
        """METRICS by name, as the formulas of a study take them."""
        names = np.array([*self._limits, None], dtype=object)
        limits = names[np.where(self.done, self._bottleneck, len(self._limits))]
        return {**self.numbers, "row_hit_rate": None, "bottleneck": limits.tolist()}
