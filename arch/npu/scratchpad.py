"""Bank conflicts in a scratchpad, counted from the addresses of the streams that read and write it.

Modelled: words of `word_bytes` lie in turn over `banks` banks; a bank does `ports` accesses a cycle, reads and writes
alike. In a step each stream needs its bytes of that step (one row of operands, or one element of several rows); the
words that any item of one operand needs are read once a step, and sent to all that need them. All streams move
together: a step lasts until the busiest bank has served it, at least a cycle. Not modelled: queues that let one stream
run ahead of another, and accesses put off to free cycles. An array's skew is done by a triangle of registers behind the
scratchpad, so a row is read at once.

What happens in a step depends on its addresses modulo banks x word_bytes alone, so that it repeats; one period is
worked out, and nothing is sampled.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bitline.base.errors import CapacityError, SpecError

Integers = npt.NDArray[np.int64]

MAX_SPAN_BYTES = 1 << 20
# Words of a period that are looked at together.
CHUNK_WORDS = 1 << 21


@dataclass(frozen=True)
class Banks:
    """The banks of a scratchpad."""

    banks: int
    word_bytes: int
    ports: int = 1
    """Accesses of a bank and cycle."""

    def __post_init__(self) -> None:
        for name, value in (("banks", self.banks), ("word_bytes", self.word_bytes), ("ports", self.ports)):
            if value < 1:
                raise SpecError(f"a scratchpad with {name} {value}", field=name, expected="1 or more")
        if self.span_bytes > MAX_SPAN_BYTES:
            raise SpecError(f"banks x word_bytes is {self.span_bytes}", field="banks", expected="at most 1 MiB")

    @property
    def span_bytes(self) -> int:
        """Addresses this far apart are in the same place of the same bank."""
        return self.banks * self.word_bytes


@dataclass(frozen=True)
class Stream:
    """What is read or written in steps `start` to `start + steps`: `count` items of `item_bytes`, `stride` apart."""

    operand: str
    """Streams of one operand share words; they move by the same pitch."""
    first: int
    """Byte address of the first item in the first step."""
    item_bytes: int
    pitch: int
    """Bytes from step to step."""
    steps: int
    start: int = 0
    count: int = 1
    stride: int = 0


def extra_cycles(banks: Banks, streams: Sequence[Stream]) -> int:
    """Cycles that conflicts add to the steps of streams that move together."""
    streams = [stream for stream in streams if stream.steps > 0 and stream.count > 0 and stream.item_bytes > 0]
    edges = sorted({edge for stream in streams for edge in (stream.start, stream.start + stream.steps)})
    total = 0
    for low, high in itertools.pairwise(edges):
        active = [stream for stream in streams if stream.start <= low < stream.start + stream.steps]
        if active:
            total += _phase(banks, active, low, high)
    return total


def _phase(banks: Banks, streams: list[Stream], low: int, high: int) -> int:
    """Extra cycles of steps `low` to `high`, in which the same streams are active."""
    period = math.lcm(*(banks.span_bytes // math.gcd(stream.pitch, banks.span_bytes) for stream in streams))
    operands: dict[str, list[Stream]] = {}
    for stream in streams:
        group = operands.setdefault(stream.operand, [])
        group.append(stream)
        if stream.pitch != group[0].pitch:
            raise SpecError(f"streams of '{stream.operand}' with pitches {group[0].pitch} and {stream.pitch}")
    period = min(period, high - low)
    words = sum(stream.count * _most_words(banks, stream) for stream in streams)
    chunk = max(1, CHUNK_WORDS // max(words, banks.banks))
    costs = [
        _costs(banks, list(operands.values()), np.arange(first, min(first + chunk, low + period)))
        for first in range(low, low + period, chunk)
    ]
    cost = np.concatenate(costs)
    whole, rest = divmod(high - low, period)
    return int(whole * cost.sum() + cost[:rest].sum())


def _most_words(banks: Banks, stream: Stream) -> int:
    return (stream.item_bytes + banks.word_bytes - 2) // banks.word_bytes + 1


def _costs(banks: Banks, operands: list[list[Stream]], steps: Integers) -> Integers:
    """Extra cycles of each of some steps."""
    load = np.zeros((len(steps), banks.banks), np.int64)
    for streams in operands:
        words = np.concatenate([_words(banks, stream, steps) for stream in streams], axis=1)
        words.sort(axis=1)
        needed = words >= 0
        needed[:, 1:] &= words[:, 1:] != words[:, :-1]
        step, place = np.nonzero(needed)
        np.add.at(load, (step, words[step, place] % banks.banks), 1)
    extra: Integers = np.maximum(-(-load.max(axis=1) // banks.ports), 1) - 1
    return extra


def _words(banks: Banks, stream: Stream, steps: Integers) -> Integers:
    """Words of each step (rows); -1 where an item covers fewer words than it might."""
    items = stream.first + stream.stride * np.arange(stream.count)
    if items.min() < 0 or items.min() + stream.pitch * (stream.steps - 1) < 0:
        raise CapacityError(f"a stream of '{stream.operand}' starts below address 0")
    address = items[None, :, None] + (steps[:, None, None] - stream.start) * stream.pitch
    word = address // banks.word_bytes + np.arange(_most_words(banks, stream))
    word = np.where(word * banks.word_bytes < address + stream.item_bytes, word, -1)
    flat: Integers = word.reshape(len(steps), -1)
    return flat


def padded_pitch(banks: Banks, row_bytes: int, extra_at: Callable[[int], int]) -> int:
    """The pitch of rows of `row_bytes` with the fewest extra cycles; the least of those: whole words, and up to one
    round of the banks of padding. `extra_at`: extra cycles at a pitch."""
    least = -(-row_bytes // banks.word_bytes) * banks.word_bytes
    pitches = range(least, least + banks.span_bytes, banks.word_bytes)
    return min(pitches, key=lambda pitch: (extra_at(pitch), pitch))
