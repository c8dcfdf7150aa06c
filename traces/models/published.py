"""Published parameter counts, to hold ours against. The source stands beside each in published.csv."""

from __future__ import annotations

import csv
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple


class PublishedCount(NamedTuple):
    """A count as it was published: exact, rounded to the last digit given, or nominal (part of the model's name)."""

    parameters: int
    kind: str
    source: str


def published_count(model: str) -> PublishedCount | None:
    """The published count of a model that comes with the package, None where none is known."""
    return _counts().get(model)


@lru_cache(maxsize=1)
def _counts() -> dict[str, PublishedCount]:
    with (Path(__file__).parent / "published.csv").open(newline="") as stream:
        rows = csv.DictReader(stream)
        return {row["name"]: PublishedCount(int(row["parameters"]), row["kind"], row["source"]) for row in rows}
