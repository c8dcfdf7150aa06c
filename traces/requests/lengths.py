"""How long prompts and answers are: distributions that requests are drawn from."""

from __future__ import annotations

import csv
from bisect import bisect_right
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple, Protocol

from bitline.base.errors import SpecError, did_you_mean
from bitline.traces.requests.draw import INPUT, OUTPUT, ROW, WORD, below, words

QUANTILES = Path(__file__).parent / "data" / "length_quantiles.csv"
FORMS = (".csv", ".jsonl")


class Lengths(NamedTuple):
    """Tokens of one request."""

    input_tokens: int
    output_tokens: int


class LengthDistribution(Protocol):
    """Something that lengths are drawn from."""

    @property
    def name(self) -> str:
        """The dataset, or the file."""

    def draw(self, count: int, seed: int, sample: int = 0) -> list[Lengths]:
        """Lengths of `count` requests; each `sample` of a seed is another draw. Raises SpecError."""


class Quantiles:
    """One side of a dataset by its percentiles.

    Linear between them. The highest percentile below 100 ends the distribution: the largest of 391,726 ShareGPT
    prompts has 196,710 tokens, and a straight line to that single one would double the mean.
    """

    def __init__(self, points: Sequence[tuple[int, int]]) -> None:
        """`points`: (percentile x 10, tokens), ascending, from 0 on."""
        inner = [point for point in points if point[0] < 1000]
        self.marks = [mark for mark, _ in inner]
        self.tokens = [tokens for _, tokens in inner]

    def at(self, word: int) -> int:
        """The quantile at word / 2^64, rounded to the nearest token, at least one."""
        scaled = word * 1000
        i = bisect_right(self.marks, scaled // WORD) - 1
        low = self.tokens[i]
        if i + 1 == len(self.marks):
            return max(1, low)
        step = (self.marks[i + 1] - self.marks[i]) * WORD
        rise = (self.tokens[i + 1] - low) * (scaled - self.marks[i] * WORD)
        return max(1, low + (2 * rise + step) // (2 * step))


class QuantileLengths:
    """A dataset known by its percentiles. Input and output are drawn independently: the pairing is not known."""

    def __init__(self, name: str, inputs: Quantiles, outputs: Quantiles) -> None:
        self.name, self.inputs, self.outputs = name, inputs, outputs

    def draw(self, count: int, seed: int, sample: int = 0) -> list[Lengths]:
        """By inverse distribution function."""
        inputs, outputs = words(seed, INPUT, sample, count), words(seed, OUTPUT, sample, count)
        return [Lengths(self.inputs.at(first), self.outputs.at(second)) for first, second in zip(inputs, outputs)]


class RowLengths:
    """A list of requests. Whole rows are drawn, with replacement: input and output stay together."""

    def __init__(self, name: str, rows: Sequence[Lengths]) -> None:
        self.name, self.rows = name, tuple(rows)

    def draw(self, count: int, seed: int, sample: int = 0) -> list[Lengths]:
        """Any row as likely as any other."""
        return [self.rows[below(word, len(self.rows))] for word in words(seed, ROW, sample, count)]


def length_names() -> list[str]:
    """The datasets that come with the package."""
    return sorted(_datasets())


def load_lengths(name: str | Path) -> LengthDistribution:
    """The dataset called `name`, or a user's .csv or .jsonl file. Raises SpecError (name) and TraceError (file)."""
    datasets, name = _datasets(), str(name)
    if name in datasets:
        return datasets[name]
    if not name.lower().endswith(FORMS):
        hint = did_you_mean(name, datasets)
        raise SpecError(f"unknown lengths '{name}'", field="lengths", expected=f"{hint} or a .csv or .jsonl file")
    from bitline.traces.requests.files import read_lengths

    return RowLengths(name, read_lengths(name))


@lru_cache(maxsize=1)
def _datasets() -> dict[str, QuantileLengths]:
    points: dict[str, dict[str, list[tuple[int, int]]]] = {}
    with QUANTILES.open(newline="", encoding="utf-8") as stream:
        for row in csv.DictReader(stream):
            sides = points.setdefault(row["dataset"], {"input": [], "output": []})
            sides[row["side"]].append((round(float(row["percentile"]) * 10), int(row["tokens"])))
    return {
        name: QuantileLengths(name, Quantiles(sides["input"]), Quantiles(sides["output"]))
        for name, sides in points.items()
    }
