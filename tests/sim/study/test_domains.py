import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitline.sim.study.domains import Choices, Factors, Interval, Linked, Steps, parse_domain

parts = st.floats(0, 1, exclude_max=True)


def all_of(data):
    domain = parse_domain(data)
    return [domain[index] for index in range(len(domain))]


def test_a_list_is_in_order_whatever_the_file_says():
    assert all_of([16, "auto", 2, "m10", "m9"]) == [2, 16, "auto", "m9", "m10"]


def test_steps_end_at_or_before_the_end():
    assert all_of({"from": 4, "to": 16, "step": 4}) == [4, 8, 12, 16]
    assert all_of({"from": 4, "to": 15, "step": 4}) == [4, 8, 12]
    assert all_of({"from": 3, "to": 3, "step": 1}) == [3]


def test_ten_steps_of_a_tenth_are_one():
    assert all_of({"from": 0, "to": 1, "step": 0.1}) == [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0]


def test_factors_of_whole_numbers_are_whole():
    values = all_of({"from": 1, "to": 64, "factor": 2})
    assert values == [1, 2, 4, 8, 16, 32, 64]
    assert all(isinstance(value, int) for value in values)
    assert all_of({"from": 1, "to": 63, "factor": 2}) == [1, 2, 4, 8, 16, 32]
    assert all_of({"from": 1.5, "to": 12, "factor": 2}) == [1.5, 3.0, 6.0, 12.0]


@given(st.integers(1, 10**6), st.integers(0, 10**6), st.integers(1, 1000))
def test_steps_are_counted_without_making_them(first, more, step):
    domain = parse_domain({"from": first, "to": first + more, "step": step})
    assert len(domain) == len(range(first, first + more + 1, step))
    assert domain[len(domain) - 1] == range(first, first + more + 1, step)[-1]


def test_a_long_range_takes_no_memory():
    domain = parse_domain({"from": 1, "to": 10**9, "step": 1})
    assert len(domain) == domain[10**9 - 1] == 10**9


@given(st.floats(-1e6, 1e6), st.floats(0, 1e6), parts)
def test_an_interval_holds_what_it_gives(first, more, part):
    domain = parse_domain({"from": first, "to": first + more})
    assert domain.first <= domain.at(part) <= domain.to


def test_a_log_interval_is_alike_in_every_order_of_magnitude():
    domain = parse_domain({"from": 1.0, "to": 10000.0, "log": True})
    assert [domain.at(part) for part in (0, 0.25, 0.5, 0.75, 1)] == pytest.approx([1, 10, 100, 1000, 10000])


@pytest.mark.parametrize("log", [False, True])
def test_a_whole_interval_reaches_both_ends(log):
    domain = parse_domain({"from": 3, "to": 9, "integer": True, "log": log})
    found = {domain.at(part / 1000) for part in range(1000)}
    assert found == set(range(3, 10))
    assert all(isinstance(value, int) for value in found)


@given(st.lists(st.integers(), min_size=1, max_size=9, unique=True), parts)
def test_a_part_of_a_list_is_the_value_there(values, part):
    assert parse_domain(values).at(part) == sorted(values)[math.floor(part * len(values))]


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        ([1, 2], Choices),
        ({"from": 1, "to": 3, "step": 1}, Steps),
        ({"from": 1, "to": 4, "factor": 2}, Factors),
        ({"from": 1, "to": 4, "log": True, "integer": False}, Interval),
        ({"expr": "a.b * 2"}, Linked),
    ],
)
def test_a_domain_is_written_as_it_was_read(data, kind):
    domain = parse_domain(data)
    assert isinstance(domain, kind)
    assert domain.to_data() == data
    assert parse_domain(domain) is domain


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ([], "has no values: the grid is empty"),
        ([1, 1], "has the value 1 twice"),
        (3, "3 is neither a list of values nor a range"),
        ({}, "is missing"),
        ({"from": 1}, "to: is missing"),
        ({"from": 4, "to": 1, "step": 1}, "runs from 4 down to 1: the grid is empty"),
        ({"from": 4, "to": 1}, "runs from 4 down to 1: the grid is empty"),
        ({"from": 1, "to": 4, "step": 0}, "step: input should be greater than 0"),
        ({"from": 1, "to": 4, "step": -1}, "step: input should be greater than 0"),
        ({"from": 0, "to": 4, "factor": 2}, "from: input should be greater than 0"),
        ({"from": 1, "to": 4, "factor": 1}, "factor: input should be greater than or equal to 1.001"),
        ({"from": 1, "to": 4, "step": 1, "factor": 2}, "factor: unknown field"),
        ({"from": 1, "to": 4, "form": 1}, "unknown field 'form'; expected did you mean 'from'?"),
        ({"from": 0, "to": 4, "log": True}, "a log range begins above 0"),
        ({"from": 1.5, "to": 4, "integer": True}, "a range of whole numbers has whole ends"),
        ({"from": "a", "to": 4}, "from"),
        ({"from": 1, "to": 1e18, "step": 1e-6}, "values"),
        ({"from": 1, "to": 10**400}, "to: input should be less than or equal to"),
        ({"expr": "a", "from": 1}, "a formula stands alone"),
        ({"expr": 3}, "a formula stands alone"),
        ({"expr": "a +"}, "'a +' is not a formula"),
    ],
)
def test_a_wrong_domain_is_one_error(data, says):
    with pytest.raises(ValueError) as error:
        parse_domain(data)
    assert says in str(error.value)
