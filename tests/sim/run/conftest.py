"""Whole runs, each made once."""

import json
from functools import cache

import pytest

from bitline.sim.run.run import execute, plan


@cache
def _made(asked):
    kept, system, model, settings, options = json.loads(asked)
    how = {name: options.pop(name) for name in ("level", "fast_forward") if name in options}
    return execute(plan(system, model=model, settings=settings, **options), logging=kept, **how)


def _run(kept, model, system, settings, options):
    return _made(json.dumps([kept, system, model, settings or {}, options]))


@pytest.fixture(scope="session")
def run():
    """A Result. `settings` as --set has them, options as bitline.run has them."""

    def result(model="gpt2", system="pim-gpt", settings=None, **options):
        return _run(False, model, system, settings, options)[0]

    return result


@pytest.fixture(scope="session")
def logged():
    """(Result, PimRun) of a run that keeps its commands."""

    def both(model, system, settings=None, **options):
        return _run(True, model, system, settings, options)

    return both
