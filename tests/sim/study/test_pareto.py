"""Pareto fronts, against the definition applied to every pair of rows."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitline.sim.study import pareto
from bitline.sim.study.pareto import as_costs, beyond_front, on_front


def by_definition(costs):
    known = [not any(np.isnan(row)) for row in costs]

    def beats(one, other):
        return all(a <= b for a, b in zip(one, other)) and any(a < b for a, b in zip(one, other))

    return [
        known[i] and not any(known[j] and beats(costs[j], row) for j in range(len(costs)))
        for i, row in enumerate(costs)
    ]


def tables(values):
    def of(objectives):
        row = st.lists(values, min_size=objectives, max_size=objectives)
        return st.lists(row, min_size=1, max_size=40).map(lambda rows: np.array(rows, float))

    return st.integers(1, 4).flatmap(of)


SMALL = st.one_of(st.integers(-3, 3), st.just(float("nan")))


@given(tables(SMALL))
def test_the_front_is_what_no_row_beats(costs):
    assert on_front(costs).tolist() == by_definition(costs.tolist())


@pytest.mark.parametrize("objectives", [1, 2, 3, 4])
def test_a_large_table_has_the_front_of_its_definition(objectives, monkeypatch):
    monkeypatch.setattr(pareto, "AT_ONCE", 50)
    random = np.random.default_rng(objectives)
    costs = np.round(random.uniform(0, 1, (700, objectives)), 2)
    costs[random.uniform(size=700) < 0.1, 0] = np.nan
    assert on_front(costs).tolist() == by_definition(costs.tolist())


def test_equal_rows_are_on_the_front_together():
    assert on_front(np.array([[1.0, 2.0], [2.0, 1.0], [1.0, 2.0], [2.0, 2.0]])).tolist() == [True, True, True, False]


def test_failed_rows_are_on_no_front_and_keep_nobody_off_it():
    assert on_front(np.array([[np.nan, 0.0], [5.0, 5.0]])).tolist() == [False, True]
    assert not on_front(np.full((3, 2), np.nan)).any()
    assert on_front(np.empty((0, 2))).tolist() == []


def test_an_objective_to_maximise_changes_its_sign():
    costs = as_costs(
        {"time_s": [1.0, 2.0, 3.0], "tokens_per_s": [5.0, 9.0, None]}, {"time_s": "min", "tokens_per_s": "max"}
    )
    assert costs[:2].tolist() == [[1.0, -5.0], [2.0, -9.0]]
    assert on_front(costs).tolist() == [True, True, False]


@given(tables(st.floats(0.01, 100)))
def test_a_row_is_behind_the_front_by_what_it_would_have_to_improve(costs):
    front = costs[on_front(costs)]
    found = beyond_front(costs, front, np.inf)
    assert (found[on_front(costs)] == 0).all()
    for row, behind in zip(costs, found):
        # Better by that part, it is no longer beaten in every objective; a bit less would not do.
        assert not (front < row / (1 + behind) * (1 - 1e-9)).all(axis=1).any()
        if behind > 1e-6:
            assert (front <= row / (1 + behind * (1 - 1e-6))).all(axis=1).any()


def test_far_rows_stay_far_when_only_near_ones_are_asked_for():
    random = np.random.default_rng(5)
    costs = random.uniform(1, 2, (5000, 2))
    front = costs[on_front(costs)]
    exact = beyond_front(costs, front, np.inf)
    near = beyond_front(costs, front, 0.05)
    assert ((near <= 0.05) == (exact <= 0.05)).all()
    assert (near[exact <= 0.05] == exact[exact <= 0.05]).all()
    assert (near <= exact).all()


def test_a_value_of_nought_is_endlessly_far_from_any_other():
    assert beyond_front(np.array([[0.0], [1.0], [np.nan]]), np.array([[0.0]]), 0.1).tolist()[:2] == [0.0, np.inf]
