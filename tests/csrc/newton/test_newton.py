"""A channel whose banks compute: timing by the independent checker, order, conservation, and what may overlap."""

from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bitline.sim.check import Checker

DUAL = ("neupims-hbm2", "neupims-hbm2-careful")
SINGLE = ("newton-hbm2", "newton")
ALL = [*[(part, "neupims") for part in DUAL], SINGLE]
SEEDS = st.integers(0, 1 << 30)
MEMORY_COMMANDS = ("ACT", "PRE", "RD", "WR")


def tile(row, comps, results=1):
    return [
        (0, "header", {"row": row, "comps": comps * results, "results": results}),
        *[(0, "comps", {"row": row, "comps": comps})] * results,
    ]


@pytest.mark.parametrize(("part", "controller"), ALL)
@settings(max_examples=12, deadline=None)
@given(seed=SEEDS, gap=st.sampled_from([2, 8, 40]))
def test_checker_accepts_whatever_is_issued(part, controller, run_newton, random_work, seed, gap):
    outcome = run_newton(random_work(seed, gap=gap), part, controller)
    report = Checker(part).check(outcome.checker_log())
    assert report.passed, report.text()


@pytest.mark.parametrize(("part", "rules"), list(zip(DUAL, ("neupims", "neupims-careful"))))
def test_rule_sets_with_their_own_numbers_agree(part, rules, run_newton, random_work):
    assert Checker(rules).check(run_newton(random_work(5), part).checker_log()).passed


@settings(max_examples=6, deadline=None)
@given(seed=SEEDS)
def test_careful_rules_find_what_newtonsim_leaves_out(run_newton, random_work, seed):
    report = Checker("neupims-careful").check(run_newton(random_work(seed, requests=800)).checker_log())
    assert not report.passed


@pytest.mark.parametrize(("part", "controller"), ALL)
@settings(max_examples=8, deadline=None)
@given(seed=SEEDS)
def test_every_request_is_answered_once_and_every_command_counted(part, controller, run_newton, random_work, seed):
    work = random_work(seed)
    outcome = run_newton(work, part, controller)
    kinds = [kind for _tick, kind, _arguments in work]
    memory = [tag for tag, kind in enumerate(kinds) if kind in ("read", "write")]
    pim = [tag for tag, kind in enumerate(kinds) if kind not in ("read", "write")]
    assert outcome.waiting == (0, 0)
    assert sorted(tag for tag, _tick in outcome.answers) == memory
    assert [tag for tag, _tick in sorted(outcome.pim_answers)] == pim
    assert Counter(row[1] for row in outcome.log) == Counter({k: v for k, v in outcome.issued.items() if v})
    columns = sum(arguments["comps"] for _tick, kind, arguments in work if kind == "comps")
    assert outcome.counts["composite_columns"] + outcome.issued["COMP"] == columns
    assert outcome.issued["P_HEADER"] == kinds.count("header")
    assert outcome.issued["GWRITE"] == kinds.count("gwrite")
    assert outcome.issued["READRES"] + outcome.issued["COMPS_READRES"] == kinds.count("comps")


@pytest.mark.parametrize(("part", "controller"), ALL)
@settings(max_examples=8, deadline=None)
@given(seed=SEEDS)
def test_ticks_that_are_skipped_change_nothing(part, controller, run_newton, random_work, seed):
    work = random_work(seed, tiles=8, requests=150)
    assert run_newton(work, part, controller) == run_newton(work, part, controller, skip=False)


def test_the_same_work_gives_the_same_log(run_newton, random_work):
    assert run_newton(random_work(7)) == run_newton(random_work(7))


def test_pim_requests_are_answered_in_their_order(run_newton, random_work):
    headers = [row[3] for row in run_newton(random_work(3)).log if row[1] == "P_HEADER"]
    assert headers == [arguments["row"] for _tick, kind, arguments in random_work(3) if kind == "header"]


@settings(max_examples=8, deadline=None)
@given(seed=SEEDS)
def test_one_row_buffer_serves_no_memory_command_from_a_header_to_its_last_result(run_newton, random_work, seed):
    work = random_work(seed)
    outcome = run_newton(work, *SINGLE)
    results = iter([arguments["results"] for _tick, kind, arguments in work if kind == "header"])
    left = 0
    for _tick, name, *_place in outcome.log:
        if name == "P_HEADER":
            assert left == 0
            left = next(results)
        elif name == "READRES":
            left -= 1
        assert not (left and name in ("ACT", "RD", "WR"))


def test_two_row_buffers_serve_memory_within_a_tile(run_newton, random_work):
    outcome = run_newton(random_work(11))
    first, last = outcome.at("P_HEADER")[0], outcome.at("COMPS_READRES")[-1]
    assert sum(first < tick < last for tick in outcome.at("RD", "WR")) > 50


