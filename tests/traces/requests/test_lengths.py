"""Length distributions: what is drawn, from which numbers, the same everywhere."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitline.base.errors import SpecError
from bitline.traces.requests import cold_batch, length_names, load_lengths, warm_batch
from bitline.traces.requests.draw import WORD, below
from bitline.traces.requests.lengths import Lengths, Quantiles, RowLengths

seeds = st.integers(0, (1 << 63) - 1)


def mean(values):
    values = list(values)
    return sum(values) / len(values)


@pytest.mark.parametrize(("name", "inputs", "outputs"), [("sharegpt", 80, 296), ("alpaca", 12, 56)])
def test_means_are_those_of_the_paper(name, inputs, outputs):
    """NeuPIMs, section 8.1. The outliers beyond the 99.9th percentile are left out, so a little less."""
    lengths = load_lengths(name)
    evenly = [WORD * i // 20_000 for i in range(20_000)]
    assert mean(map(lengths.inputs.at, evenly)) == pytest.approx(inputs, rel=0.04)
    assert mean(map(lengths.outputs.at, evenly)) == pytest.approx(outputs, rel=0.01)


def test_the_shipped_names():
    assert length_names() == ["alpaca", "sharegpt"]


def test_first_draws_are_fixed():
    """PCG64 and SeedSequence promise their words; what is made of them is integers."""
    assert load_lengths("sharegpt").draw(3, seed=3) == [(13, 210), (7, 861), (5, 133)]
    assert load_lengths("alpaca").draw(3, seed=3) == [(10, 23), (8, 210), (8, 12)]


@given(st.lists(st.integers(0, 5000), min_size=2, max_size=6), st.integers(0, WORD - 1))
def test_quantiles_are_linear_between_their_points(tokens, word):
    tokens = sorted(tokens)
    marks = [round(i * 999 / (len(tokens) - 1)) for i in range(len(tokens))]
    u = Fraction(word * 1000, WORD)
    if u >= 999:
        expected = Fraction(tokens[-1])
    else:
        i = max(i for i in range(len(marks)) if marks[i] <= u)
        part = (u - marks[i]) / (marks[i + 1] - marks[i])
        expected = tokens[i] + (tokens[i + 1] - tokens[i]) * part
    found = Quantiles([*zip(marks, tokens), (1000, 10**6)]).at(word)
    assert found == 1 or abs(found - expected) <= Fraction(1, 2)
    assert found >= 1


@given(st.integers(0, WORD - 1), st.integers(1, 1 << 40))
def test_below_stays_below(word, limit):
    assert 0 <= below(word, limit) < limit


@given(seeds, st.integers(1, 50), st.integers(1, 50))
def test_a_longer_draw_begins_as_a_shorter_one(seed, few, more):
    lengths = load_lengths("sharegpt")
    assert lengths.draw(few + more, seed)[:few] == lengths.draw(few, seed)


def test_seeds_and_samples_differ():
    lengths = load_lengths("sharegpt")
    draws = [tuple(lengths.draw(20, seed, sample)) for seed in range(4) for sample in range(4)]
    assert len(set(draws)) == len(draws)


@given(st.lists(st.tuples(st.integers(1, 99), st.integers(1, 99)), min_size=1), seeds, st.integers(1, 40))
def test_rows_are_drawn_whole(rows, seed, count):
    drawn = RowLengths("file", [Lengths(*row) for row in rows]).draw(count, seed)
    assert len(drawn) == count
    assert set(drawn) <= set(rows)


@given(seeds, st.integers(1, 64), st.integers(2, 4096))
def test_a_warm_batch_fits_the_model(seed, batch, max_context):
    made = warm_batch(load_lengths("sharegpt"), batch, seed, max_context)
    assert [request.id for request in made.requests] == list(range(batch))
    assert all(0 <= request.done_tokens < request.output_tokens for request in made.requests)
    assert all(request.prompt_tokens >= 1 for request in made.requests)
    assert all(2 <= request.context <= request.last_context <= max_context for request in made.requests)
    whole = warm_batch(load_lengths("sharegpt"), batch, seed, 1 << 20)
    longer = sum(request.last_context > max_context for request in whole.requests)
    assert (whole.clipped, made.clipped) == (0, longer)


def test_progress_is_uniform():
    made = warm_batch(load_lengths("sharegpt"), 20_000, 5, 2048)
    assert mean((one.done_tokens + 0.5) / one.output_tokens for one in made.requests) == pytest.approx(0.5, abs=0.01)


def test_a_cold_batch_is_the_warm_one_before_it_began():
    cold, warm = (make(load_lengths("alpaca"), 8, 2, 2048) for make in (cold_batch, warm_batch))
    assert [one.last_context for one in cold.requests] == [one.last_context for one in warm.requests]
    assert {one.done_tokens for one in cold.requests} == {0}


def test_a_request_counts_its_tokens():
    request = warm_batch(load_lengths("alpaca"), 1, 0, 2048).requests[0]
    assert request.context == request.prompt_tokens + request.done_tokens + 1 == request.advanced().cached_tokens
    while not request.finished:
        last, request = request.context, request.advanced()
    assert last == request.last_context


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"batch": 0}, "batch: is 0; expected 1 to 1048576 requests"),
        ({"seed": -1}, "seed: is -1; expected a whole number from 0"),
        ({"seed": 1.5}, "seed: is 1.5"),
        ({"max_context": 1}, "max_context: is 1; expected at least 2"),
    ],
)
def test_what_cannot_be_drawn(change, message):
    given = {"batch": 4, "seed": 0, "max_context": 2048} | change
    with pytest.raises(SpecError, match="^" + message):
        warm_batch(load_lengths("alpaca"), **given)


def test_an_unknown_name():
    with pytest.raises(SpecError, match=r"unknown lengths 'sharegtp'; expected did you mean 'sharegpt'\? or a \.csv"):
        load_lengths("sharegtp")
