"""The .csv form: a comment line with the header and the number of rows as JSON, the column names, one operator a line.

Lists are joined with semicolons, a tensor is written as name|role|2x3|dtype. No value holds a comma, quote or line
break (the fields' own patterns see to that), so that no quoting is needed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bitline.base.errors import TraceError
from bitline.traces.files.columns import LISTS, TENSORS, TEXTS, check_columns
from bitline.traces.files.rows import Header, Row
from bitline.traces.operator import FIELDS
from bitline.traces.strict_json import parse_json

START = "# bitline trace "

_INTEGER = re.compile(r"-?[0-9]{1,19}")


def encode(header: Header, rows: list[Row]) -> bytes:
    """The file's bytes."""
    # The number of rows tells a file that was cut at the end of a line.
    lines = [START + json.dumps({**header, "operators": len(rows)}), ",".join(FIELDS)]
    lines += [",".join(_WRITERS.get(name, str)(row[name]) for name in FIELDS) for row in rows]
    return ("\n".join(lines) + "\n").encode()


def decode(raw: bytes, file: str | Path) -> tuple[Header, list[Row]]:
    """Header and rows, unchecked. Raises TraceError."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise TraceError(f"byte {error.start} is not UTF-8", file=file, expected="a CSV text file") from None
    if not text.endswith("\n"):
        raise TraceError("ends inside a line", file=file, line=text.count("\n") + 1, expected="a whole file")
    lines = text.splitlines()
    if not lines[0].startswith(START) or len(lines) < 2:
        raise TraceError("is no trace", file=file, line=1, expected=f"'{START.strip()}' and a header")
    header = parse_json(lines[0].removeprefix(START).encode(), file, TraceError)
    count = header.pop("operators", None) if isinstance(header, dict) else None
    if count != len(lines) - 2:
        raise TraceError(f"has {len(lines) - 2} rows", file=file, expected=f"{count}, as the first line says")
    names = lines[1].split(",")
    check_columns(names, file, line=2)
    rows = []
    for number, line in enumerate(lines[2:], 3):
        values = line.split(",")
        if len(values) != len(names):
            raise TraceError(f"has {len(values)} values", file=file, line=number, expected=f"{len(names)}, as columns")
        rows.append({name: _READERS.get(name, _integer)(value) for name, value in zip(names, values)})
    return header, rows


def _integer(text: str) -> Any:
    """The number, or the text as it is, for the check of types to report."""
    return int(text) if _INTEGER.fullmatch(text) else text


def _integers(text: str) -> list[Any]:
    return [_integer(part) for part in text.split(";")] if text else []


def _tensors(text: str) -> list[Any]:
    return [_tensor(part) for part in text.split(";")] if text else []


def _tensor(text: str) -> Any:
    parts = text.split("|")
    if len(parts) != 4:
        return text
    name, role, shape, dtype = parts
    return {"name": name, "role": role, "shape": [_integer(size) for size in shape.split("x") if shape], "dtype": dtype}


def _joined(values: Any) -> str:
    return ";".join(str(value) for value in values)


def _joined_tensors(tensors: Any) -> str:
    return ";".join(f"{t['name']}|{t['role']}|{'x'.join(map(str, t['shape']))}|{t['dtype']}" for t in tensors)


_WRITERS: dict[str, Callable[[Any], str]] = {
    **dict.fromkeys(LISTS, _joined),
    **dict.fromkeys(TENSORS, _joined_tensors),
}
_READERS: dict[str, Callable[[str], Any]] = {
    **dict.fromkeys(LISTS, _integers),
    **dict.fromkeys(TENSORS, _tensors),
    **dict.fromkeys(TEXTS, str),
}
