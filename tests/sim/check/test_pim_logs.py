"""Whole PIM logs of the greedy scheduler: legal, tight to the clock, and no mutant of them passes."""

import random
from pathlib import Path

import numpy as np
import pytest

from bitline.sim.check import COMMANDS, Checker, CommandLog, read_commands
from bitline.sim.check.rule import Buffer

HERE = Path(__file__).parent
PEER = HERE.parents[1] / "reference" / "dram" / "commands" / "neupims_dual_1gw_2tiles_4heads_40reads.trace"
PARTS = ("neupims-hbm2", "neupims-hbm2-careful", "newton-hbm2", "newton-hbm2-careful")
BANK = ("rank", "bank_group", "bank")
TREFI = "tREFI: all banks are refreshed in time"
ADDRESS = (*BANK, "row", "column")


@pytest.fixture(scope="module")
def checkers():
    return {part: Checker(HERE / "parts" / f"{part}.yaml") for part in PARTS}


@pytest.fixture(scope="module")
def logs(greedy, checkers):
    """For each part a log of some refresh intervals, all ranks refreshed when tREFI is over."""
    found = {}
    for part, checker in checkers.items():
        dice = random.Random(part)
        requests, steps = greedy.random_requests(dice, 500), greedy.random_steps(dice, 24)
        options = {"dice": dice, "composite": "neupims" in part, "first_refresh": (3900, 3900)}
        found[part], _ = greedy.schedule(checker, requests, steps, **options)
    return found


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("composite", [True, False])
def test_a_greedy_log_obeys_the_rules(part, seed, composite, greedy, checkers):
    dice = random.Random(seed)
    requests, steps = greedy.random_requests(dice, 120), greedy.random_steps(dice, 4)
    log, end = greedy.schedule(checkers[part], requests, steps, dice=dice, composite=composite)
    assert checkers[part].check(log).violations == {}
    assert end == log.rows["cycle"][-1]
    accesses = np.isin(log.rows["command"], [COMMANDS.index(name) for name in ("RD", "RDA", "WR", "WRA")])
    assert accesses.sum() == len(requests)


