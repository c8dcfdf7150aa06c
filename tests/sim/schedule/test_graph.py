"""The task graph of a token: complete, without circles, and on the units that the policy names."""

import numpy as np
import pytest

from bitline.base.errors import SpecError
from bitline.sim.schedule.policy import POLICIES, load_policy
from bitline.sim.schedule.serving_policy import load_any_policy

CASES = [
    ("gpt2", "pim-gpt", {"context": 200}),
    ("gpt2", "hbm-pim", {"context": 1}),
    ("gpt2", "pim-gpt", {"context": 77, "policy": "serial", "settings": {"memory.channels": 3}}),
    ("llama-3.2-1b", "pim-gpt", {"context": 300, "settings": {"memory.channels": 16}}),
]


@pytest.fixture(scope="module", params=CASES, ids=str)
def case(request, planned, graph_of):
    model, system, options = request.param
    run = planned(model, system, **options)
    return run, graph_of(run)


def test_edges_lead_forward(case):
    _run, graph = case
    assert len(graph.before) == len(graph.after) > 0
    assert (graph.before >= 0).all()
    assert (graph.before < graph.after).all()
    assert (graph.after < len(graph.tasks)).all()


def test_every_operator_has_tasks_in_every_repeat(case):
    run, graph = case
    trace = run.workload.trace(run.workload.contexts[-1])
    assert len(graph.work) == sum(len(block.operators) for block in trace.blocks)
    tasks = np.bincount(graph.tasks["operator"], minlength=len(graph.work))
    for one, count in zip(graph.work, tasks.tolist()):
        assert count > 0
        assert count % one.repeats == 0
        in_banks = sum(len(programs) for programs in one.steps)
        assert count >= one.repeats * in_banks
        assert bool(one.steps) == (one.unit == "pim")


def test_tasks_are_on_units_and_programs_that_are_there(case):
    run, graph = case
    assert graph.tasks["unit"].min() == 0
    assert graph.tasks["unit"].max() <= len(run.classes)
    banks = graph.tasks[graph.tasks["unit"] > 0]
    assert banks["program"].min() >= 0
    assert banks["program"].max() < len(run.builder.programs)
    # A base and all that its program reaches stay inside the rows for data.
    for task in np.unique(banks[["program", "base"]]):
        program = run.builder.programs[task["program"]]
        assert task["base"] + program.low >= 0
        free = program.body["fixed"] == 0
        highest = program.high if free.all() else int(program.body["offset"][free].max())
        assert task["base"] + highest < run.device.data_rows


def test_nothing_is_left_at_the_end_but_the_last_operator(case):
    """What no other task waits for: the logits, and writes that only later tokens read."""
    _run, graph = case
    last = np.setdiff1d(np.arange(len(graph.tasks)), graph.before)
    kinds = {graph.work[int(graph.tasks["operator"][task])].kind for task in last}
    assert "matmul" in kinds
    assert kinds <= {"matmul", "kv_append", "attention"}


def test_a_run_does_every_task_once(planned):
    run = planned(context=33)
    run.run()
    graph, _since = run.last
    start, end = run.machine.dispatcher.times()
    assert run.machine.dispatcher.finished
    assert (end > start).all()
    assert (start[graph.after] >= end[graph.before]).all()
    # One message to start each task, one when it is done.
    assert sum(sent for *_names, sent, _taken in run.machine.simulator.messages()) == 2 * len(graph.tasks)
    assert sum(total.count for total in run.totals) == sum(one.repeats for one in graph.work)


# --- policies ---


@pytest.mark.parametrize("name", POLICIES.names())
def test_every_policy_loads(name):
    policy = load_any_policy(name)
    assert policy.description
    assert policy.unit_of("a kind that nobody names") == policy.mapping["other"]


def test_a_policy_says_where_operators_run():
    policy = load_policy("pim-gpt")
    assert policy.unit_of("matmul") == policy.unit_of("attention") == "pim"
    assert policy.unit_of("softmax") == "asic"


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"mapping.matmul": "gpu"}, "mapping.matmul"),
        ({"softmax": "bychunk"}, "by_chunk"),
        ({"reserved_tokens": -1}, "reserved_tokens"),
        ({"value_apend": "before_score"}, "value_append"),
    ],
)
def test_a_policy_that_is_wrong_is_refused(settings, says):
    with pytest.raises(SpecError, match=says):
        load_policy("pim-gpt", settings)


def test_serial_overlaps_nothing_that_pim_gpt_overlaps(planned):
    hidden = {}
    for policy in ("serial", "pim-gpt"):
        run = planned(context=200, policy=policy)
        run.run()
        totals = dict(run.totals.items())
        hidden[policy] = totals["attention.softmax"].busy_ps - totals["attention.softmax"].waited_ps
    assert hidden["serial"] <= 0 < hidden["pim-gpt"]
