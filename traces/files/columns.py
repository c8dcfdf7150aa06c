"""The columns of the table: their order and what kind of value each holds. Those not named here are whole numbers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bitline.base.errors import TraceError, did_you_mean
from bitline.traces.operator import FIELDS

TEXTS = ("name", "kind", "part", "phase", "function", "activation_dtype", "weight_dtype", "accumulator_dtype")
LISTS = ("contexts", "expert_load", "dependencies")
TENSORS = ("inputs", "outputs")


def check_columns(names: Sequence[str], file: str | Path, line: int | None = None) -> None:
    """Raise TraceError unless every column is there once, and no other."""
    for name in names:
        if name not in FIELDS:
            raise TraceError(f"unknown column '{name}'", file=file, line=line, expected=did_you_mean(name, FIELDS))
    for name in FIELDS:
        if names.count(name) != 1:
            raise TraceError(f"column '{name}' stands {names.count(name)} times", file=file, line=line, expected="once")
