import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitline.plots.report.effects import MAX_LEVELS, main_effects

GRID = list(itertools.product([1, 2, 4], ["a", "b"], [10, 20]))


def columns_of(points):
    a, b, c = zip(*points)
    return {"a": list(a), "b": list(b), "c": list(c)}


def product(a, b, c):
    return (6 / a) * {"a": 1.0, "b": 1.5}[b] * (1.0 if c == 10 else 1.1)


def test_the_parameter_that_moves_the_objective_most_comes_first():
    effects = main_effects(columns_of(GRID), [product(*point) for point in GRID])
    assert [effect.name for effect in effects.of] == ["a", "b", "c"]
    assert [effect.ratio for effect in effects.of] == pytest.approx([4, 1.5, 1.1])
    assert effects.explained == pytest.approx(1)
    assert [label for label, _ in effects.of[0].levels] == ["1", "2", "4"]
    assert np.prod([value for _, value in effects.of[0].levels]) == pytest.approx(1)


@given(st.sets(st.sampled_from(GRID), min_size=8))
def test_points_that_failed_bias_nothing_where_parameters_act_one_by_one(left):
    points = sorted(left)
    effects = main_effects(columns_of(points), [product(*point) for point in points])
    if effects.explained is not None and connected(points):
        found = {effect.name: effect.ratio for effect in effects.of}
        expected = {"a": 4, "b": 1.5, "c": 1.1}
        for name, values in columns_of(points).items():
            if len(set(values)) == len({point["abc".index(name)] for point in GRID}):
                assert found[name] == pytest.approx(expected[name])


def connected(points):
    """Can all parameters be told apart in these points? The rank of their indicators says so."""
    rows = [
        [1, *(a == x for x in (1, 2, 4)), *(b == x for x in "ab"), *(c == x for x in (10, 20))] for a, b, c in points
    ]
    levels = sum(len(set(values)) for values in zip(*points))
    return np.linalg.matrix_rank(np.array(rows, float)) == 1 + levels - 3


def test_parameters_that_act_together_leave_some_spread_unexplained():
    points = list(itertools.product([1, 2], [1, 2]))
    values = [10.0 if a == b else 1.0 for a, b in points]
    effects = main_effects({"a": [a for a, _ in points], "b": [b for _, b in points]}, values)
    assert effects.explained == pytest.approx(0)


def test_a_number_with_many_values_is_cut_into_ranges():
    x = list(range(1, 4 * MAX_LEVELS + 1))
    effects = main_effects({"x": x}, [math.exp(0.1 * value) for value in x])
    assert [label for label, _ in effects.of[0].levels] == ["1–12", "13–24", "25–36", "37–48"]
    assert effects.of[0].ratio == pytest.approx(math.exp(0.1 * 36))


def test_a_parameter_with_a_value_a_point_cannot_be_told_from_chance():
    assert main_effects({"x": ["a", "b", "c", "d"]}, [1.0, 2.0, 3.0, 4.0]).of == ()


def test_a_number_drawn_anew_for_each_point_is_cut_into_ranges_however_few_they_are():
    (effect,) = main_effects({"x": [1, 2, 3, 4, 5, 6, 7, 8]}, [1.0, 1.0, 2.0, 2.0, 4.0, 4.0, 8.0, 8.0]).of
    assert [label for label, _ in effect.levels] == ["1–2", "3–4", "5–6", "7–8"]
    assert effect.ratio == pytest.approx(8)


def test_as_many_terms_as_points_explain_nothing():
    effects = main_effects({"x": [1, 1, 2], "y": ["a", "b", "b"]}, [1.0, 2.0, 3.0])
    assert effects.explained is None
    assert {effect.name for effect in effects.of} == {"x", "y"}


@pytest.mark.parametrize("values", [[1.0, 2.0], [1.0, -1.0, 2.0], [1.0, 0.0, 2.0], [1.0, math.inf, 2.0]])
def test_no_effects_are_told_of_too_little_or_of_what_has_no_ratio(values):
    assert main_effects({"a": [1, 1, 2][: len(values)]}, values).of == ()
