"""Task graphs of tokens, before they run."""

import pytest

from bitline.sim.run.pim_run import PimRun
from bitline.sim.run.run import plan


@pytest.fixture(scope="session")
def planned():
    """A PimRun that has not begun."""

    def make(model="gpt2", system="pim-gpt", **options):
        found = plan(system, model=model, **options)
        return PimRun(found.system_name, found.system, found.policy, found.workload, fast_forward=True, logging=False)

    return make


@pytest.fixture(scope="session")
def graph_of():
    """The graph of a run's last token."""

    def build(run):
        return run.builder.graph(run.workload.trace(run.workload.contexts[-1]))

    return build
