"""Experiments on batched decoding: what a system is worth beside another, over models, batches and request lengths."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from statistics import fmean, geometric_mean
from typing import Any

from bitline.base.errors import SpecError, did_you_mean
from bitline.sim.run.result import Result
from bitline.sim.run.run import run

Words = Mapping[str, str]
Point = tuple[str, int, str]
"""Model, batch, lengths."""

BOUND_ONLY = ("gpu-only",)
# Keys and values of one layer have to fit, as in the authors' simulator, so that every point exists.
COMMON = {"policy.kv_layers": "one"}
TILINGS: dict[str, dict[str, Any]] = {
    # Tiles, array rule and addresses of the authors' simulator, which has no exchanges between devices either.
    "authors": {
        **COMMON,
        "npu.core": "neupims-npu",
        "policy.tiling": "neupims-stream",
        "policy.exchanges": "ignored",
    },
    # The system's own: arrays with weights of their own, tiles chosen for time and traffic, real addresses.
    "own": COMMON,
}


@lru_cache(maxsize=4096)
def batch_run(
    system: str, tiling: str, model: str, batch: int, lengths: str, seed: int = 3, policy: str = "", sub_batch: str = ""
) -> Result:
    """One decode iteration, with the authors' tiling or our own. Remembered."""
    if tiling not in TILINGS:
        raise SpecError(f"unknown tiling '{tiling}'", field="tiling", expected=did_you_mean(tiling, TILINGS))
    settings = {} if system in BOUND_ONLY else dict(TILINGS[tiling])
    if sub_batch:
        settings["policy.sub_batch"] = sub_batch
    return run(
        system,
        policy=policy or None,
        settings=settings,
        level="bound" if system in BOUND_ONLY else "cycle",
        model=model,
        batch=batch,
        lengths=lengths,
        seed=seed,
    )


def points_of(words: Words) -> Iterator[Point]:
    """Every model with every batch and every dataset that `models`, `batches` and `lengths` list, with commas."""
    for model in words["models"].split(","):
        for batch in words["batches"].split(","):
            for lengths in words["lengths"].split(","):
                yield model, int(batch), lengths


def speed_ratio(words: Words) -> dict[str, float]:
    """Tokens/s of a system over those of another, and its means over points.

    Words: system, over, tiling; models, batches, lengths (lists); further seed, policy, sub_batch, over_policy. `mean`
    is the arithmetic mean of the points' ratios; `wins`: 1 where the geometric mean is above 1, else 0.
    """
    tiling, seed = words["tiling"], int(words.get("seed", "3"))
    ratios = []
    for point in points_of(words):
        ours = batch_run(words["system"], tiling, *point, seed, words.get("policy", ""), words.get("sub_batch", ""))
        other = batch_run(words["over"], tiling, *point, seed, words.get("over_policy", ""))
        ratios.append(ours.tokens_per_s / other.tokens_per_s)
    middle = geometric_mean(ratios)
    return {
        "mean": fmean(ratios),
        "gmean": middle,
        "least": min(ratios),
        "most": max(ratios),
        "wins": float(middle > 1),
    }
