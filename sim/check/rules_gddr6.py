"""GDDR6 (JESD250): one device a channel, no ranks; per-bank refresh counts as an activate."""

from __future__ import annotations

from bitline.sim.check.part import Part, Timing
from bitline.sim.check.rule import SAME_GROUP_OTHER_BANK, DataBus, Level, Refresh, Relation, Rule, RuleSet, Spacing
from bitline.sim.check.rules_common import (
    Words,
    activation_rules,
    all_bank_refresh_rule,
    bank_refresh_kind,
    bank_refresh_rule,
    column_rules,
    four_activates,
    precharge_spacing,
    row_rules,
    turnaround_rules,
    usual_kinds,
    usual_latencies,
)


def gddr6(part: Part) -> RuleSet:
    """GDDR6, single channel mode of one of the two channels of a package."""
    t, device = part.timing, Level.CHANNEL
    kinds = {**usual_kinds(part, device, {}), **bank_refresh_kind(part, {})}
    refreshes = tuple(name for name in ("REFab", "REFpb") if name in kinds)
    words = Words(refreshes=refreshes)
    opening = (*words.activates, *refreshes[1:])
    rules: list[Rule] = [
        *row_rules(t, words),
        *activation_rules(t, words, device),
        four_activates(t, opening, device),
        *precharge_spacing(t, words.all_precharges, device),
        *column_rules(t, words, device),
        *turnaround_rules(t, words, device, t["tCL"] + 1),
        all_bank_refresh_rule(t, tuple(kinds)),
    ]
    if "REFpb" in kinds:
        rules += [bank_refresh_rule(t, words.activates), *bank_refresh_spacing(t, device)]
    return RuleSet(
        part.standard,
        kinds,
        rules,
        {"command bus": tuple(kinds)},
        DataBus(device, usual_latencies(t, words), t["tBL"]),
        gddr6_refresh(part),
    )


def bank_refresh_spacing(t: Timing, device: Level) -> list[Rule]:
    """A per-bank refresh opens a row inside its bank, so it keeps the distance of activates of other banks."""
    other_group, other_bank = Relation(device, Level.BANK_GROUP), Relation(device, Level.BANK)
    act, ref = ("ACT",), ("REFpb",)
    return [
        Spacing("tRRDS: activate to per-bank refresh, other bank group", act, ref, other_group, t["tRRDS"]),
        Spacing("tRRDL: activate to per-bank refresh, same bank group", act, ref, SAME_GROUP_OTHER_BANK, t["tRRDL"]),
        Spacing("tRREFD: per-bank refresh to activate of another bank", ref, act, other_bank, t["tRREFD"]),
        Spacing("tRREFD: per-bank refresh to refresh of another bank", ref, ref, other_bank, t["tRREFD"]),
    ]


def gddr6_refresh(part: Part) -> Refresh:
    """All banks each tREFI, or one bank each tREFIpb, so that each bank's turn comes after all others'."""
    t = part.timing
    bank_interval = t["tREFIpb"] * part.banks_of_rank if "tREFIpb" in t else None
    return Refresh(Level.CHANNEL, t["tREFI"], bank_interval)