def test_a_composite_holds_back_the_next_by_its_columns_or_the_adder_tree(run_newton):
    for comps, ticks in ((1, 14), (6, 14), (7, 16), (32, 66)):
        first, second = run_newton(tile(5, comps, 2)).at("COMPS_READRES")
        assert second - first == ticks


def test_group_activates_of_a_rank_are_tfaw_apart_and_ranks_run_side_by_side(run_newton):
    activates = [(row[0], row[2]) for row in run_newton(tile(5, 8)).log if row[1] == "G_ACT"]
    first = activates[0][0]
    assert activates == [(first + 30 * i + rank, 16 * rank + 4 * i) for i in range(4) for rank in range(2)]


def test_a_careful_group_activate_waits_for_the_power_window(run_newton):
    work = [(0, "read", (3, 1, 0)), *[(20, *row[1:]) for row in tile(5, 8)]]
    plain, careful = (run_newton(work, part) for part in DUAL)
    first = [min(row[0] for row in run.log if row[1] == "G_ACT" and row[2] < 16) for run in (plain, careful)]
    assert first[0] - plain.at("ACT")[0] < 30
    assert first[1] - careful.at("ACT")[0] == 30


def test_careful_rows_close_after_the_last_column_of_the_composite(run_newton):
    work = [*tile(5, 32), *tile(6, 1)]
    gaps = [run_newton(work, part) for part in DUAL]
    assert [run.at("PIM_PRECHARGE")[0] - run.at("COMPS_READRES")[0] for run in gaps] == [5, 2 * 31 + 5]


def test_a_tile_that_does_not_fit_waits_for_the_refresh(run_newton):
    outcome = run_newton([(1800, *row[1:]) for row in tile(5, 32, 4)])
    assert outcome.at("P_HEADER")[0] > outcome.at("REFab")[0] >= 1950


def test_a_refresh_finds_both_row_buffers_closed(run_newton):
    outcome = run_newton([(0, "read", (0, 1, 0)), *tile(5, 8), (2500, "read", (0, 1, 1))])
    refresh = outcome.at("REFab")[0]
    before = Counter(row[1] for row in outcome.log if row[0] < refresh and row[2] < 16)
    assert before["PIM_PRECHARGE"] == 16
    assert before["PRE"] == before["ACT"] == 1


def test_memory_requests_for_the_row_of_a_tile_wait_until_it_is_through(run_newton):
    outcome = run_newton([*tile(5, 8, 2), *[(40, "read", (bank, 5, 0)) for bank in range(32)]])
    last = outcome.at("COMPS_READRES")[-1]
    assert all(tick > last for tick in outcome.at("RD"))
    assert len(outcome.at("RD")) == 32


def test_work_that_fits_between_no_two_refreshes_still_runs(run_newton):
    outcome = run_newton(tile(5, 32, 700), "newton-hbm2", "newton")
    assert outcome.issued["COMP"] == 700 * 32
    assert outcome.issued["REFab"] > 10


def test_results_are_answered_when_they_are_there(run_newton):
    early = run_newton(tile(5, 32))
    late = run_newton(tile(5, 32), settings={"newton.answer": "results"})
    assert [run.pim_answers[-1][1] - run.at("COMPS_READRES")[0] for run in (early, late)] == [16, 64 + 16]


def test_columns_and_results_can_be_commands_of_their_own(run_newton):
    outcome = run_newton(tile(5, 8), settings={"newton.composite": False})
    columns = outcome.at("COMP")
    assert [b - a for a, b in pairwise(columns)] == [2] * 7
    assert outcome.at("READRES") == [columns[-1] + 2]


def test_a_whole_tile_is_queued_before_it_starts(run_newton):
    header, *comps = tile(5, 8, 3)
    late = [(500 + 300 * i, *row[1:]) for i, row in enumerate(comps)]
    early, whole = (run_newton([header, *late], settings={"newton.whole_tiles": whole}) for whole in (False, True))
    assert early.at("P_HEADER")[0] < 10
    assert whole.at("P_HEADER")[0] == 1101


def test_the_second_row_buffer_is_counted_as_open_from_the_first_group_activate_to_the_last_precharge(run_newton):
    outcome = run_newton([*tile(5, 8), *tile(6, 8)])
    open_ticks = 0
    for rank in range(2):
        opened = [row[0] for row in outcome.log if row[1] == "G_ACT" and row[2] // 16 == rank]
        closed = [row[0] for row in outcome.log if row[1] == "PIM_PRECHARGE" and row[2] // 16 == rank]
        open_ticks += closed[-1] - opened[0] + outcome.end - opened[4]
    assert outcome.counts["pim_open_standby"] == open_ticks
    assert outcome.counts["pim_open_standby"] + outcome.counts["pim_closed_standby"] == 2 * outcome.end
    assert outcome.counts["open_standby"] == 0
