"""Designs drawn from the whole space: at random, as a Latin hypercube, or along a Sobol sequence."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from bitline.base.errors import MissingExtraError, SpecError
from bitline.sim.study.designs import Designs, identity
from bitline.sim.study.point import Point
from bitline.sim.study.spec import Sample, StudySpec

# Places looked at before conditions count as too tight: so many for each design that was asked for, and at least some.
TRIES = 64
MIN_TRIES = 4096

Places = Iterator[np.ndarray[Any, np.dtype[np.float64]]]


def sample_points(study: StudySpec) -> Iterator[Point]:
    """The points of as many different designs as the sample asks for. Raises SpecError where there are fewer."""
    assert study.sample is not None
    wanted = study.sample.points
    assert wanted is not None
    designs = Designs(study)
    if designs.count is not None and designs.count < wanted:
        raise _too_few(designs.count, wanted, f"the space has {designs.count:,}: leave the sample out for all of them")
    tries = max(MIN_TRIES, TRIES * wanted)
    seen: set[str] = set()
    found = 0
    for tried, place in enumerate(_PLACES[study.sample.method](study.sample, len(designs.dimensions))):
        if found == wanted:
            return
        if tried == tries:
            raise _too_few(found, wanted, f"conditions left no more among {tries:,} places")
        design = designs.at(place.tolist())
        name = identity(design)
        if name in seen:
            continue
        seen.add(name)
        points = designs.points(design)
        found += bool(points)
        yield from points


def _too_few(found: int, wanted: int, why: str) -> SpecError:
    return SpecError(f"{found:,} of {wanted:,} different designs found: {why}", field="sample.points")


def _random(sample: Sample, dimensions: int) -> Places:
    random = np.random.default_rng(sample.seed)
    while True:
        yield from random.random((1024, dimensions))


def _latin(sample: Sample, dimensions: int) -> Places:
    # One hypercube of the size asked for; what conditions take out of it is drawn from further ones.
    engine = _qmc().LatinHypercube(max(dimensions, 1), rng=np.random.default_rng(sample.seed))
    while True:
        yield from engine.random(sample.points)


def _sobol(sample: Sample, dimensions: int) -> Places:
    assert sample.points is not None
    engine = _qmc().Sobol(max(dimensions, 1), rng=np.random.default_rng(sample.seed))
    # Its balance holds for powers of two.
    block = 1 << max(sample.points - 1, 1).bit_length()
    for _ in range((1 << 30) // block):
        yield from engine.random(block)


def _qmc() -> Any:
    try:
        from scipy.stats import qmc
    except ImportError:
        raise MissingExtraError("scipy", "search", "a sample by lhs or sobol") from None
    return qmc


_PLACES: dict[str, Callable[[Sample, int], Places]] = {"random": _random, "lhs": _latin, "sobol": _sobol}
