"""The rows of a study as columns for a page: numbers as they are, texts as places in a list of distinct ones."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from bitline.plots.labels import axis_label, scale
from bitline.plots.report.numbers import label_and_unit

Rows = Sequence[Mapping[str, Any]]


def page_columns(rows: Rows, roles: Mapping[str, str], alike: Collection[str] = ()) -> list[dict[str, Any]]:
    """One entry a column that says something: name, label, role, what it holds, and its values row by row.

    `alike`: columns that do not vary, even where some rows leave them out.
    """
    columns = (_column(name, role, [row.get(name) for row in rows]) for name, role in roles.items())
    return [{**column, "varies": column["varies"] and column["name"] not in alike} for column in columns if column]


def _column(name: str, role: str, values: list[Any]) -> dict[str, Any] | None:
    there = [value for value in values if value is not None]
    if not there:
        return None
    varies = len({str(value) for value in values}) > 1
    if all(isinstance(value, int | float) and not isinstance(value, bool) for value in there):
        own = role in ("metric", "derived")  # the names of parameters are paths, which say no unit of theirs
        label, unit = label_and_unit(name) if own else (name, "")
        divisor, unit = scale(_middle(there), unit)
        column = {"label": axis_label(label, unit), "kind": "number", "divisor": divisor, "values": values}
    else:
        distinct = sorted({_text(value) for value in there})
        place = {text: index for index, text in enumerate(distinct)}
        column = {
            "label": name.replace("_", " ") if role in ("metric", "derived", "status") else name,
            "kind": "text",
            "texts": distinct,
            "values": [None if value is None else place[_text(value)] for value in values],
        }
    return {"name": name, "role": role, "varies": varies, **column}


def _middle(values: list[float]) -> list[float]:
    """The value for which a column's prefix is chosen: not the largest, which may be far from all others."""
    sizes = sorted(abs(value) for value in values)
    return [sizes[len(sizes) // 2]]


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)
