"""Search by pymoo: the genetic algorithms NSGA-II and NSGA-III, over the unit cube of the designs."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np

from bitline.base.errors import MissingExtraError
from bitline.sim.study.designs import Designs
from bitline.sim.study.search import Design, Score, Worst
from bitline.sim.study.spec import Search


class PymooSearch:
    """An `Optimizer` whose population is a round."""

    def __init__(self, designs: Designs, search: Search, objectives: int) -> None:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                from pymoo.core.problem import Problem
                from pymoo.core.termination import NoTermination
        except ImportError:
            raise MissingExtraError("pymoo", "search", f"search by {search.method}") from None
        self._designs = designs
        self._worst = Worst(objectives)
        self._algorithm = _algorithm(search, objectives)
        problem = Problem(n_var=len(designs.dimensions), n_obj=objectives, n_ieq_constr=1, xl=0.0, xu=1.0)
        self._algorithm.setup(problem, termination=NoTermination(), seed=search.seed, verbose=False)
        self._population: Any = None

    def ask(self, count: int) -> list[Design]:
        """The next generation; none where the algorithm finds nothing new."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self._population = self._algorithm.ask()
        if self._population is None:
            return []
        return [self._designs.at(place) for place in self._population.get("X").tolist()]

    def tell(self, scores: list[Score]) -> None:
        """The scores of the generation."""
        for one, score in zip(self._population, scores, strict=True):
            one.set("F", np.array(self._worst.values(score)))
            one.set("G", np.array([score.violation]))
            one.evaluated.update({"F", "G"})
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self._algorithm.tell(infills=self._population)


def _algorithm(search: Search, objectives: int) -> Any:
    if search.method == "nsga2":
        from pymoo.algorithms.moo.nsga2 import NSGA2

        return NSGA2(pop_size=search.round)
    from pymoo.algorithms.moo.nsga3 import NSGA3
    from pymoo.util.ref_dirs import get_reference_directions

    # As many reference directions as the population has room for.
    partitions = 1
    while math.comb(partitions + objectives, objectives - 1) <= search.round:
        partitions += 1
    directions = get_reference_directions("das-dennis", objectives, n_partitions=partitions)
    return NSGA3(ref_dirs=directions, pop_size=max(search.round, len(directions)))
