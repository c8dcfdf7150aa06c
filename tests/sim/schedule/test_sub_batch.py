"""Halves and micro-batches of requests on channels."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitline.base.errors import SpecError
from bitline.sim.schedule.sub_batch import halves, interleaves, micro_batches

channels = st.lists(st.integers(0, 9), min_size=1, max_size=40)


def numbered(counts):
    start = 0
    made = []
    for count in counts:
        made.append(list(range(start, start + count)))
        start += count
    return made


def test_odd_channels_round_up_and_down_in_turn():
    first, second = halves([["a", "b", "c"], ["d", "e"], ["f"], [], ["g"], ["h", "i", "j"]])
    assert first == [["a", "b"], ["d"], [], [], ["g"], ["h"]]
    assert second == [["c"], ["e"], ["f"], [], [], ["i", "j"]]


@given(channels)
def test_halves_hold_every_request_once_and_differ_by_one(counts):
    made = numbered(counts)
    first, second = halves(made)
    assert [one + other for one, other in zip(first, second)] == made
    assert all(abs(len(one) - len(other)) <= 1 for one, other in zip(first, second))
    assert 0 <= sum(map(len, first)) - sum(map(len, second)) <= 1


@given(channels, st.integers(1, 8))
def test_micro_batches_hold_every_request_once_and_differ_by_one(counts, count):
    made = numbered(counts)
    if sum(counts) < count:
        with pytest.raises(SpecError, match=f"at least {count}: a request for each"):
            micro_batches(made, count)
        return
    found = micro_batches(made, count)
    assert len(found) == count
    for channel, requests in enumerate(made):
        sizes = [len(one[channel]) for one in found]
        assert max(sizes) - min(sizes) <= 1
        assert sorted(request for one in found for request in one[channel]) == requests
    totals = [sum(map(len, one)) for one in found]
    assert max(totals) - min(totals) <= 1


@pytest.mark.parametrize(
    ("rule", "batch", "cut"),
    [
        ("never", 512, False),
        ("always", 2, True),
        ("always", 1, False),
        ("from_batch", 255, False),
        ("from_batch", 256, True),
    ],
)
def test_when_a_batch_is_cut(rule, batch, cut):
    assert interleaves(rule, 256, batch) is cut
