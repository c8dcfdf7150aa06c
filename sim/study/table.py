"""The table of a sweep: one row a point, as CSV whose bytes depend on the points alone."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from bitline.base.document import scalar
from bitline.base.errors import TraceError
from bitline.sim.study.point import METRICS, Row
from bitline.sim.study.spec import StudySpec

AXES = ("system", "policy", "model", "phase", "batch", "context", "prompt", "tokens", "level")
# What only batched runs know: column -> axis of a study. A table has the column when its study gives the axis.
BATCHED = {"lengths": "lengths", "seed": "seeds", "tensor": "tensors", "pipeline": "pipelines", "dtype": "dtypes"}
ENDS = ("status", *METRICS, "error")
MAX_BYTES = 1 << 30

# Columns whose text is text even where it looks like a number.
_TEXTS = {"system", "policy", "model", "phase", "level", "lengths", "dtype", "status", "bottleneck", "error"}


def columns(paths: Iterable[str], batched: Iterable[str] = (), added: Iterable[str] = ()) -> list[str]:
    """The columns of a table: those of every point, those of batched runs, settings by path, results, what is added."""
    return [*AXES, *batched, *sorted(paths), *ENDS[:-1], *added, ENDS[-1]]


def study_columns(study: StudySpec, added: Iterable[str]) -> list[str]:
    """The columns of a study's table. `added`: names of its derived columns."""
    return columns(study.setting_paths, [column for column, axis in BATCHED.items() if getattr(study, axis)], added)


def flat(row: Row) -> Row:
    """A point's row with its settings as columns."""
    return {**{name: value for name, value in row.items() if name != "settings"}, **row["settings"]}


def csv_lines(rows: Iterable[Row], names: list[str]) -> Iterator[str]:
    """The table's lines, headings first. Numbers are written so that they read back as they were."""
    yield _line(names)
    for row in rows:
        yield _line([_cell(row.get(name)) for name in names])


def read_table(file: str | Path) -> list[Row]:
    """The rows of a table.csv; empty cells are None. Raises TraceError."""
    path = Path(file)
    try:
        if path.stat().st_size > MAX_BYTES:
            raise TraceError("is too large for a table", file=file, expected=f"at most {MAX_BYTES >> 20} MiB")
        text = path.read_bytes().decode("utf-8")
    except (OSError, ValueError) as error:
        raise TraceError(f"cannot be read ({getattr(error, 'strerror', None) or error})", file=file) from None
    lines = csv.reader(io.StringIO(text), strict=True)
    rows: list[Row] = []
    try:
        names = next(lines, [])
        if not {"system", "model", "status"} <= set(names) or len(set(names)) < len(names):
            raise TraceError("is not the table of a sweep", file=file, line=1, expected=f"columns {', '.join(AXES)}")
        for cells in lines:
            if len(cells) != len(names):
                problem = f"has {len(cells)} values"
                raise TraceError(problem, file=file, line=lines.line_num, expected=f"{len(names)}, as columns")
            rows.append({name: _value(name, cell) for name, cell in zip(names, cells)})
    except (csv.Error, ValueError) as error:
        raise TraceError(str(error), file=file, line=lines.line_num) from None
    return rows


def _line(cells: list[str]) -> str:
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\n").writerow(cells)
    return stream.getvalue()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value)


def _value(name: str, cell: str) -> Any:
    if cell == "":
        return None
    return cell if name in _TEXTS else scalar(cell)
