"""Whole results of many points, small enough for a page: what a click on a point shows.

Points come in blocks, each packed by itself (JSON, gzip, base64), so that a page unpacks only what is looked at. In a
block, texts and the lists that results of one system share (names, units and kinds of operators; names of energy parts)
stand once. Numbers have six digits.
"""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Iterable, Sequence
from typing import Any

POINTS_A_BLOCK = 128
DIGITS = 6

_OPERATOR_TEXTS = ("name", "kind", "unit", "level", "bottleneck", "count")
_OPERATOR_NUMBERS = ("time_s", "bound_time_s", "overlapped_s", "energy_j", "flops", "bytes")
_TABLES = ("energy_parts_j", "utilisation", "traffic_bytes", "counts")


def pack_block(results: Iterable[tuple[str | None, dict[str, Any] | None]]) -> str:
    """Results of some points with their keys in the store (None where there is none) as one line of text."""
    shared = _Shared()
    points = [None if result is None else _point(key, result, shared) for key, result in results]
    text = json.dumps({"shared": shared.values, "points": points}, separators=(",", ":"), allow_nan=False)
    # No time in the header: the same results give the same page.
    return base64.b64encode(gzip.compress(text.encode(), 9, mtime=0)).decode()


def blocks(results: Sequence[Any]) -> Iterable[Sequence[Any]]:
    """Anything that there is one of for each point, in the groups of its block."""
    return (results[start : start + POINTS_A_BLOCK] for start in range(0, len(results), POINTS_A_BLOCK))


class _Shared:
    """Values by their place in a list; equal ones have one place."""

    def __init__(self) -> None:
        self.values: list[Any] = []
        self._places: dict[str, int] = {}

    def place(self, value: Any) -> int:
        text = json.dumps(value)
        if text not in self._places:
            self._places[text] = len(self.values)
            self.values.append(value)
        return self._places[text]


def _point(key: str | None, result: dict[str, Any], shared: _Shared) -> dict[str, Any]:
    operators = result["operators"]
    provenance = result["provenance"]
    return {
        "operators": {
            **{name: shared.place([operator[name] for operator in operators]) for name in _OPERATOR_TEXTS},
            **{name: [_short(operator[name]) for operator in operators] for name in _OPERATOR_NUMBERS},
        },
        **{name: _pairs(result[name], shared) for name in _TABLES},
        **{name: _short(result[name]) for name in ("time_s", "bound_time_s", "energy_j")},
        "command": provenance.get("command", ""),
        "key": key,
        "code": shared.place(f"{provenance.get('version', '')} {provenance.get('code_hash', '')}".strip()),
    }


def _pairs(table: dict[str, Any], shared: _Shared) -> list[Any]:
    """A table of numbers as the place of its names, and its values."""
    return [shared.place(list(table)), [_short(value) for value in table.values()]]


def _short(value: float) -> float:
    """Six digits; a whole number stays whole, and as short as it is."""
    if isinstance(value, int):
        return value
    rounded = float(f"{value:.{DIGITS}g}")
    return int(rounded) if rounded.is_integer() and abs(rounded) < 1e15 else rounded
