"""HBM2 (JESD235) and HBM3 (JESD238): pseudo channels with own data pins, which share a row and a column command bus.

All-bank commands act on a pseudo channel with all its stack ids (column `rank` of a log). HBM3 counts half clocks.
"""

from __future__ import annotations

from collections.abc import Mapping

from bitline.sim.check.bus import one_clock_edge
from bitline.sim.check.part import Part, Timing
from bitline.sim.check.rule import (
    SAME_GROUP_OTHER_BANK,
    Check,
    DataBus,
    Kind,
    Level,
    Refresh,
    Relation,
    Rule,
    RuleSet,
    Spacing,
)
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

DEVICE = Level.PSEUDO_CHANNEL
COLUMN_COMMANDS = ("RD", "RDA", "WR", "WRA", "RD_AB", "WR_AB")


def hbm2(part: Part) -> RuleSet:
    """HBM2 and HBM2E: an activate takes two clocks of the row command bus."""
    clocks = {"ACT": 2.0}
    kinds = {**usual_kinds(part, DEVICE, clocks), **bank_refresh_kind(part, clocks)}
    words = Words(refreshes=refreshes(kinds))
    return hbm_rule_set(part, kinds, words, hbm_rules(part, kinds, words))


def hbm3(part: Part) -> RuleSet:
    """HBM3: an activate takes one and a half clocks of the row command bus, a precharge or refresh half a clock."""
    clocks = {"ACT": 1.5, "PRE": 0.5, "PREab": 0.5, "REFab": 0.5, "REFpb": 0.5}
    kinds = {**usual_kinds(part, DEVICE, clocks), **bank_refresh_kind(part, clocks)}
    words = Words(refreshes=refreshes(kinds))
    rising = tuple(name for name in kinds if name not in words.all_precharges)
    return hbm_rule_set(
        part,
        kinds,
        words,
        hbm_rules(part, kinds, words),
        {"clock edge": lambda view: one_clock_edge(view, rising)},
    )


def refreshes(kinds: Mapping[str, Kind]) -> tuple[str, ...]:
    """The refresh commands of the part."""
    return tuple(name for name in ("REFab", "REFpb") if name in kinds)


def hbm_rules(part: Part, kinds: Mapping[str, Kind], words: Words) -> list[Rule]:
    """The rules that HBM2 and HBM3 share. Each pseudo channel stands for itself."""
    t = part.timing
    rules: list[Rule] = [
        *row_rules(t, words),
        *activation_rules(t, words, DEVICE),
        four_activates(t, words.activates, DEVICE),
        *precharge_spacing(t, words.all_precharges, DEVICE),
        *column_rules(t, words, Level.RANK),
        *turnaround_rules(t, words, DEVICE, t["tCL"] + t["tBL"] + 2 * part.ticks_per_ck - t["tCWL"]),
        all_bank_refresh_rule(t, tuple(kinds)),
    ]
    if part.ranks > 1:
        other_stack = Relation(DEVICE, Level.RANK)
        reads = words.all_reads
        rules.append(Spacing("tCCDR: read to read of another stack id", reads, reads, other_stack, t["tCCDR"]))
    if "REFpb" in kinds:
        rules += [bank_refresh_rule(t, words.activates), *_bank_refresh_spacing(t, words)]
    return rules


def _bank_refresh_spacing(t: Timing, words: Words) -> list[Rule]:
    """Per-bank refresh among activates and refreshes of other banks; in its bank group at least tRRDL either way."""
    other_group, other_bank = Relation(DEVICE, Level.BANK_GROUP), Relation(DEVICE, Level.BANK)
    act, ref, group = words.activates, ("REFpb",), SAME_GROUP_OTHER_BANK
    long = max(t["tRREFD"], t["tRRDL"])
    return [
        Spacing("tRRDS: activate to per-bank refresh, other bank group", act, ref, other_group, t["tRRDS"]),
        Spacing("tRRDL: activate to per-bank refresh, same bank group", act, ref, group, t["tRRDL"]),
        Spacing("tRREFD: per-bank refresh to activate, other bank group", ref, act, other_group, t["tRREFD"]),
        Spacing("tRREFD, tRRDL: per-bank refresh to activate, same bank group", ref, act, group, long),
        Spacing("tRREFD: per-bank refresh to refresh of another bank", ref, ref, other_bank, t["tRREFD"]),
    ]


def hbm_rule_set(
    part: Part, kinds: Mapping[str, Kind], words: Words, rules: list[Rule], checks: Mapping[str, Check] | None = None
) -> RuleSet:
    """The rules with the buses and the refresh rate of HBM."""
    t = part.timing
    bank_interval = None
    if t.get("tREFIpb", 0):
        # tREFIpb is tREFI divided by the number of bank sets that take turns; that number is not in the part.
        bank_interval = t["tREFIpb"] * max(1, round(t["tREFI"] / t["tREFIpb"]))
    return RuleSet(
        part.standard,
        kinds,
        rules,
        {
            "row command bus": tuple(name for name in kinds if name not in COLUMN_COMMANDS),
            "column command bus": tuple(name for name in kinds if name in COLUMN_COMMANDS),
        },
        DataBus(DEVICE, usual_latencies(t, words), t["tBL"]),
        Refresh(DEVICE, t["tREFI"], bank_interval),
        checks or {},
    )
