"""The grid of a study: the product of its axes, of which conditions leave a part. Never a list of all points."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from bitline.sim.study.axes import Axis, Place, grid_axes
from bitline.sim.study.expressions import Array, as_column
from bitline.sim.study.point import Point
from bitline.sim.study.scope import Scope
from bitline.sim.study.spec import StudySpec

# Rows whose conditions are looked at together, and the largest grid whose points are counted one by one.
CHUNK = 1 << 14
MAX_COUNTED = 1 << 21


class Size(NamedTuple):
    """How many points there are; `exact` is False where conditions may leave fewer."""

    points: int
    exact: bool

    def __str__(self) -> str:
        return f"{self.points:,}" if self.exact else f"at most {self.points:,}"


class Grid:
    """The product of a study's axes, by index. Linked parameters are worked out, conditions are looked at."""

    def __init__(self, study: StudySpec) -> None:
        self._axes = grid_axes(study)
        self._scope = Scope(study)
        self.size = math.prod(len(axis.places) for axis in self._axes)
        """Points of the product, conditions aside."""

    def places(self, index: int) -> dict[str, Any]:
        """The parameters of one place of the product, by name, without linked ones."""
        found: dict[str, Any] = {}
        for axis in reversed(self._axes):
            index, place = divmod(index, len(axis.places))
            found.update(zip(axis.names, axis.places[place]))
        return found

    def point(self, index: int) -> Point:
        """The point of a place of the product. Raises SpecError where a linked value cannot be worked out."""
        return self._scope.point(self.places(index))

    def columns(self, start: int, stop: int) -> dict[str, list[Any]]:
        """All parameters of the places from `start` to `stop`, column by column, linked ones too."""
        found: dict[str, list[Any]] = {}
        for axis, used, at in self._used(start, stop):
            for name, values in zip(axis.names, zip(*used)):
                found[name] = [values[i] for i in at.tolist()]
        return self._scope.with_linked(found)

    def exists(self, start: int, stop: int) -> Array:
        """Which of the places from `start` to `stop` meet the conditions."""
        found: dict[str, Array] = {}
        if self._scope.has_conditions:
            for axis, used, at in self._used(start, stop):
                for name, values in zip(axis.names, zip(*used)):
                    if name in self._scope.reads:
                        # Names of documents stay as they are, for they are looked up: None is not NaN there.
                        is_name = name in ("system", "policy")
                        found[name] = (np.array(values, dtype=object) if is_name else as_column(list(values)))[at]
        return self._scope.exist(found, stop - start)

    def _used(self, start: int, stop: int) -> Iterator[tuple[Axis, list[Place], Array]]:
        """Of each axis: its places that occur from `start` to `stop`, and which of them each place of the grid has."""
        index = np.arange(start, stop, dtype=object if self.size >= 1 << 62 else np.int64)
        for axis in reversed(self._axes):
            # Not divmod, which Python's own integers (of the largest grids) have not in NumPy.
            index, place = index // len(axis.places), index % len(axis.places)
            # Only the places that occur are made: an axis may be longer than memory.
            used, at = np.unique(place.astype(np.int64), return_inverse=True)
            yield axis, [axis.places[int(one)] for one in used], at

    def indices(self) -> Iterator[int]:
        """Places that meet the conditions, in order."""
        if not self._scope.has_conditions:
            yield from range(self.size)
            return
        for start in range(0, self.size, CHUNK):
            stop = min(start + CHUNK, self.size)
            for offset in np.flatnonzero(self.exists(start, stop)).tolist():
                yield start + offset

    def count(self) -> Size:
        """Number of points, without making them; of a huge grid with conditions, at most how many."""
        if not self._scope.has_conditions or self.size > MAX_COUNTED:
            return Size(self.size, not self._scope.has_conditions)
        starts = range(0, self.size, CHUNK)
        return Size(sum(int(self.exists(s, min(s + CHUNK, self.size)).sum()) for s in starts), True)


def grid_points(study: StudySpec) -> Iterator[Point]:
    """Every point, in an order that the order of values and keys in the study does not change."""
    grid = Grid(study)
    for index in grid.indices():
        yield grid.point(index)


def grid_size(study: StudySpec) -> int:
    """Number of points, without making them; of a huge grid with conditions, at most how many."""
    return Grid(study).count().points
