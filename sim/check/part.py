"""The numbers of a part, read from its YAML file: organisation, timing and the length of its commands.

The files are data that the simulator reads too. What the rules are, and which number enters which rule, stands in the
`rules_*` modules here and nowhere else.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import bitline
from bitline.base.document import Library, Source
from bitline.base.errors import SpecError, did_you_mean

PARTS = Library("part", Path(bitline.__file__).parent / "arch" / "dram" / "parts")
_MOST_BANKS = 1 << 16
_ELEMENT_BITS = {"bf16": 16, "fp16": 16, "int8": 8}


class Timing:
    """The `timing_ck` of a part in ticks of its command clock: `timing["tRP"]`."""

    def __init__(self, source: Source, ticks_per_ck: int = 1) -> None:
        self._source = source
        self._ticks_per_ck = ticks_per_ck

    def __contains__(self, name: str) -> bool:
        return self._table().get(name) is not None

    def __getitem__(self, name: str) -> int:
        value = self._table().get(name)
        if value is None:
            raise SpecError("is missing", file=self._source.file, field=f"timing_ck.{name}", expected="a whole number")
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 1 << 31:
            raise _wrong(self._source, ("timing_ck", name), "a whole number of clocks")
        return value * self._ticks_per_ck

    def first(self, *names: str) -> int:
        """The first of these that the part gives; the last name is the one asked for when none is there."""
        for name in names:
            if name in self:
                return self[name]
        return self[names[-1]]

    def get(self, name: str, default: int) -> int:
        """The value, or what it is by default (in ticks)."""
        if name not in self:
            return default
        return self[name]

    def _table(self) -> dict[str, Any]:
        table = self._source.data.get("timing_ck")
        if not isinstance(table, dict):
            raise _wrong(self._source, ("timing_ck",), "timing names with clocks")
        return table


@dataclass(frozen=True)
class Part:
    """A part as the checker needs it.

    `ticks_per_ck` is 2 for HBM3, whose logs count half clocks. `careful`: the part's PIM commands keep the rules that
    NewtonSim leaves out (`careful: true` under `pim`).
    """

    name: str
    standard: str
    timing: Timing
    pseudo_channels: int
    ranks: int
    bank_groups: int
    banks: int
    rows: int
    accesses_per_row: int | None
    ticks_per_ck: int
    command_ck: dict[str, float]
    careful: bool = False
    passes: int = 1
    """Passes of a compute unit over one column access, where it has fewer lanes than that has elements."""

    @property
    def banks_of_rank(self) -> int:
        """Banks of one rank (or stack id, or channel without ranks)."""
        return self.bank_groups * self.banks

    def command_ticks(self, command: str, default_ck: float) -> int:
        """How long a command holds its command bus."""
        return max(1, round(self.command_ck.get(command, default_ck) * self.ticks_per_ck))


def load_part(name: str, settings: dict[str, Any] | None = None) -> Part:
    """Read the part `name`, or the YAML file of that path. Raises SpecError with file and field."""
    return part_of(PARTS.source(name, settings), name)


def part_of(source: Source, name: str) -> Part:
    """The part that a parsed document describes."""
    standard = source.data.get("standard")
    if not isinstance(standard, str):
        raise _wrong(source, ("standard",), "the name of a DRAM standard")
    ticks_per_ck = 2 if standard == "hbm3" else 1
    levels = {name: _count(source, name, 1) for name in ("pseudo_channels", "ranks", "bank_groups")}
    banks = _count(source, "banks", None)
    if prod(levels.values()) * banks > _MOST_BANKS:
        raise SpecError("are too many", file=source.file, field="organisation", expected=f"at most {_MOST_BANKS} banks")
    columns = _count(source, "columns", None)
    burst = _count(source, "burst_length", None)
    return Part(
        name=name,
        standard=standard,
        timing=Timing(source, ticks_per_ck),
        **levels,
        banks=banks,
        rows=_count(source, "rows", None),
        accesses_per_row=max(1, columns // burst),
        ticks_per_ck=ticks_per_ck,
        command_ck=_command_ck(source),
        careful=_careful(source),
        passes=_passes(source, burst),
    )


def _count(source: Source, field: str, default: int | None) -> int:
    organisation = source.data.get("organisation")
    if not isinstance(organisation, dict):
        raise _wrong(source, ("organisation",), "counts of banks, rows and columns")
    value = organisation.get(field, default)
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value < 1 << 31:
        raise _wrong(source, ("organisation", field), "a whole number of at least 1")
    return value


def _careful(source: Source) -> bool:
    pim = source.data.get("pim")
    careful = pim.get("careful", False) if isinstance(pim, dict) else False
    if not isinstance(careful, bool):
        raise _wrong(source, ("pim", "careful"), "true or false")
    return careful


def _passes(source: Source, burst: int) -> int:
    """Elements of a column access over lanes of a unit, rounded up."""
    pim = source.data.get("pim")
    if not isinstance(pim, dict) or "lanes_per_bank" not in pim:
        return 1
    lanes, bits = pim.get("lanes_per_bank"), _ELEMENT_BITS.get(str(pim.get("dtype")))
    if not isinstance(lanes, int) or isinstance(lanes, bool) or lanes < 1:
        raise _wrong(source, ("pim", "lanes_per_bank"), "a whole number of at least 1")
    if bits is None:
        raise _wrong(source, ("pim", "dtype"), " or ".join(_ELEMENT_BITS))
    return -(-_count(source, "channel_bits", None) * burst // (bits * lanes))


def _command_ck(source: Source) -> dict[str, float]:
    table = source.data.get("command_ck") or {}
    if not isinstance(table, dict):
        raise _wrong(source, ("command_ck",), "clocks by command")
    for command, clocks in table.items():
        if not isinstance(clocks, int | float) or isinstance(clocks, bool) or not 0 < clocks <= 16:
            raise _wrong(source, ("command_ck", command), "clocks on the command bus")
    return dict(table)


def _wrong(source: Source, path: tuple[str, ...], expected: str) -> SpecError:
    file, line = source.where(path)
    value: Any = source.data
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    problem = "is missing" if value is None else f"cannot be {str(value)[:40]!r}"
    return SpecError(problem, file=file, line=line or None, field=".".join(path), expected=expected)


def unknown_standard(standard: str, known: list[str]) -> SpecError:
    """The error for a part whose standard has no rules here."""
    return SpecError(f"no rules for standard '{standard}'", field="standard", expected=did_you_mean(standard, known))
