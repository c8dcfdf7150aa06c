"""Find what repeats in a sequence: layers that are alike, or patterns of layers (five local, one global, ...)."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import NamedTuple

LONGEST_PERIOD = 16


class Group(NamedTuple):
    """`period` elements from `start` on, `repeats` times."""

    start: int
    period: int
    repeats: int


def group_repeats(keys: Sequence[Hashable]) -> list[Group]:
    """Cut a sequence into groups, from the left: the one that covers most, among those the shortest period."""
    # Keys may be large: number them once, compare numbers.
    numbers: dict[Hashable, int] = {}
    sequence = [numbers.setdefault(key, len(numbers)) for key in keys]
    groups = []
    start = 0
    while start < len(sequence):
        group = _longest(sequence, start)
        groups.append(group)
        start += group.period * group.repeats
    return groups


def _longest(keys: Sequence[int], start: int) -> Group:
    best = Group(start, 1, 1)
    for period in range(1, min(LONGEST_PERIOD, (len(keys) - start) // 2) + 1):
        end = start + period
        while end < len(keys) and keys[end] == keys[end - period]:
            end += 1
        repeats = (end - start) // period
        if repeats > 1 and period * repeats > best.period * best.repeats:
            best = Group(start, period, repeats)
    return best
