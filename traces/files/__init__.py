"""Traces as files: .parquet (compact), .json (for eyes, one operator a line), .csv (for spreadsheets).

All three hold the same table, one row an operator with the fields of `Operator`, and a header with those of `Trace`.
"""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

from bitline.base.errors import TraceError
from bitline.base.files import write_atomically
from bitline.traces.files import csv_form, json_form, parquet_form
from bitline.traces.files.rows import MAX_BYTES, check_trace, header_of, plain
from bitline.traces.trace import Trace

FORMS: dict[str, ModuleType] = {".parquet": parquet_form, ".json": json_form, ".csv": csv_form}


def write_trace(trace: Trace, path: str | Path) -> None:
    """Write a trace; the file appears whole or not at all. Raises TraceError, MissingExtraError."""
    form = _form(path)
    rows = [plain(operator) for operator in trace.operators()]
    write_atomically(path, form.encode(header_of(trace), rows))


def read_trace(path: str | Path) -> Trace:
    """Read and check a trace. Raises TraceError with the file and the row or field, MissingExtraError."""
    form = _form(path)
    try:
        size = Path(path).stat().st_size
        raw = Path(path).read_bytes() if size <= MAX_BYTES else None
    except (OSError, ValueError) as error:
        raise TraceError(f"cannot be read ({getattr(error, 'strerror', None) or error})", file=path) from None
    if raw is None:
        raise TraceError(f"has {size} bytes", file=path, expected=f"at most {MAX_BYTES >> 20} MiB")
    header, rows = form.decode(raw, path)
    return check_trace(header, rows, path)


def _form(path: str | Path) -> ModuleType:
    suffix = Path(path).suffix.lower()
    if suffix not in FORMS:
        expected = f"a name that ends in {', '.join(FORMS)}"
        raise TraceError(f"'{suffix}' is no form of a trace", file=path, expected=expected)
    return FORMS[suffix]
