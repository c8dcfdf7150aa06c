"""Numbers for the words of a report."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from bitline.plots.labels import name_and_unit, percent, scale, short_number


def label_and_unit(column: str) -> tuple[str, str]:
    """The name and unit of a column; a rate is named as one: tokens/s, without a unit."""
    if column.endswith("_per_s"):
        return column.removesuffix("_per_s").replace("_", " ") + "/s", ""
    return name_and_unit(column)


def label(column: str) -> str:
    """The name of a column for people."""
    return label_and_unit(column)[0]


def quantity(column: str, value: Any) -> str:
    """A value with the unit that its column's name says, under the prefix that suits it: 1.23 ms."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if not isinstance(value, int | float):
        return str(value)
    divisor, unit = scale([value], label_and_unit(column)[1])
    if column == "row_hit_rate":
        return percent(float(value))
    return f"{short_number(value / divisor)} {unit}".strip()


def plain(value: Any) -> str:
    """A parameter's value as it stands in a study file."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def listed(parts: Iterable[str]) -> str:
    """`a, b and c`."""
    parts = list(parts)
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}" if parts else ""


def counted(count: int, noun: str) -> str:
    """`1 point`, `1,200 points`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
