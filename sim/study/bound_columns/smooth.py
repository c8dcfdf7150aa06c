"""Settings that change numbers of a run and not its structure: these may differ among points computed together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

import annotated_types
import numpy as np
from pydantic.fields import FieldInfo

from bitline.arch.roofline.spec import KernelEfficiency
from bitline.arch.systems.system import System
from bitline.sim.study.bound_columns.point_columns import Array
from bitline.traces.operator import Kind

_BOUNDS = annotated_types.Ge | annotated_types.Gt | annotated_types.Le | annotated_types.Lt


def smooth_field(system: System, path: str) -> FieldInfo | None:
    """The field of a setting that may differ among points computed together; None where it may not.

    Those are the numbers of a processor, of the link between processors, and of the ASIC beside a PIM memory.
    """
    section, *keys = path.split(".")
    owner = getattr(system, section, None) if section in ("processor", "asic", "link") else None
    if owner is None or (section == "link" and system.processor is None):
        return None
    model: Any = type(owner)
    if section == "processor" and len(keys) == 3 and keys[0] == "efficiency" and keys[1] in get_args(Kind):
        model, keys = KernelEfficiency, keys[2:]
    field = model.model_fields.get(keys[0]) if len(keys) == 1 else None
    if field is None or field.annotation not in (int, float):
        return None
    return field if all(isinstance(bound, _BOUNDS) for bound in field.metadata) else None


def accepted(field: FieldInfo, column: Array) -> Array:
    """Which values of a column a document takes for that field."""
    if field.annotation is int and column.dtype.kind != "i":
        return np.zeros(len(column), bool)
    fine: Array = np.isfinite(column)
    for bound in field.metadata:
        if isinstance(bound, annotated_types.Ge):
            fine &= column >= bound.ge
        elif isinstance(bound, annotated_types.Gt):
            fine &= column > bound.gt
        elif isinstance(bound, annotated_types.Le):
            fine &= column <= bound.le
        else:
            fine &= column < bound.lt
    return fine


def with_columns(system: System, columns: Mapping[str, Array]) -> System:
    """The system with columns in place of numbers, not checked again: see `accepted`."""
    found: Any = system
    for path, column in columns.items():
        field = smooth_field(system, path)
        assert field is not None
        number = column if field.annotation is int else column.astype(np.float64)
        found = _replaced(found, path.split("."), number)
    return found  # type: ignore[no-any-return]


def _replaced(node: Any, keys: list[str], value: Any) -> Any:
    if not keys:
        return value
    if isinstance(node, dict):
        return {**node, keys[0]: _replaced(node[keys[0]], keys[1:], value)}
    return node.model_copy(update={keys[0]: _replaced(getattr(node, keys[0]), keys[1:], value)})
