"""Axis labels: a quantity's name and unit out of a column's name, and the prefix that suits its values."""

from __future__ import annotations

from collections.abc import Iterable

# Longest ending first: `_gb_s` before `_s`.
_ENDINGS = {
    "_per_s": "1/s",
    "_gb_s": "GB/s",
    "_bytes": "B",
    "_pct": "%",
    "_mhz": "MHz",
    "_ns": "ns",
    "_ps": "ps",
    "_ck": "clocks",
    "_pj": "pJ",
    "_mm2": "mm²",
    "_s": "s",
    "_j": "J",
    "_w": "W",
    "_v": "V",
}
_PREFIXES = {
    "s": (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6), ("ns", 1e-9), ("ps", 1e-12)),
    "J": (("J", 1.0), ("mJ", 1e-3), ("µJ", 1e-6), ("nJ", 1e-9), ("pJ", 1e-12)),
    "W": (("kW", 1e3), ("W", 1.0), ("mW", 1e-3)),
    "FLOP/s": (("PFLOP/s", 1e15), ("TFLOP/s", 1e12), ("GFLOP/s", 1e9), ("MFLOP/s", 1e6), ("FLOP/s", 1.0)),
    "B": (("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3), ("B", 1.0)),
}


def name_and_unit(column: str) -> tuple[str, str]:
    """`time_per_token_s` is ("time per token", "s"); a column without a known ending has no unit."""
    for ending, unit in _ENDINGS.items():
        if column.endswith(ending) and len(column) > len(ending):
            return column.removesuffix(ending).replace("_", " "), unit
    return column.replace("_", " "), ""


def scale(values: Iterable[float], unit: str) -> tuple[float, str]:
    """(divisor, unit with prefix) under which the largest of the values is at least 1, where there is such a prefix."""
    largest = max((abs(value) for value in values), default=0.0)
    for text, size in _PREFIXES.get(unit, ()):
        if largest >= size:
            return size, text
    return 1.0, unit


def axis_label(name: str, unit: str) -> str:
    """`time (ms)`."""
    return f"{name} ({unit})" if unit else name


def percent(share: float) -> str:
    """A share of the whole; what is there is never called nothing."""
    return "<0.1%" if 0 < share < 0.0005 else f"{100 * share:.1f}%"


def short_number(value: float) -> str:
    """Three digits at most, without an exponent where that is shorter: 0.0123, 1.23, 123, 12,300."""
    if value == 0:
        return "0"
    return f"{value:,.0f}" if 1000 <= abs(value) < 1e6 else f"{value:.3g}"
