"""What is better of a quantity: less or more of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bitline.base.errors import SpecError, did_you_mean

MORE_IS_BETTER = ("tokens_per_s", "row_hit_rate", "speed_up")

Directions = Mapping[str, str]
"""Column -> `min` or `max`. What a study says of its objectives."""


def direction(column: str, said: Directions | None = None) -> str:
    """`min` or `max`: as it is said, else by the name of the quantity. Raises SpecError."""
    found = (said or {}).get(column) or ("max" if column in MORE_IS_BETTER else "min")
    if found not in ("min", "max"):
        raise SpecError(f"'{found}' is no direction", field=column, expected=did_you_mean(str(found), ("min", "max")))
    return found


def cost(value: Any, goal: str) -> float:
    """A number that is less the better the value is."""
    return float(value) if goal == "min" else -float(value)
