"""Rows of a validation: what was said, by whom, what we say, and whether that is near enough.

The CSV form of the rows is also the form of a reference file: there the columns `simulated`, `error_pct` and `pass`
may be missing or empty.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from bitline.base.errors import TraceError, did_you_mean

COLUMNS = ("name", "metric", "origin", "reference", "simulated", "error_pct", "tolerance_pct", "pass", "inputs")
NEEDED = ("name", "metric", "origin", "reference", "tolerance_pct", "inputs")
MAX_BYTES = 64 << 20


@dataclass(frozen=True)
class Reference:
    """One number to be met. `inputs` says what to run: an experiment's name, then `key=value` words."""

    name: str
    metric: str
    origin: str
    reference: float
    tolerance_pct: float
    inputs: str


@dataclass(frozen=True)
class Row:
    """A reference with the simulated number beside it."""

    reference: Reference
    simulated: float

    @property
    def error_pct(self) -> float:
        """Signed difference in percent of the reference; of 1 where the reference is 0."""
        return 100 * (self.simulated - self.reference.reference) / (abs(self.reference.reference) or 1.0)

    @property
    def passed(self) -> bool:
        """Within the tolerance. Rounding of a published decimal is not an error."""
        return abs(self.error_pct) <= self.reference.tolerance_pct + 1e-9

    def cells(self) -> dict[str, str | float | bool]:
        """The row as plain data, by column."""
        said = self.reference
        return {
            "name": said.name,
            "metric": said.metric,
            "origin": said.origin,
            "reference": said.reference,
            "simulated": self.simulated,
            "error_pct": round(self.error_pct, 6),
            "tolerance_pct": said.tolerance_pct,
            "pass": self.passed,
            "inputs": said.inputs,
        }


def write_rows(rows: Iterable[Row]) -> str:
    """Rows as CSV text."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow(row.cells())
    return text.getvalue()


def read_table(file: str | Path) -> list[tuple[int, dict[str, str]]]:
    """The lines of a CSV file as dicts with their line numbers. Raises TraceError."""
    path = Path(file)
    try:
        if path.stat().st_size > MAX_BYTES:
            raise TraceError("is too large for a table of references", file=file, expected="at most 64 MiB")
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise TraceError(f"cannot be read ({error.strerror or error})", file=file) from None
    except UnicodeDecodeError as error:
        raise TraceError(f"byte {error.start} is not UTF-8", file=file, expected="a CSV text file") from None
    reader = csv.DictReader(io.StringIO(text), strict=True)
    rows = []
    try:
        if not reader.fieldnames:
            raise TraceError("is empty", file=file, expected=f"the columns {', '.join(NEEDED)}")
        for row in reader:
            if None in row or None in row.values():
                raise TraceError(f"does not have {len(reader.fieldnames)} cells", file=file, line=reader.line_num)
            rows.append((reader.line_num, row))
    except csv.Error as error:
        raise TraceError(f"is not CSV ({error})", file=file, line=reader.line_num) from None
    if not rows:
        raise TraceError("holds no references", file=file, expected="a line of column names and a line for each")
    return rows


def parse_references(rows: list[tuple[int, dict[str, str]]], file: str | Path) -> list[Reference]:
    """References from the lines of a table. Raises TraceError."""
    references = []
    for line, row in rows:
        for column in NEEDED:
            if column not in row:
                raise TraceError(f"has no column '{column}'", file=file, expected=did_you_mean(column, row))
        numbers = {}
        for column in ("reference", "tolerance_pct"):
            try:
                numbers[column] = float(row[column])
            except ValueError:
                numbers[column] = math.nan
            if not math.isfinite(numbers[column]):
                raise TraceError(
                    f"'{row[column]}' is no number", file=file, line=line, field=column, expected="a finite number"
                )
        if numbers["tolerance_pct"] < 0:
            raise TraceError("is negative", file=file, line=line, field="tolerance_pct")
        references.append(
            Reference(
                row["name"], row["metric"], row["origin"], numbers["reference"], numbers["tolerance_pct"], row["inputs"]
            )
        )
    return references
