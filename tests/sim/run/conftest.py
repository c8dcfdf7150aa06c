"""Whole runs, each made once."""

from functools import cache

import pytest

from bitline.sim.run.run import execute, plan


@cache
def _run(system, model, fast_forward, logging, settings, options):
    planned = plan(system, model=model, settings=dict(settings), **dict(options))
    return execute(planned, fast_forward=fast_forward, logging=logging)


@pytest.fixture(scope="session")
def run():
    """A Result. `settings` as --set has them, options as bitline.run has them."""

    def result(model="gpt2", system="pim-gpt", settings=(), **options):
        return _run(system, model, True, False, tuple(dict(settings).items()), tuple(sorted(options.items())))[0]

    return result


@pytest.fixture(scope="session")
def logged():
    """(Result, PimRun) of a run that keeps its commands."""

    def both(model, system, *, fast_forward=True, settings=(), **options):
        settings = tuple(dict(settings).items())
        return _run(system, model, fast_forward, True, settings, tuple(sorted(options.items())))

    return both
