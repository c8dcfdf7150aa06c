"""The order of values along an axis, which does not depend on the order in which they were written."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any, TypeVar

Value = TypeVar("Value")


def ordered(values: Iterable[Value]) -> list[Value]:
    """Numbers by size, then text with its numbers by size (gpt2-9b before gpt2-10b), then all else."""
    return sorted(values, key=_rank)


def _rank(value: Any) -> tuple[int, Any, str]:
    text = json.dumps(value, sort_keys=True)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return 0, value, text
    if isinstance(value, str):
        # Text and digits take turns, so that equal places hold equal types.
        parts = re.split(r"([0-9]+)", value)
        return 1, [int(part) if place % 2 else part for place, part in enumerate(parts)], text
    return 2, 0, text


def check_axis(values: list[Any], name: str = "") -> None:
    """Refuse an axis without values, and one that would run a point twice. Raises ValueError."""
    if not values:
        raise ValueError(f"{name}has no values: the grid is empty")
    seen = set()
    for value in values:
        text = json.dumps(value)
        if text in seen:
            raise ValueError(f"{name}has the value {text} twice")
        seen.add(text)
