"""Arithmetic says the same for a number and for an array of numbers."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from bitline.base.columns import ceil_ratio, choose, index_of_largest, larger, of_distinct

NUMBERS = st.floats(-1e12, 1e12)
PAIRS = st.lists(st.tuples(NUMBERS, NUMBERS), min_size=1, max_size=20)


@given(PAIRS)
def test_larger_and_choose_are_those_of_each_number(pairs):
    first, second = np.array(pairs).T
    assert larger(first, second).tolist() == [larger(a, b) for a, b in pairs]
    assert choose(first > second, first, second).tolist() == [choose(a > b, a, b) for a, b in pairs]
    assert larger(first, 0.5).tolist() == [larger(a, 0.5) for a, _ in pairs]


@given(st.lists(st.tuples(st.integers(0, 1 << 50), st.integers(1, 1 << 20)), min_size=1, max_size=20))
def test_groups_are_whole_numbers_that_hold_the_count(pairs):
    counts, sizes = np.array(pairs, np.int64).T
    alone = [ceil_ratio(count, size) for count, size in pairs]
    assert ceil_ratio(counts, sizes).tolist() == alone
    assert all(type(groups) is int for groups in alone)


@given(st.lists(st.lists(st.integers(0, 3), min_size=3, max_size=3), min_size=1, max_size=20))
def test_of_equal_values_the_first_is_the_largest(rows):
    found = index_of_largest(list(np.array(rows).T))
    assert found.tolist() == [row.index(max(row)) for row in rows] == [index_of_largest(row) for row in rows]


def test_a_function_is_called_once_for_each_distinct_value():
    called = []

    def double(value):
        called.append(value)
        return 2 * value

    assert of_distinct(double, np.array([3, 1, 3, 3, 1])).tolist() == [6, 2, 6, 6, 2]
    assert called == [1, 3]
    assert of_distinct(double, 5) == 10
