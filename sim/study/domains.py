"""What a parameter may be: a list of values, steps from one number to another, all between them, or a formula.

Every domain but a formula has `at(part)`, the value at a part from 0 to 1 of it, which is how samples and searches
draw. Domains with a countable number of values also have a length and an index, and never a list of all.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Annotated, Any, TypeAlias

from pydantic import Field, model_validator

from bitline.base.document import Document, Source, check
from bitline.base.errors import SpecError, did_you_mean
from bitline.sim.study.expressions import Expression, parse
from bitline.sim.study.order import check_axis, ordered

MAX_VALUES = 10**12
Number: TypeAlias = int | float
Bounded = Annotated[int | float, Field(ge=-1e18, le=1e18)]


@dataclass(frozen=True)
class Choices:
    """The values of a list, in the order of `ordered`."""

    values: tuple[Any, ...]

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, index: int) -> Any:
        return self.values[index]

    def at(self, part: float) -> Any:
        """The value at a part of the list."""
        return self.values[_index(part, len(self.values))]

    def to_data(self) -> Any:
        """As a study file says it."""
        return list(self.values)


class Steps(Document):
    """from, from + step, ... up to `to`."""

    first: Bounded = Field(alias="from")
    to: Bounded
    step: Number = Field(gt=0, le=1e18)

    @model_validator(mode="after")
    def _some(self) -> Steps:
        _check_ends(self.first, self.to)
        if self._count() > MAX_VALUES:
            raise ValueError(f"has {self._count():,} values")
        return self

    def _count(self) -> int:
        first, step, unit = self._in_units
        return (int(_exact(self.to) * unit) - first) // step + 1

    @cached_property
    def _in_units(self) -> tuple[int, int, int]:
        """First value and step in whole numbers of a unit, so that ten steps of 0.1 are 1; and units in 1."""
        first, step = _exact(self.first), _exact(self.step)
        unit = math.lcm(first.denominator, step.denominator)
        return int(first * unit), int(step * unit), unit

    def __len__(self) -> int:
        return self._count()

    def __getitem__(self, index: int) -> Number:
        first, step, unit = self._in_units
        return first + index * step if isinstance(self.first, int) and unit == 1 else (first + index * step) / unit

    def at(self, part: float) -> Number:
        """The step at a part of the way."""
        return self[_index(part, len(self))]

    def to_data(self) -> Any:
        """As a study file says it."""
        return self.model_dump(mode="json", by_alias=True)


class Factors(Document):
    """from, from * factor, from * factor^2, ... up to `to`."""

    first: Number = Field(alias="from", gt=0, le=1e18)
    to: Bounded
    factor: Number = Field(ge=1.001, le=1e18)

    @model_validator(mode="after")
    def _some(self) -> Factors:
        _check_ends(self.first, self.to)
        return self

    def __len__(self) -> int:
        # A thousandth of a step of tolerance: 1.1 ** 10 may end a bit above or below what was meant.
        return int(math.log(self.to / self.first) / math.log(self.factor) + 1e-3) + 1

    def __getitem__(self, index: int) -> Number:
        if isinstance(self.first, int) and isinstance(self.factor, int):
            return self.first * int(self.factor**index)
        return float(self.first) * float(self.factor) ** index

    def at(self, part: float) -> Number:
        """The value at a part of the way, by steps."""
        return self[_index(part, len(self))]

    def to_data(self) -> Any:
        """As a study file says it."""
        return self.model_dump(mode="json", by_alias=True)


class Interval(Document):
    """Every number between two; `log`: alike at every order of magnitude; `integer`: whole numbers, both ends in."""

    first: Bounded = Field(alias="from")
    to: Bounded
    log: bool = False
    integer: bool = False

    @model_validator(mode="after")
    def _some(self) -> Interval:
        _check_ends(self.first, self.to)
        if self.log and self.first <= 0:
            raise ValueError("a log range begins above 0")
        if self.integer and not (isinstance(self.first, int) and isinstance(self.to, int)):
            raise ValueError("a range of whole numbers has whole ends")
        return self

    def at(self, part: float) -> Number:
        """The number at a part of the way."""
        low, high = (self.first - 0.5, self.to + 0.5) if self.integer else (self.first, self.to)
        if self.log:
            found = math.exp(math.log(low) + part * (math.log(high) - math.log(low)))
        else:
            found = low + part * (high - low)
        if self.integer:
            found = math.floor(found + 0.5)
        return min(max(found, self.first), self.to)

    def to_data(self) -> Any:
        """As a study file says it."""
        return self.model_dump(mode="json", by_alias=True)


@dataclass(frozen=True)
class Linked:
    """A formula of other parameters."""

    expression: Expression

    def to_data(self) -> Any:
        """As a study file says it."""
        return {"expr": self.expression.text}


Countable: TypeAlias = Choices | Steps | Factors
Free: TypeAlias = Countable | Interval
Domain: TypeAlias = Free | Linked

_FORMS = ("[v, v, ...]", "{from, to, step}", "{from, to, factor}", "{from, to, log, integer}", "{expr}")


def parse_domain(data: Any) -> Domain:
    """The domain that a study file says. Raises ValueError, as pydantic's validators do."""
    if isinstance(data, Choices | Steps | Factors | Interval | Linked):
        return data
    if isinstance(data, list):
        check_axis(data)
        return Choices(tuple(ordered(data)))
    if not isinstance(data, dict):
        raise ValueError(f"{data!r} is neither a list of values nor a range")
    try:
        if "expr" in data:
            if len(data) > 1 or not isinstance(data["expr"], str):
                raise SpecError("a formula stands alone, as text", expected='{expr: "asic.adders / 2"}')
            return Linked(parse(data["expr"]))
        if "step" in data:
            return check(Source(data, ""), Steps)
        if "factor" in data:
            return check(Source(data, ""), Factors)
        known = {"from", "to", "log", "integer", "step", "factor", "expr"}
        wrong = [key for key in data if key not in known]
        if wrong:
            raise SpecError(f"unknown field '{wrong[0]}'", expected=did_you_mean(wrong[0], sorted(known)))
        return check(Source(data, ""), Interval)
    except SpecError as error:
        raise ValueError(str(error)) from None


def _check_ends(first: Number, to: Number) -> None:
    if to < first:
        raise ValueError(f"runs from {first} down to {to}: the grid is empty")


def _index(part: float, count: int) -> int:
    return min(int(part * count), count - 1)


def _exact(value: Number) -> Fraction:
    return Fraction(repr(value))  # by its shortest decimal
