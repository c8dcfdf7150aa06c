"""A checked document as a list of its fields: value, unit, where it was written, what it means."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import pydantic

from bitline.base.document import Path_, Source, dotted

Row = dict[str, Any]

PACKAGE = Path(str(files("bitline")))

# Unit suffixes of field names, longest first.
_UNITS = {
    "pj_per_bit": "pJ/bit",
    "pj_per_byte": "pJ/byte",
    "gb_s": "GB/s",
    "tflops": "TFLOP/s",
    "bytes": "bytes",
    "bits": "bits",
    "mhz": "MHz",
    "tokens": "tokens",
    "ck": "clocks",
    "ps": "ps",
    "ns": "ns",
    "pj": "pJ",
    "mw": "mW",
    "ma": "mA",
    "gb": "GB",
    "w": "W",
    "v": "V",
}
_SUFFIX = re.compile(f"(?:^|.*_)({'|'.join(_UNITS)})")


def field_rows(document: pydantic.BaseModel, source: Source) -> list[Row]:
    """Every field that holds a value, in the order of the document's class."""
    return [
        {
            "field": dotted(path),
            "value": value,
            "unit": unit_of(path) if isinstance(value, int | float) and not isinstance(value, bool) else "",
            "from": _written(source, path),
            "meaning": meaning,
        }
        for path, value, meaning in _leaves(document, ())
    ]


def unit_of(path: Path_) -> str:
    """The unit that a field's name, or that of the mapping it stands in, ends with."""
    for part in reversed(path):
        match = _SUFFIX.fullmatch(str(part))
        if match:
            return _UNITS[match[1]]
    return ""


def text_of(value: Any) -> str:
    """A value for a table: text as it is, all else as JSON."""
    return value if isinstance(value, str) else json.dumps(value)


def _leaves(document: pydantic.BaseModel, path: Path_) -> Iterator[tuple[Path_, Any, str]]:
    for name, info in type(document).model_fields.items():
        value = getattr(document, name)
        here = (*path, info.alias or name)
        if isinstance(value, pydantic.BaseModel):
            yield from _leaves(value, here)
        elif isinstance(value, dict) and value:
            for key, item in value.items():
                if isinstance(item, pydantic.BaseModel):
                    yield from _leaves(item, (*here, key))
                else:
                    yield (*here, key), item, ""
        elif value is not None:
            yield here, list(value) if isinstance(value, tuple) else value, info.description or ""


def _written(source: Source, path: Path_) -> str:
    file, line = source.lines.get(path, ("", None))
    if file:
        return f"{_short(file)}:{line}" if line else file
    return _short(source.file) if _is_given(source.data, path) else "default"


def _is_given(data: Any, path: Path_) -> bool:
    for part in path:
        if not isinstance(data, dict) or part not in data:
            return False
        data = data[part]
    return True


def _short(file: str) -> str:
    """A packaged document by its name alone; a user's file as the user wrote it."""
    return Path(file).name if Path(file).is_relative_to(PACKAGE) else file
