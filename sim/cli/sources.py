"""What figures are drawn from: results, tables of sweeps, command logs and validations, each told by its content."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from bitline.base.document import read_yaml
from bitline.base.errors import TraceError

SCREEN_NAME = "screen.csv"

IN_FOLDER = {
    "result": "result.json",
    "table": "table.csv",
    "commands": "commands.csv",
    "validation": "validation.csv",
}
"""The name under which a folder holds each kind, the first that is there counts."""


def kind_of(file: Path) -> str:
    """Which of IN_FOLDER's kinds a file is. Raises TraceError."""
    from bitline.sim.run.command_window import is_command_log

    if file.suffix.lower() == ".json":
        return "result"
    if is_command_log(file):
        return "commands"
    return "validation" if _first_line(file).startswith(b"name,metric,origin,reference") else "table"


def _first_line(file: Path) -> bytes:
    try:
        with file.open("rb") as stream:
            return stream.readline(4096)
    except OSError as error:
        raise TraceError(f"cannot be read ({error.strerror or error})", file=file) from None


def read_points(file: Path) -> list[dict[str, Any]]:
    """The points of a sweep, at least one. Raises TraceError."""
    from bitline.sim.study.table import read_table

    rows = read_table(file)
    if not rows:
        raise TraceError("holds no points", file=file, expected="a sweep with finished points")
    return rows


def read_screen(table: Path) -> list[dict[str, Any]]:
    """The points that were screened at the bound level, from beside the table; none where nothing was."""
    from bitline.sim.study.table import read_table

    screen = table.with_name(SCREEN_NAME)
    return read_table(screen) if screen.is_file() else []


def read_objectives(table: Path) -> dict[str, str]:
    """What the study beside a table minimises and maximises, in its order. Raises SpecError."""
    study = table.with_name("study.yaml")
    data = read_yaml(study).data if study.is_file() else {}
    objectives = data.get("objectives") if isinstance(data, dict) else None
    return {str(name): str(goal) for name, goal in objectives.items()} if isinstance(objectives, dict) else {}


def read_validation(file: Path) -> list[dict[str, Any]]:
    """The rows of `bitline validate --csv`. Raises TraceError."""
    from bitline.sim.validate.rows import read_table

    rows = []
    for line, cells in read_table(file):
        row: dict[str, Any] = dict(cells)
        for name in ("reference", "simulated", "error_pct", "tolerance_pct"):
            try:
                row[name] = _finite(row.get(name) or "")
            except ValueError:
                problem = f"'{row.get(name) or ''}' is no number"
                raise TraceError(problem, file=file, line=line, field=name, expected="a finite number") from None
        row["pass"] = row.get("pass") == "True"
        rows.append(row)
    return rows


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text[:20]} is not a number")
    return value
