"""Files of request lengths, read as untrusted data.

.csv: a line of column names, among them input_tokens and output_tokens; other columns (arrival_s) are not read.
.jsonl: an object a line, with input_length and output_length (the form of the Mooncake traces) or input_tokens and
output_tokens; other keys are not read.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bitline.base.errors import TraceError, did_you_mean
from bitline.traces.requests.lengths import Lengths
from bitline.traces.strict_json import parse_json

MAX_BYTES = 256 << 20
MAX_TOKENS = 1 << 30

COLUMNS = ("input_tokens", "output_tokens")
JSON_KEYS = (("input_length", "output_length"), COLUMNS)

_DIGITS = re.compile(r"[0-9]{1,10}")
_EXPECTED = f"a whole number of tokens, 1 to {MAX_TOKENS}"


def read_lengths(file: str | Path) -> list[Lengths]:
    """All requests of a file, in its order. Raises TraceError with the line and field."""
    text = _text(file)
    rows = list(_json_lines(text, file) if str(file).lower().endswith(".jsonl") else _csv_lines(text, file))
    if not rows:
        raise TraceError("holds no requests", file=file, expected="at least one line with its lengths")
    return rows


def _text(file: str | Path) -> str:
    path = Path(file)
    try:
        size = path.stat().st_size
        raw = path.read_bytes() if size <= MAX_BYTES else None
    except (OSError, ValueError) as problem:
        raise TraceError(f"cannot be read ({getattr(problem, 'strerror', None) or problem})", file=file) from None
    if raw is None:
        raise TraceError(f"has {size} bytes", file=file, expected=f"at most {MAX_BYTES >> 20} MiB")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        line = raw.count(b"\n", 0, problem.start) + 1
        raise TraceError(f"byte {problem.start} is not UTF-8", file=file, line=line, expected="a text file") from None


def _csv_lines(text: str, file: str | Path) -> Iterator[Lengths]:
    lines = csv.reader(io.StringIO(text, newline=""), strict=True)
    names: list[str] = []
    try:
        for values in lines:
            if not values:
                continue
            if not names:
                names = [value.strip() for value in values]
                first, second = (_column(names, name, file, lines.line_num) for name in COLUMNS)
                continue
            if len(values) != len(names):
                problem = f"has {len(values)} values"
                raise TraceError(problem, file=file, line=lines.line_num, expected=f"{len(names)}, as columns")
            yield Lengths(
                _of_text(values[first], file, lines.line_num, COLUMNS[0]),
                _of_text(values[second], file, lines.line_num, COLUMNS[1]),
            )
    except csv.Error as problem:
        raise TraceError(f"is not CSV ({problem})", file=file, line=lines.line_num) from None


def _column(names: list[str], name: str, file: str | Path, line: int) -> int:
    if names.count(name) != 1:
        problem = "is a column twice" if name in names else "is no column"
        raise TraceError(problem, file=file, line=line, field=name, expected=f"columns {' and '.join(COLUMNS)}")
    return names.index(name)


def _of_text(text: str, file: str | Path, line: int, field: str) -> int:
    text = text.strip()
    return _tokens(int(text) if _DIGITS.fullmatch(text) else text, file, line, field)


def _json_lines(text: str, file: str | Path) -> Iterator[Lengths]:
    for line, one in enumerate(text.split("\n"), 1):
        if not one.strip():
            continue
        try:
            value = parse_json(one.encode(), file, TraceError)
        except TraceError as error:
            raise TraceError(error.problem, file=file, line=line, expected=error.expected or "an object") from None
        if not isinstance(value, dict):
            raise TraceError("is no JSON object", file=file, line=line, expected=f"keys {' and '.join(JSON_KEYS[0])}")
        keys = next((pair for pair in JSON_KEYS if pair[0] in value or pair[1] in value), JSON_KEYS[0])
        yield Lengths(*(_of_key(value, key, file, line) for key in keys))


def _of_key(value: dict[str, Any], key: str, file: str | Path, line: int) -> int:
    if key not in value:
        raise TraceError("is missing", file=file, line=line, field=key, expected=did_you_mean(key, value))
    return _tokens(value[key], file, line, key)


def _tokens(value: Any, file: str | Path, line: int, field: str) -> int:
    if type(value) is not int or not 1 <= value <= MAX_TOKENS:
        shown = repr(value) if len(repr(value)) <= 40 else repr(value)[:37] + "..."
        raise TraceError(f"is {shown}", file=file, line=line, field=field, expected=_EXPECTED)
    return value
