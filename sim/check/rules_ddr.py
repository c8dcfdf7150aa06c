"""DDR4 (JESD79-4), DDR5 (JESD79-5) and LPDDR4 (JESD209-4): ranks on one channel, all-bank refresh by rank."""

from __future__ import annotations

from collections.abc import Mapping

from bitline.sim.check.part import Part
from bitline.sim.check.rule import DataBus, Level, Refresh, Rule, RuleSet
from bitline.sim.check.rules_common import (
    Words,
    activation_rules,
    all_bank_refresh_rule,
    column_rules,
    four_activates,
    precharge_spacing,
    rank_rules,
    row_rules,
    turnaround_rules,
    usual_kinds,
    usual_latencies,
)


def ddr4(part: Part) -> RuleSet:
    """DDR4. The pins turn round in two clocks."""
    return _ddr(part, turnaround=2, clocks={})


def ddr5(part: Part) -> RuleSet:
    """DDR5: activates and accesses take two clocks of the command bus; the pins turn round in four."""
    return _ddr(part, turnaround=4, clocks=dict.fromkeys(("ACT", "RD", "RDA", "WR", "WRA"), 2))


def lpddr4(part: Part) -> RuleSet:
    """LPDDR4, with all commands counted as one clock, as its parts do."""
    return _ddr(part, turnaround=2, clocks={})


def _ddr(part: Part, turnaround: int, clocks: Mapping[str, float]) -> RuleSet:
    t, words, rank = part.timing, Words(), Level.RANK
    kinds = usual_kinds(part, rank, clocks)
    rules: list[Rule] = [
        *row_rules(t, words),
        *activation_rules(t, words, rank),
        four_activates(t, words.activates, rank),
        *precharge_spacing(t, words.all_precharges, rank),
        *column_rules(t, words, rank),
        *turnaround_rules(t, words, rank, t["tCL"] + t["tBL"] + turnaround - t["tCWL"]),
        all_bank_refresh_rule(t, tuple(kinds)),
    ]
    if part.ranks > 1:
        rules += rank_rules(t, words)
    return RuleSet(
        part.standard,
        kinds,
        rules,
        {"command bus": tuple(kinds)},
        DataBus(Level.CHANNEL, usual_latencies(t, words), t["tBL"]),
        Refresh(rank, t["tREFI"]),
    )
