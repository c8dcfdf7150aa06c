"""Units of measure: quantities as text ("1.5 GHz"), and numbers as text for people."""

from __future__ import annotations

import math
import re
from fractions import Fraction
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from bitline.base.errors import did_you_mean

PS_PER_S = 10**12

# Each unit in the smallest of its dimension, so that every ratio is a whole number or one over it.
_DIMENSIONS: dict[str, dict[str, int]] = {
    "frequency": {"Hz": 1, "kHz": 10**3, "MHz": 10**6, "GHz": 10**9},
    "time": {"ps": 1, "ns": 10**3, "us": 10**6, "ms": 10**9, "s": 10**12},
    "size": {"B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30},
    "bandwidth": {"B/s": 1, "MB/s": 10**6, "GB/s": 10**9, "TB/s": 10**12},
    "energy": {"pJ": 1, "nJ": 10**3, "uJ": 10**6, "mJ": 10**9, "J": 10**12},
    "power": {"mW": 1, "W": 10**3, "kW": 10**6},
}
_UNITS = {unit: (dimension, scale) for dimension, units in _DIMENSIONS.items() for unit, scale in units.items()}
_QUANTITY = re.compile(r"\s*([-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?)\s*([A-Za-z/]+)\s*")


def parse_quantity(text: str, unit: str) -> float:
    """The number of `unit` in a quantity such as "1.5 GHz". Raises ValueError with a hint."""
    match = _QUANTITY.fullmatch(text)
    if match is None:
        raise ValueError(f"'{text}' is not a number of {unit}, nor a number with a unit such as '1 {unit}'")
    value, given = float(match.group(1)), match.group(2)
    dimension, scale = _UNITS[unit]
    if given not in _UNITS:
        raise ValueError(f"unknown unit '{given}'; {did_you_mean(given, _DIMENSIONS[dimension])}")
    if _UNITS[given][0] != dimension:
        raise ValueError(f"'{given}' is a unit of {_UNITS[given][0]}, not of {dimension} ({unit})")
    if not math.isfinite(value):
        raise ValueError(f"'{text}' is not a finite number of {unit}")
    return float(Fraction(value) * _UNITS[given][1] / scale)


def _reader(unit: str) -> BeforeValidator:
    def read(value: Any) -> Any:
        return parse_quantity(value, unit) if isinstance(value, str) else value

    return BeforeValidator(read)


Megahertz = Annotated[float, _reader("MHz"), Field(gt=0, le=1e6)]
Nanoseconds = Annotated[float, _reader("ns"), Field(ge=0, le=1e12)]
Bytes = Annotated[float, _reader("B"), Field(gt=0, le=2**60)]
GigabytesPerSecond = Annotated[float, _reader("GB/s"), Field(gt=0, le=1e9)]
Watts = Annotated[float, _reader("W"), Field(ge=0, le=1e9)]


def format_time(seconds: float) -> str:
    """A time with three significant digits and the unit that suits it."""
    return _scaled(seconds, (("s", 1.0), ("ms", 1e-3), ("us", 1e-6), ("ns", 1e-9), ("ps", 1e-12)))


def format_energy(joules: float) -> str:
    """An energy with three significant digits and the unit that suits it."""
    return _scaled(joules, (("J", 1.0), ("mJ", 1e-3), ("uJ", 1e-6), ("nJ", 1e-9), ("pJ", 1e-12)))


def format_bytes(size: float) -> str:
    """A size in decimal units, three significant digits."""
    return _scaled(size, (("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3), ("B", 1.0)))


def _scaled(value: float, scales: tuple[tuple[str, float], ...]) -> str:
    if value == 0 or not math.isfinite(value):
        return f"{value:g} {scales[0][0]}"
    unit, scale = next((pair for pair in scales if abs(value) >= pair[1]), scales[-1])
    return f"{value / scale:.3g} {unit}"
