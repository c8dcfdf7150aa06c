"""The evaluation over whole arrays against the plain reading of a rule: every pair, one after the other."""

from collections import defaultdict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bitline.sim.check import COMMANDS, Checker, CommandLog
from bitline.sim.check.checker import BUILT_IN
from bitline.sim.check.part import PARTS as LIBRARY
from bitline.sim.check.rule import SAME_BANK, Level, Limit, Relation, Window
from bitline.sim.check.spacing import evaluate
from bitline.sim.check.view import LogView

PARTS = ["dramsim3-ddr4-3200", "ddr5-4800", "lpddr5-6400", "gddr6-aim", "hbm2e-3200", "hbm3-6400", "hbm-pim"]
CELLS = ("channel", "pseudo_channel", "rank", "bank_group", "bank")


def banks_of(kind, address, part):
    """The banks that a command touches, as a set of full addresses."""
    sizes = (None, part.pseudo_channels, part.ranks, part.bank_groups, part.banks)
    if kind.span is Level.PARITY:
        every = [(*address[:2], r, g, b) for r in range(sizes[2]) for g in range(sizes[3]) for b in range(sizes[4])]
        return {bank for bank in every if bank[4] % 2 == address[4] % 2}
    found = [address[: kind.span + 1]]
    for size in sizes[kind.span + 1 :]:
        found = [(*head, cell) for head in found for cell in range(size)]
    return set(found)


def related(relation, one, other, part):
    (kind, address), (other_kind, other_address) = one, other
    if relation == SAME_BANK:
        parities = (kind.span is Level.PARITY) + (other_kind.span is Level.PARITY)
        if parities == 1:  # in between the modes the pseudo channel counts as a whole
            return address[:2] == other_address[:2]
        return bool(banks_of(kind, address, part) & banks_of(other_kind, other_address, part))
    same = address[: relation.same + 1] == other_address[: relation.same + 1]
    return same and (relation.differ is None or address[: relation.differ + 1] != other_address[: relation.differ + 1])


def plain(rule, view, rows, part):
    """{command: least slack}, by looking at every pair."""
    slack = {}
    for later in range(len(rows)):
        name, cycle, address = rows[later]
        ends = cycle + view.kinds[name].ticks
        if isinstance(rule, Window):
            if name not in rule.commands:
                continue
            inside = Relation(rule.level)
            earlier = [
                rows[at]
                for at in range(later)
                if rows[at][0] in rule.commands
                and related(inside, (view.kinds[rows[at][0]], rows[at][2]), (view.kinds[name], address), part)
            ]
            if len(earlier) >= rule.count:
                first = earlier[-rule.count]
                slack[later] = ends - first[1] - view.kinds[first[0]].ticks - rule.ticks
            continue
        if name not in rule.after:
            continue
        for before, started, other in rows[:later]:
            if before in rule.before and related(
                rule.relation, (view.kinds[before], other), (view.kinds[name], address), part
            ):
                if isinstance(rule, Limit):
                    slack[later] = rule.ticks - (cycle - started)
                    continue
                found = ends - started - view.kinds[before].ticks - rule.ticks
                slack[later] = min(found, slack.get(later, found))
    return slack


@st.composite
def logs(draw, part):
    checker = Checker(part)
    names = sorted(checker.rules.kinds)
    sizes = (2, checker.part.pseudo_channels, checker.part.ranks, min(2, checker.part.bank_groups), 3)
    count = draw(st.integers(0, 40))
    cycle, rows = 0, []
    for _ in range(count):
        cycle += draw(st.integers(0, 9))
        address = tuple(draw(st.integers(0, size - 1)) for size in sizes)
        rows.append((draw(st.sampled_from(names)), cycle, address))
    return rows


@pytest.mark.parametrize("part", PARTS)
def test_arrays_and_pairs_agree(part):
    checker = Checker(part)

    @settings(max_examples=60, deadline=None)
    @given(logs(part))
    def agree(rows):
        columns = {name: [address[at] for _, _, address in rows] for at, name in enumerate(CELLS)}
        log = CommandLog.from_columns([cycle for _, cycle, _ in rows], [name for name, _, _ in rows], row=1, **columns)
        log.rows["column"] = 0
        view = LogView(log, checker.part, checker.rules)
        for rule in checker.rules.rules:
            found = defaultdict(lambda: 1 << 62)
            for evidence in evaluate(rule, view):
                for after, slack in zip(evidence.after.tolist(), evidence.slack.tolist()):
                    found[after] = min(found[after], slack)
            assert dict(found) == plain(rule, view, rows, checker.part), rule.name

    agree()


def test_every_command_of_the_vocabulary_belongs_to_a_standard():
    used = {name for part in (*LIBRARY.names(), *BUILT_IN) for name in Checker(part).rules.kinds}
    assert used == set(COMMANDS)
