"""The .json form: the header's fields, then `operators`, one a line."""

from __future__ import annotations

import json
from pathlib import Path

from bitline.base.errors import TraceError
from bitline.traces.files.rows import Header, Row
from bitline.traces.strict_json import parse_json


def encode(header: Header, rows: list[Row]) -> bytes:
    """The file's bytes."""
    lines = [f' "{name}": {json.dumps(value)},' for name, value in header.items()]
    operators = ",\n".join("  " + json.dumps(row) for row in rows)
    return "\n".join(["{", *lines, ' "operators": [', operators, " ]", "}", ""]).encode()


def decode(raw: bytes, file: str | Path) -> tuple[Header, list[Row]]:
    """Header and rows, unchecked. Raises TraceError."""
    data = parse_json(raw, file, TraceError)
    if not isinstance(data, dict) or not isinstance(data.get("operators"), list):
        raise TraceError("is no trace", file=file, expected="an object with a list of operators")
    rows = data.pop("operators")
    return data, rows
