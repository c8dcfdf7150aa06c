"""Designs at random, whatever came out before: what every other search has to beat."""

from __future__ import annotations

import numpy as np

from bitline.sim.study.designs import Designs
from bitline.sim.study.search import Design, Score
from bitline.sim.study.spec import Search


class RandomSearch:
    """An `Optimizer` that does not learn."""

    def __init__(self, designs: Designs, search: Search) -> None:
        self._designs = designs
        self._random = np.random.default_rng(search.seed)

    def ask(self, count: int) -> list[Design]:
        """The next designs."""
        return [self._designs.at(self._random.random(len(self._designs.dimensions)).tolist()) for _ in range(count)]

    def tell(self, scores: list[Score]) -> None:
        """Nothing is learnt."""
