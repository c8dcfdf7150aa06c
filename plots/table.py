"""What a figure is drawn from: a list of rows, written as CSV beside it."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from bitline.base.errors import OutputError
from bitline.base.files import write_atomically
from bitline.plots.style import check_figure_path, render

Table = Sequence[Mapping[str, Any]]


def table_csv(table: Table) -> bytes:
    """The rows as CSV, columns in the order of their first appearance; numbers read back as they were."""
    names = list(dict.fromkeys(name for row in table for name in row))
    stream = io.StringIO()
    writer = csv.DictWriter(stream, names, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(table)
    return stream.getvalue().encode()


def data_path(figure_path: Path) -> Path:
    """Where the data of a figure stands: `breakdown.png` has `breakdown.data.csv`."""
    return figure_path.with_suffix(".data.csv")


def save_with_data(figure: Figure, table: Table, *paths: Path, keep: Sequence[Path] = ()) -> list[Path]:
    """Write a figure to each of `paths` and its table beside it. Everything is drawn before anything is written.

    `keep`: files, the inputs, that must not be overwritten. Raises OutputError.
    """
    content = {}
    for path in map(check_figure_path, paths):
        content[path] = render(figure, path.suffix.lower())
        content[data_path(path)] = table_csv(table)
    for path in content:
        if path.exists() and any(path.samefile(file) for file in keep):
            raise OutputError("is the input, which the figure would overwrite", file=path, expected="another name")
    for path, written in content.items():
        write_atomically(path, written)
    return list(content)
