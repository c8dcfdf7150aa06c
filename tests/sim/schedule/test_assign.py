"""Which channel a request goes to."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitline.base.errors import SpecError
from bitline.sim.schedule.assign import ASSIGNMENTS, ChannelLoads, make_assignment
from bitline.traces.requests import Request


def place(name, contexts, channels):
    """Channels, in order of the ids, with the context as load and room everywhere."""
    policy, loads, found = make_assignment(name), ChannelLoads.empty(channels), {}
    for request in policy.order([Request(i, context - 1, 1) for i, context in enumerate(contexts)]):
        channel = policy.choose(loads, [True] * channels)
        loads.add(channel, request.context)
        found[request.id] = channel
    return [found[i] for i in range(len(contexts))], loads


def test_round_robin_takes_turns():
    assert place("round_robin", [9, 2, 7, 5, 3], 3)[0] == [0, 1, 2, 0, 1]


def test_round_robin_passes_over_full_channels():
    loads = ChannelLoads.empty(3)
    assert make_assignment("round_robin").choose(loads, [False, False, True]) == 2
    loads.add(2, 5)
    assert make_assignment("round_robin").choose(loads, [True, True, True]) == 0


def test_greedy_takes_the_longest_first_to_the_least_loaded():
    """9, 7, 5, 3, 2 on three channels: 9 | 7 | 5, then 3 to the 5, 2 to the 7."""
    channels, loads = place("greedy_min_load", [9, 2, 7, 5, 3], 3)
    assert channels == [0, 1, 1, 2, 2]
    assert loads.cycles == [9, 9, 8]


def test_greedy_sees_what_lies_there_already():
    loads = ChannelLoads([10, 3, 4], [1, 3, 1])
    assert make_assignment("greedy_min_load").choose(loads, [True] * 3) == 1
    assert make_assignment("greedy_min_load").choose(loads, [True, False, True]) == 2
    assert make_assignment("shortest_queue").choose(loads, [True] * 3) == 0


@pytest.mark.parametrize("name", ASSIGNMENTS)
def test_no_channel_has_room(name):
    assert make_assignment(name).choose(ChannelLoads.empty(2), [False, False]) is None


lengths = st.lists(st.integers(2, 3000), max_size=60)


@given(st.sampled_from(sorted(ASSIGNMENTS)), lengths, st.integers(1, 8))
def test_every_request_once(name, contexts, channels):
    found, loads = place(name, contexts, channels)
    assert len(found) == len(contexts)
    assert sum(loads.requests) == len(contexts)
    assert sum(loads.cycles) == sum(contexts)
    assert [found.count(channel) for channel in range(channels)] == loads.requests


@given(st.sampled_from(["round_robin", "shortest_queue"]), lengths, st.integers(1, 8))
def test_counts_differ_by_one_at_most(name, contexts, channels):
    loads = place(name, contexts, channels)[1]
    assert max(loads.requests) - min(loads.requests) <= 1


@given(lengths.filter(len), st.integers(1, 8))
def test_greedy_keeps_to_grahams_bounds(contexts, channels):
    """Graham 1969: list scheduling differs by at most one job; longest first is within 4/3 - 1/(3n) of the best."""
    loads = place("greedy_min_load", contexts, channels)[1].cycles
    assert max(loads) - min(loads) <= max(contexts)
    best = max(max(contexts), -(-sum(contexts) // channels))
    assert max(loads) <= best + max(contexts) * (1 - 1 / channels)


def test_an_unknown_name():
    with pytest.raises(SpecError, match="assignment: unknown assignment 'greedy'; expected"):
        make_assignment("greedy")
