"""Task graphs on units of known time: order, overlap, and what the end waited for."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitline.base.errors import SpecError
from bitline.csrc.engine import Simulator
from bitline.csrc.tasks.dispatcher import TASK, Dispatcher
from bitline.csrc.tasks.unit import Unit

CYCLE_PS = 1000


def machine(n_units, clocks=(1000, 1000, 1000)):
    simulator = Simulator()
    dispatcher = Dispatcher("dispatcher", 1000, n_units)
    simulator.add(dispatcher, rank=0, device=0)
    for i in range(n_units):
        unit = Unit(f"unit {i}", clocks[i])
        simulator.add(unit, rank=1, device=i)
        simulator.connect(dispatcher, unit, capacity=2)
        simulator.connect(unit, dispatcher, capacity=2, width=2)
    return simulator, dispatcher


def graph(*tasks):
    """(unit, cycles) or (unit, cycles, operator) as TASK rows."""
    rows = np.zeros(len(tasks), TASK)
    for row, task in zip(rows, tasks):
        row["unit"], row["program"] = task[:2]
        row["operator"] = task[2] if len(task) > 2 else 0
    return rows


def run(parts, tasks, before=(), after=()):
    simulator, dispatcher = parts
    dispatcher.load(tasks, before, after)
    simulator.wake(dispatcher, simulator.now)
    simulator.run()
    assert dispatcher.finished
    return dispatcher.times()


def test_a_task_starts_after_what_it_depends_on():
    start, end = run(machine(2), graph((0, 50), (1, 20), (0, 5)), [0, 1], [1, 2])
    assert (end - start).tolist() == [51_000, 21_000, 6_000]  # and a cycle for the answer
    assert start[1] >= end[0]
    assert start[2] >= end[1]


def test_units_work_side_by_side_and_one_unit_in_order():
    start, end = run(machine(2), graph((0, 50), (1, 50), (0, 50)))
    assert start[0] == start[1]
    assert start[2] == end[0] - CYCLE_PS


def test_a_graph_of_nothing_is_finished():
    parts = machine(1)
    run(parts, graph())
    run(parts, graph((0, 3)))
    run(parts, graph())
    assert parts[1].times()[0].tolist() == []


@pytest.mark.parametrize(
    ("tasks", "before", "after", "says"),
    [
        (graph((0, 1), (0, 1)), [1], [0], "after it"),
        (graph((0, 1)), [0], [0], "after it"),
        (graph((0, 1), (0, 1)), [0], [2], "after it"),
        (graph((0, 1), (0, 1)), [-1], [1], "after it"),
        (graph((2, 1)), [], [], "unit that is not there"),
        (graph((-1, 1)), [], [], "unit that is not there"),
    ],
)
def test_a_graph_that_cannot_be_run_is_refused(tasks, before, after, says):
    with pytest.raises(SpecError, match=says):
        machine(2)[1].load(tasks, before, after)


@st.composite
def graphs(draw):
    n = draw(st.integers(1, 30))
    tasks = [(draw(st.integers(0, 2)), draw(st.integers(0, 40)), draw(st.integers(0, 4))) for _ in range(n)]
    pairs = st.tuples(st.integers(0, n - 1), st.integers(0, n - 1)).filter(lambda pair: pair[0] < pair[1])
    edges = draw(st.lists(pairs, max_size=40)) if n > 1 else []
    return graph(*tasks), [a for a, _b in edges], [b for _a, b in edges]


@given(graphs())
def test_every_task_runs_once_in_order_and_the_waits_add_up(case):
    tasks, before, after = case
    parts = machine(3, (1000, 700, 333))
    for _round in range(2):  # a second graph goes on where the first one ended
        since = parts[0].now
        start, end = run(parts, tasks, before, after)
        assert (start >= since).all()
        assert (end > start).all()
        for a, b in zip(before, after):
            assert start[b] >= end[a]
        for unit in range(3):
            mine = np.flatnonzero(tasks["unit"] == unit)
            order = mine[np.argsort(start[mine], kind="stable")]
            assert (np.diff(end[order]) >= 0).all()
        waited = parts[1].waited(since, 5)
        assert (waited >= 0).all()
        assert waited.sum() == end.max() - since


@given(graphs())
def test_the_end_is_not_before_any_chain_or_unit(case):
    tasks, before, after = case
    start, end = run(machine(3), tasks, before, after)
    longest = np.zeros(len(tasks), np.int64)
    for task in range(len(tasks)):
        needed = [longest[a] for a, b in zip(before, after) if b == task]
        longest[task] = max(needed, default=0) + tasks["program"][task] * CYCLE_PS
    busiest = max(tasks["program"][tasks["unit"] == unit].sum() for unit in range(3)) * CYCLE_PS
    assert end.max() - start.min() >= max(longest.max(), busiest)
