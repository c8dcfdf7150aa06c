"""JSON read as untrusted data: bounded size, UTF-8, no duplicate keys, no NaN or infinity."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from bitline.base.errors import BitlineError


def read_json(file: str | Path, max_bytes: int, error: type[BitlineError]) -> Any:
    """The value that a JSON file holds. Raises `error` with the file."""
    path = Path(file)
    try:
        size = path.stat().st_size
        raw = path.read_bytes() if size <= max_bytes else None
    except (OSError, ValueError) as problem:
        raise error(f"cannot be read ({getattr(problem, 'strerror', None) or problem})", file=file) from None
    if raw is None:
        raise error(f"has {size} bytes", file=file, expected=f"at most {max_bytes >> 20} MiB")
    return parse_json(raw, file, error)


def parse_json(raw: bytes, file: str | Path, error: type[BitlineError]) -> Any:
    """The value that JSON text holds. Raises `error` with the file."""
    try:
        return json.loads(
            raw.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_refuse, parse_float=_finite_float
        )
    except UnicodeDecodeError as problem:
        raise error(f"byte {problem.start} is not UTF-8", file=file, expected="a JSON text file") from None
    except json.JSONDecodeError as problem:
        raise error(f"is not JSON ({problem.msg})", file=file, line=problem.lineno) from None
    except RecursionError:
        raise error("is nested too deep", file=file) from None
    except ValueError as problem:
        raise error(str(problem), file=file) from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    data = dict(pairs)
    if len(data) < len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise ValueError(f"key '{key}' is given twice")
            seen.add(key)
    return data


def _refuse(text: str) -> Any:
    raise ValueError(f"{text} is not a number of JSON")


def _finite_float(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text} is out of range")
    return value
