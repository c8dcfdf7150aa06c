"""Iteration-level batching: who comes in, who leaves, what is kept."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitline.base.errors import CapacityError, SpecError
from bitline.sim.schedule.assign import ASSIGNMENTS, make_assignment
from bitline.sim.schedule.kv_space import KvSpace, PageRule
from bitline.sim.schedule.pool import RequestPool
from bitline.traces.requests import Request


def pool(requests, *, homes=1, units=1 << 20, page=1, token_bytes=1, policy="round_robin", max_batch=1 << 20):
    space = KvSpace(PageRule(page, token_bytes), homes, units * page * token_bytes)
    return RequestPool(requests, space, make_assignment(policy), lambda context: context, max_batch)


def ids(requests):
    return [request.id for request in requests]


def test_the_finished_leave_and_the_waiting_come_in():
    made = pool([Request(0, 5, 2), Request(1, 5, 1), Request(2, 5, 3)], max_batch=2)
    assert ids(made.admit()) == [0, 1]
    first = made.step()
    assert (first.tokens, ids(first.finished), first.preempted) == (2, [1], ())
    assert ids(made.admit()) == [2]
    assert ids(made.step().finished) == [0]
    assert made.admit() == []
    assert [made.step().tokens, ids(made.step().finished)] == [1, [2]]
    assert (made.running, made.space.used, made.loads.cycles, made.loads.requests) == ({}, [0], [0], [0])


def test_nobody_comes_before_they_arrive():
    made = pool([Request(0, 5, 2, arrival_ps=70), Request(1, 5, 1, arrival_ps=30)])
    assert made.next_arrival_ps == 30
    assert made.admit(29) == []
    assert ids(made.admit(30)) == [1]
    assert ids(made.admit(100)) == [0]
    assert made.next_arrival_ps is None


@pytest.mark.parametrize("policy", ASSIGNMENTS)
def test_none_passes_one_that_came_earlier(policy):
    """Ten units: the first takes six, the second finds no room, and the small third waits behind it."""
    made = pool([Request(0, 5, 9), Request(1, 8, 1), Request(2, 1, 1)], units=10, policy=policy)
    assert ids(made.admit()) == [0]


def test_room_grows_page_by_page():
    made = pool([Request(0, 3, 6)], page=4)
    made.admit()
    used = [made.space.used[0]]
    for _ in range(5):
        made.step()
        used.append(made.space.used[0])
    assert used == [1, 2, 2, 2, 2, 3]  # contexts 4 to 9


def test_the_youngest_is_sent_back_and_comes_again_first():
    """Nine units. Contexts 4 and 4; at 5 and 5 the second has to go."""
    made = pool([Request(0, 3, 3), Request(1, 3, 3), Request(2, 1, 1)], units=9)
    assert ids(made.admit()) == [0, 1]
    step = made.step()
    assert (step.tokens, ids(step.preempted), made.space.used) == (2, [1], [5])
    assert ids(made.waiting) == [1, 2]
    assert made.waiting[0].done_tokens == 1
    assert made.admit() == []
    assert [step.tokens for step in (made.step(), made.step())] == [1, 1]
    assert ids(made.admit()) == [1, 2]
    assert [made.step().tokens, made.step().tokens, made.running] == [2, 1, {}]


def test_a_request_keeps_its_channel():
    made = pool([Request(i, 10 + i, 4) for i in range(6)], homes=3, policy="greedy_min_load")
    made.admit()
    before = {one.request.id: one.channel for one in made.running.values()}
    made.step()
    assert {one.request.id: one.channel for one in made.running.values()} == before
    assert [ids(channel) for channel in made.by_channel()] == [[0, 5], [1, 4], [2, 3]]


def test_a_batch_that_does_not_fit_says_how_much_is_missing():
    made = pool([Request(i, 99, 1) for i in range(8)], homes=2, units=300, token_bytes=1000)
    with pytest.raises(CapacityError) as caught:
        made.admit_all()
    assert str(caught.value) == (
        "batch: 8 requests do not fit: 2 of them, with 0.2 MB of keys and values, find no room in 2 x 0.3 MB; "
        "expected about 6 requests of these lengths, or more memory or devices"
    )
    assert made.running == {}
    with pytest.raises(CapacityError, match="batch: is 8; expected at most max_batch = 4"):
        pool([Request(i, 9, 1) for i in range(8)], max_batch=4).admit_all()


def test_a_request_that_never_fits():
    with pytest.raises(CapacityError, match=r"request 3 with 21 tokens needs .* more than the memory has"):
        pool([Request(3, 20, 5)], units=20).admit()
    made = pool([Request(3, 19, 5)], homes=2, units=20)
    made.admit()
    with pytest.raises(CapacityError, match=r"request 3 with 21 tokens needs .* more than a channel has"):
        made.step()


def test_requests_that_cannot_be():
    with pytest.raises(SpecError, match="two requests have one id"):
        pool([Request(0, 1, 1), Request(0, 1, 1)])
    with pytest.raises(SpecError, match="without tokens left to make"):
        pool([Request(0, 1, 1, 1)])
    with pytest.raises(SpecError, match="max_batch: is 0; expected at least 1 request"):
        pool([], max_batch=0)


requests = st.lists(st.tuples(st.integers(1, 40), st.integers(1, 12), st.integers(0, 20)), min_size=1, max_size=25)


@given(requests, st.sampled_from(sorted(ASSIGNMENTS)), st.integers(1, 4), st.integers(1, 8), st.data())
def test_all_tokens_are_made_and_all_room_is_given_back(drawn, policy, homes, page, data):
    """Whatever the memory, as long as one request fits alone."""
    made = [Request(i, *one[:2], arrival_ps=one[2]) for i, one in enumerate(drawn)]
    longest = max(-(-request.last_context // page) for request in made)
    units, batch = data.draw(st.integers(longest, 4 * longest)), data.draw(st.integers(1, 30))
    one = pool(made, homes=homes, units=units, page=page, policy=policy, max_batch=batch)
    tokens, finished, now = 0, [], 0
    while one.waiting or one.running:
        if not one.running:
            now = max(now, one.next_arrival_ps)
        one.admit(now)
        assert 1 <= len(one.running) <= batch
        assert max(one.space.used) <= units
        held = [0] * homes
        for running in one.running.values():
            assert running.request.arrival_ps <= now
            held[running.channel] += running.units
            assert running.units == one.space.rule.units(running.request.context)
        assert held == one.space.used
        assert one.loads.cycles == [sum(request.context for request in channel) for channel in one.by_channel()]
        assert one.loads.requests == [len(channel) for channel in one.by_channel()]
        step = one.step()
        tokens += step.tokens
        finished += step.finished
        now += 1
    assert tokens == sum(request.output_tokens for request in made)
    assert sorted(ids(finished)) == ids(made)
    assert all(request.done_tokens == request.output_tokens for request in finished)
    assert one.space.used == one.loads.cycles == one.loads.requests == [0] * homes