def replay(greedy, checker, log):
    """The slack of each command, found forwards."""
    earliest, slack, bus_free = greedy.Earliest(checker), [], None
    for row in log.rows:
        name = COMMANDS[row["command"]]
        command = (name, *(max(0, int(row[cell])) for cell in BANK))
        cycle = int(row["cycle"])
        soonest = earliest(command, greedy.NEVER if bus_free is None else bus_free)
        slack.append(cycle - soonest if soonest > greedy.NEVER // 2 else None)
        earliest.issue(command, cycle, int(row["column"]))
        bus_free = cycle + 1
    return slack


@pytest.mark.parametrize("part", PARTS)
def test_slack_is_that_of_a_forward_evaluation(part, greedy, checkers, logs):
    _compare(greedy, checkers[part], logs[part])
    half = logs[part].rows[::3]  # with gaps: other rules are the tightest
    _compare(greedy, checkers[part], CommandLog(half, "bitline"))


@pytest.mark.parametrize("part", ["neupims", "neupims-careful"])
def test_slack_of_a_peers_log_is_that_of_a_forward_evaluation(part, greedy):
    _compare(greedy, Checker(part), read_commands(PEER))


def _compare(greedy, checker, log):
    found = checker.check(log).command_slack.tolist()
    never = np.iinfo(np.int64).max
    assert [None if slack == never else slack for slack in found] == replay(greedy, checker, log)


def composites_of(log):
    return log.rows["cycle"][of(log, "COMPS_READRES")]


STEPS = [("GWRITE", (0, 0, 0), 0), ("GEMV", 100, [8] * 4), ("GEMV", 101, [8] * 4)]


def test_the_reference_of_a_lone_pim_program_is_its_closed_form(greedy):
    log, _ = greedy.schedule(Checker("neupims"), [], STEPS, in_order=True)
    # ACT, tRCD 14, GWRITE 96, header, G_ACT of the second rank last, 3 tFAW, tRCD; then composites of 18, tRTP 5, 32
    # PIM precharges, header, G_ACTs as before
    first = 14 + 96 + 1 + 1 + 90 + 14
    second = first + 3 * 18 + 5 + 32 + 1 + 1 + 90 + 14
    assert composites_of(log).tolist() == [*range(first, first + 72, 18), *range(second, second + 72, 18)]


def test_the_reference_is_tighter_than_a_peer(greedy):
    """NewtonSim's program with 40 reads meanwhile; greed waits for nothing but the rules."""
    checker, log = Checker("neupims"), read_commands(PEER)
    requests = [(*(int(row[cell]) for cell in (*BANK, "row")), False) for row in log.rows[of(log, "RD")]]
    ours, _ = greedy.schedule(checker, requests, STEPS, in_order=True)
    assert checker.check(ours).violations == {}
    assert (composites_of(ours) <= composites_of(log)).all()


# --- mutants ---------------------------------------------------------------------------------------------------------


def of(log, *names):
    return np.flatnonzero(np.isin(log.rows["command"], [COMMANDS.index(name) for name in names]))


def moved(log, index, cycle):
    """A command at another cycle, after what is issued there already."""
    row, others = log.rows[index : index + 1].copy(), np.delete(log.rows, index)
    row["cycle"] = cycle
    return CommandLog(np.insert(others, np.searchsorted(others["cycle"], cycle, side="right"), row), "bitline")


def without(log, index):
    return CommandLog(np.delete(log.rows, index), "bitline")


def one_clock_early(log, checker, dice):
    """A command into the free clock before it, where a rule is tight: the command bus does not give it away."""
    slack = checker.check(log).command_slack
    cycle = log.rows["cycle"]
    free = np.flatnonzero((cycle[1:] - cycle[:-1] > 1) & (slack[1:] == 0)) + 1
    index = dice.choice(free.tolist())
    return moved(log, index, int(cycle[index]) - 1)


def without_a_pim_precharge(log, checker, dice):
    """All but the last, whose banks may stay as they are."""
    return without(log, dice.choice(of(log, "PIM_PRECHARGE")[:-40].tolist()))


def without_a_group_activate(log, checker, dice):
    return without(log, dice.choice(of(log, "G_ACT").tolist()))


def without_a_refresh(log, checker, dice):
    return without(log, dice.choice(of(log, "REFab")[:-2].tolist()))


def in_another_bank(log, checker, dice):
    """A command that opens or reads a row, in a bank in which another row is open, or none."""
    while True:
        index = dice.choice(of(log, "ACT", "RD", "RDA", "WR", "WRA", "GWRITE", "G_ACT").tolist())
        rows = log.rows.copy()
        name = COMMANDS[rows["command"][index]]
        place = (dice.randrange(2), dice.randrange(4), 0 if name == "G_ACT" else dice.randrange(4))
        for cell, value in zip(BANK, place):
            rows[cell][index] = value
        reads = name not in ("ACT", "G_ACT")
        if not (reads and open_row(log, index, place, checker) == rows["row"][index]) and (rows != log.rows).any():
            return CommandLog(rows, "bitline")


def open_row(log, index, place, checker):
    """The row that ordinary commands find in a bank, by a walk back."""
    single = checker.rules.kinds["G_ACT"].buffer is Buffer.MEMORY
    for row in log.rows[:index][::-1]:
        name, bank = COMMANDS[row["command"]], tuple(int(row[cell]) for cell in BANK)
        if (name == "ACT" and bank == place) or (single and name == "G_ACT" and bank[:2] == place[:2]):
            return row["row"]
        if (name in ("PRE", "RDA", "WRA") or (single and name == "PIM_PRECHARGE")) and bank == place:
            return -1
    return -1


def row_closed_before_compute_is_done(log, checker, dice):
    """A PIM precharge just before the last compute command of its row."""
    computes = of(log, "COMP", "COMPS_READRES", "READRES")
    closing = of(log, "PIM_PRECHARGE")
    index = dice.choice(closing[closing > computes[0]].tolist())
    last = computes[computes < index][-1]
    group = [log.rows[cell][index] for cell in BANK[:2]]
    opened = [at for at in of(log, "G_ACT") if at < last and [log.rows[cell][at] for cell in BANK[:2]] == group]
    assert opened
    return moved(log, index, int(log.rows["cycle"][last]) - 1)


MUTATIONS = (
    *(one_clock_early, without_a_pim_precharge, without_a_group_activate, without_a_refresh, in_another_bank),
    row_closed_before_compute_is_done,
)


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.__name__)
def test_mutants_of_a_pim_log_are_caught(part, mutation, checkers, logs):
    checker, log = checkers[part], logs[part]
    assert checker.check(log).violations == {}
    dice = random.Random(f"{part} {mutation.__name__}")
    missed = [mutant for mutant in (mutation(log, checker, dice) for _ in range(20)) if checker.check(mutant).passed]
    assert not missed


@pytest.mark.parametrize("part", PARTS)
def test_a_refresh_left_out_breaks_its_rule_alone(part, checkers, logs):
    mutant = without_a_refresh(logs[part], checkers[part], random.Random(part))
    assert checkers[part].check(mutant).violations.keys() == {TREFI}
