"""Who says which points of a study are run: all at once, or round by round after what came out before."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Protocol, runtime_checkable

from bitline.sim.study.point import Point, Row


class Asker(Protocol):
    """Rounds of points. What is asked depends on the study and on the rows told, never on who ran them or when."""

    def ask(self) -> Iterable[Point]:
        """The next round, which may be made point by point; an empty one ends the study."""

    def tell(self, rows: Iterable[Row]) -> None:
        """The finished rows of the round, in the order asked, failed ones too."""


@runtime_checkable
class KeepsFiles(Protocol):
    """An asker that has something to say of its choice, in files of the study's folder."""

    def write(self, folder: Path) -> None:
        """Write them, each whole or not at all. Raises OutputError."""


class OneRound:
    """All points in one round; their rows change nothing."""

    def __init__(self, points: Iterable[Point]) -> None:
        self._points: Iterable[Point] | None = points

    def ask(self) -> Iterator[Point]:
        """The points, once."""
        points, self._points = self._points, None
        return iter(points or ())

    def tell(self, rows: Iterable[Row]) -> None:
        """Nothing is left to ask."""
