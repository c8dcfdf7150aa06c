"""How well the bound level ranked the points that were simulated afterwards, so that a screen can be trusted or not.

Points are compared within a workload only: across workloads any ranking is good.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bitline.sim.study.pareto import Array, on_front

MOST_PAIRED = 4000
"""Points of one workload of which all pairs are compared; of more, so many, evenly spaced."""


@dataclass(frozen=True)
class Simulated:
    """A point that was simulated: why, and its objectives at both levels, in which less is better."""

    workload: Hashable
    kept: bool
    """By the screen; else it was drawn at random from those that were not."""
    bound: tuple[float, ...]
    cycle: tuple[float, ...]


def screen_quality(
    rows: Iterable[Simulated], objectives: Sequence[str], dropped: Mapping[Hashable, int]
) -> dict[str, Any]:
    """Measures of a screen, from 1 (perfect) down; None where too few points were simulated to say.

    `dropped`: points of each workload that were eligible and not kept. For each objective `spearman` and `kendall`
    (tau-b) are rank correlations of bound and cycle values over all simulated points, and `check_spearman`,
    `check_kendall` over the random ones alone, which are a fair sample of what was not kept; each is the mean over
    workloads, weighted by points. `front_recall`: of the points on the front of all simulated ones, the part that was
    kept. `estimated_recall`: the same with each random point standing for as many dropped ones as it was drawn from.
    """
    groups: dict[Hashable, list[Simulated]] = {}
    for row in rows:
        groups.setdefault(row.workload, []).append(row)
    quality: dict[str, Any] = {"simulated": sum(map(len, groups.values()))}
    quality["checked"] = sum(not row.kept for group in groups.values() for row in group)
    quality["objectives"] = {
        name: {
            "spearman": _mean(groups.values(), i, spearman),
            "kendall": _mean(groups.values(), i, kendall),
            "check_spearman": _mean(_random(groups.values()), i, spearman),
            "check_kendall": _mean(_random(groups.values()), i, kendall),
        }
        for i, name in enumerate(objectives)
    }
    found = missed = 0
    estimated = 0.0
    for workload, group in groups.items():
        front = on_front(np.array([row.cycle for row in group], float))
        kept = np.array([row.kept for row in group])
        found += int((front & kept).sum())
        missed += int((front & ~kept).sum())
        if (~kept).any():
            estimated += (front & ~kept).sum() * max(1.0, dropped.get(workload, 0) / (~kept).sum())
    quality["on_front"] = found + missed
    quality["front_recall"] = found / (found + missed) if quality["checked"] and found + missed else None
    quality["estimated_recall"] = found / (found + estimated) if quality["checked"] and found + estimated else None
    return quality


def _random(groups: Iterable[list[Simulated]]) -> list[list[Simulated]]:
    return [[row for row in group if not row.kept] for group in groups]


def _mean(groups: Iterable[list[Simulated]], objective: int, measure: Any) -> float | None:
    total, weight = 0.0, 0
    for group in groups:
        pairs = np.array([(row.bound[objective], row.cycle[objective]) for row in group], float).reshape(-1, 2)
        value = measure(*pairs[np.isfinite(pairs).all(axis=1)].T)
        if value is not None:
            total, weight = total + value * len(group), weight + len(group)
    return total / weight if weight else None


def spearman(first: Array, second: Array) -> float | None:
    """Spearman's rank correlation; equal values share their mean rank. None where one side is all alike."""
    if len(first) < 2:
        return None
    ranks = [_ranks(first), _ranks(second)]
    centred = [rank - rank.mean() for rank in ranks]
    spread = np.sqrt((centred[0] ** 2).sum() * (centred[1] ** 2).sum())
    return float((centred[0] * centred[1]).sum() / spread) if spread else None


def _ranks(values: Array) -> Array:
    _distinct, where, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    found: Array = (ends - (counts - 1) / 2)[where]
    return found


def kendall(first: Array, second: Array) -> float | None:
    """Kendall's tau-b. None where one side is all alike."""
    step = -(-len(first) // MOST_PAIRED) or 1
    first, second = first[::step], second[::step]
    together = first_pairs = second_pairs = 0
    for i in range(1, len(first)):
        signs = np.sign(first[i:] - first[:-i]), np.sign(second[i:] - second[:-i])
        together += int((signs[0] * signs[1]).sum())
        first_pairs += int(np.abs(signs[0]).sum())
        second_pairs += int(np.abs(signs[1]).sum())
    spread = float(first_pairs) * float(second_pairs)
    return together / spread**0.5 if spread else None
