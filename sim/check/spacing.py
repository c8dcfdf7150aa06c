"""Evaluation of spacings, windows and limits over a whole log at once.

A rule needs, for each command B, the last command A before it in some scope. With the rows sorted by the scope's node
and then by time, that is a running count of A: no search, no loop over commands.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from bitline.sim.check.evidence import Evidence, Indices
from bitline.sim.check.rule import SAME_BANK, Level, Limit, Relation, Rule, Spacing, Window
from bitline.sim.check.view import LogView

Mask = NDArray[np.bool_]
Key = TypeVar("Key")


def evaluate(rule: Rule, view: LogView) -> Iterator[Evidence]:
    """All pairs of the log that a rule speaks about."""
    if isinstance(rule, Window):
        yield _window(rule, view)
        return
    for before, after, relation in _parts(rule, view):
        first, second = pairs(view, before, after, relation)
        if not len(second):
            continue
        actual = view.cycle[second] - view.cycle[first]
        if isinstance(rule, Spacing):
            required = rule.ticks + view.ticks[first] - view.ticks[second]
            slack = actual - required
        else:
            required = np.full(len(second), rule.ticks, np.int64)
            slack = required - actual
        yield Evidence(rule.name, first, second, view.cycle[second], slack, required, actual)


def _parts(rule: Spacing | Limit, view: LogView) -> Iterator[tuple[Mask, Mask, Relation]]:
    """Split a rule so that within a part the last A is the one that matters, and so that spans are uniform."""
    kinds = view.kinds
    by_span = rule.relation == SAME_BANK
    befores = _groups(rule.before, lambda name: (kinds[name].span if by_span else None, kinds[name].ticks))
    afters = _groups(rule.after, lambda name: kinds[name].span if by_span else None)
    present = {name: bool(view.mask((name,)).any()) for name in {*rule.before, *rule.after}}
    for (span, _), before in befores.items():
        for other, after in afters.items():
            if not any(present[name] for name in before) or not any(present[name] for name in after):
                continue
            relation = Relation(coarser(span, other)) if span is not None and other is not None else rule.relation
            yield view.mask(before), view.mask(after), relation


def _groups(names: Iterable[str], key: Callable[[str], Key]) -> dict[Key, list[str]]:
    groups: dict[Key, list[str]] = {}
    for name in names:
        groups.setdefault(key(name), []).append(name)
    return groups


def coarser(one: Level, other: Level) -> Level:
    """The level at which two commands have to agree to touch a bank together, given the levels that they span.

    All even (odd) banks of an HBM-PIM pseudo channel count as touching every single bank of it: in that mode single
    banks are not addressed, and the bank rules hold between the modes for the pseudo channel as a whole.
    """
    if one == other:
        return one
    if Level.PARITY in (one, other):
        return min(one, other, Level.PSEUDO_CHANNEL)
    return min(one, other)


def pairs(view: LogView, before: Mask, after: Mask, relation: Relation) -> tuple[Indices, Indices]:
    """For each `after`, the last `before` in the relation: two arrays of rows. There is at least one of each."""
    order = view.order(relation.same)
    is_before = before[order.rows]
    places = np.flatnonzero(is_before)
    wanted = np.flatnonzero(after[order.rows])
    #: Number of the last `before` ahead of each wanted place; -1 for none.
    count: Indices = np.cumsum(is_before)
    last = count[wanted] - is_before[wanted] - 1
    if relation.differ is not None:
        nodes = view.node(relation.differ)[order.rows]
        of_before = nodes[places]
        changes = np.ones(len(places), bool)
        changes[1:] = of_before[1:] != of_before[:-1]
        run = np.maximum.accumulate(np.where(changes, np.arange(len(places)), 0))
        same_node = (last >= 0) & (of_before[last] == nodes[wanted])
        last = np.where(same_node, run[last] - 1, last)
    found = (last >= 0) & (places[last] >= order.start[wanted])
    return order.rows[places[last[found]]], order.rows[wanted[found]]


def _window(rule: Window, view: LogView) -> Evidence:
    order = view.order(rule.level)
    places = np.flatnonzero(view.mask(rule.commands)[order.rows])
    late, early = places[rule.count :], places[: -rule.count]
    same = early >= order.start[late]
    first, second = order.rows[early[same]], order.rows[late[same]]
    actual = view.cycle[second] - view.cycle[first]
    required = rule.ticks + view.ticks[first] - view.ticks[second]
    return Evidence(rule.name, first, second, view.cycle[second], actual - required, required, actual)
