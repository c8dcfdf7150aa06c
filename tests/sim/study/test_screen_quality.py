"""Measures of a screen on cases whose answers are known."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitline.sim.study.screen_quality import Simulated, kendall, screen_quality, spearman


def simulated(bound, cycle, kept=True, workload=0):
    return Simulated(workload, kept, (float(bound),), (float(cycle),))


def quality(rows, dropped=None):
    return screen_quality(rows, ["time_s"], dropped or {})


VALUES = st.lists(st.tuples(st.integers(-5, 5), st.integers(-5, 5)), min_size=2, max_size=15)


@given(VALUES)
def test_kendall_counts_the_pairs_that_agree(pairs):
    concordant = ties_first = ties_second = 0
    for (a, b), (c, d) in itertools.combinations(pairs, 2):
        concordant += int(np.sign(a - c) * np.sign(b - d))
        ties_first += a == c
        ties_second += b == d
    count = len(pairs) * (len(pairs) - 1) / 2
    spread = (count - ties_first) * (count - ties_second)
    found = kendall(*np.array(pairs, float).T)
    assert found == (pytest.approx(concordant / spread**0.5) if spread else None)


@given(VALUES)
def test_spearman_is_the_correlation_of_mean_ranks(pairs):
    ranks = []
    for column in zip(*pairs):
        ordered = sorted(column)
        ranks.append([np.mean([i for i, other in enumerate(ordered) if other == one]) for one in column])
    found = spearman(*np.array(pairs, float).T)
    if any(len(set(column)) == 1 for column in zip(*pairs)):
        assert found is None
    else:
        assert found == pytest.approx(np.corrcoef(ranks)[0, 1])


@pytest.mark.parametrize(("shape", "expected"), [(lambda value: value**3, 1.0), (lambda value: -value, -1.0)])
def test_an_order_that_is_kept_or_turned_round(shape, expected):
    found = quality([simulated(value, shape(value)) for value in range(20)])["objectives"]["time_s"]
    assert (found["spearman"], found["kendall"]) == (pytest.approx(expected), pytest.approx(expected))
    assert found["check_spearman"] is None


def test_workloads_are_ranked_apart():
    # The large model is slow at both levels; within each model the bound has the order wrong.
    rows = [simulated(base + value, base - value, workload=base) for base in (0, 1000) for value in range(5)]
    assert quality(rows)["objectives"]["time_s"]["kendall"] == -1.0


def test_random_points_are_measured_alone_too():
    kept = [simulated(value, value) for value in range(5)]
    others = [simulated(10 + value, 30 - value, kept=False) for value in range(5)]
    found = quality(kept + others)
    assert (found["simulated"], found["checked"]) == (10, 5)
    assert found["objectives"]["time_s"]["check_kendall"] == -1.0
    assert 0 < found["objectives"]["time_s"]["kendall"] < 1


def front(kept_times, other_times):
    """Two objectives, so that several points are on the front: the shorter the time, the more the energy."""
    rows = [Simulated(0, True, (t, 1 / t), (t, 1 / t)) for t in kept_times]
    rows += [Simulated(0, False, (t, 1 / t), (t, 1 / t)) for t in other_times]
    return rows


def test_recall_is_the_part_of_the_front_that_was_kept():
    found = screen_quality(front([1.0, 2.0, 3.0], [4.0]), ["time_s", "energy_j"], {0: 10})
    assert (found["on_front"], found["front_recall"]) == (4, 0.75)
    # The one random point stands for the ten from which it was drawn.
    assert found["estimated_recall"] == pytest.approx(3 / (3 + 10))


def test_a_screen_that_kept_the_whole_front_recalls_all_of_it():
    rows = [*front([1.0, 2.0], []), Simulated(0, False, (9.0, 9.0), (9.0, 9.0))]
    found = screen_quality(rows, ["time_s", "energy_j"], {0: 500})
    assert (found["on_front"], found["front_recall"], found["estimated_recall"]) == (2, 1.0, 1.0)


def test_without_random_points_nothing_is_said_of_recall():
    found = quality([simulated(1, 2), simulated(2, 3)])
    assert (found["front_recall"], found["estimated_recall"]) == (None, None)
    assert quality([])["objectives"]["time_s"] == dict.fromkeys(
        ("spearman", "kendall", "check_spearman", "check_kendall")
    )
