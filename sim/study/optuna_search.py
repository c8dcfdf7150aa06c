"""Search by Optuna: tree-structured Parzen estimators (TPE), or covariance matrix adaptation (CMA-ES)."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from bitline.base.errors import MissingExtraError
from bitline.sim.study.designs import Designs
from bitline.sim.study.domains import Choices, Interval
from bitline.sim.study.search import Design, Score, Worst
from bitline.sim.study.spec import Search

VIOLATION = "violation"
# CMA-ES looks at ranks alone and knows no constraints: beyond this value it is told designs in order of violation.
BEHIND = 1e100


class OptunaSearch:
    """An `Optimizer` by one of Optuna's samplers."""

    def __init__(self, designs: Designs, search: Search, objectives: int) -> None:
        self._optuna = _optuna(search.method)
        self._domains = [domain for _, domain in designs.dimensions]
        self._distributions = {str(i): self._distribution(domain) for i, domain in enumerate(self._domains)}
        self._penalises = search.method == "cmaes"
        self._worst = Worst(objectives)
        self._trials: list[Any] = []
        with _quiet(self._optuna):
            self._study = self._optuna.create_study(directions=["minimize"] * objectives, sampler=self._sampler(search))

    def ask(self, count: int) -> list[Design]:
        """The next designs."""
        with _quiet(self._optuna):
            self._trials = [self._study.ask(self._distributions) for _ in range(count)]
        return [
            tuple(self._value(domain, trial.params[str(i)]) for i, domain in enumerate(self._domains))
            for trial in self._trials
        ]

    def tell(self, scores: list[Score]) -> None:
        """The scores of the designs asked for last."""
        with _quiet(self._optuna):
            for trial, score in zip(self._trials, scores, strict=True):
                trial.set_user_attr(VIOLATION, score.violation)
                values = self._worst.values(score)
                if self._penalises and score.violation > 0:
                    values = (BEHIND * (1 + score.violation),)
                self._study.tell(trial, values)

    def _sampler(self, search: Search) -> Any:
        samplers = self._optuna.samplers
        if search.method == "cmaes":
            independent = samplers.RandomSampler(seed=search.seed)
            return samplers.CmaEsSampler(
                seed=search.seed, popsize=search.round, independent_sampler=independent, warn_independent_sampling=False
            )
        # Trials of one round do not know each other's results: the constant liar keeps them apart.
        return samplers.TPESampler(
            seed=search.seed, n_startup_trials=search.round, constant_liar=True, constraints_func=_violations
        )

    def _distribution(self, domain: Any) -> Any:
        kinds = self._optuna.distributions
        if isinstance(domain, Interval):
            kind = kinds.IntDistribution if domain.integer else kinds.FloatDistribution
            return kind(domain.first, domain.to, log=domain.log)
        if isinstance(domain, Choices) and not all(_is_number(value) for value in domain.values):
            return kinds.CategoricalDistribution(list(range(len(domain))))
        return kinds.IntDistribution(0, len(domain) - 1)

    def _value(self, domain: Any, drawn: Any) -> Any:
        return drawn if isinstance(domain, Interval) else domain[drawn]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _violations(trial: Any) -> tuple[float]:
    return (trial.user_attrs[VIOLATION],)


def _optuna(method: str) -> Any:
    try:
        import optuna

        if method == "cmaes":
            import cmaes  # noqa: F401
    except ImportError as error:
        raise MissingExtraError(error.name or "optuna", "search", f"search by {method}") from None
    return optuna


@contextmanager
def _quiet(optuna: Any) -> Iterator[None]:
    """Nothing of the library's talk, on stdout or stderr."""
    verbosity = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        optuna.logging.set_verbosity(verbosity)
