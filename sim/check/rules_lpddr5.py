"""LPDDR5 (JESD209-5): activates in two halves, and a data clock (WCK) that has to run for an access."""

from __future__ import annotations

from collections.abc import Iterator

from bitline.sim.check.commands import CODE
from bitline.sim.check.evidence import Evidence
from bitline.sim.check.part import Part, Timing
from bitline.sim.check.rule import (
    SAME_BANK,
    SAME_GROUP_OTHER_BANK,
    Action,
    DataBus,
    Kind,
    Level,
    Limit,
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
    rank_rules,
    row_rules,
    turnaround_rules,
    usual_kinds,
    usual_latencies,
)
from bitline.sim.check.view import LogView

WCK_RUNS = "WCK: an access finds the data clock running"
CAS_IS_USED = "WCK: a CAS is followed by its access at the next clock"
HALF_ACTIVATED = "tAAD: an ACT1 gets its ACT2"
ACT1, RANK = ("ACT1",), Level.RANK


def lpddr5(part: Part) -> RuleSet:
    """LPDDR5 in bank group mode. All row times count from ACT1; ACT2 follows within tAAD."""
    t = part.timing
    kinds = _kinds(part)
    refreshes = tuple(name for name in ("REFab", "REFpb") if name in kinds)
    words = Words(activates=ACT1, precharges=((("PRE",), "tRP"), (("PREab",), "tRPab")), refreshes=refreshes)
    rules: list[Rule] = [
        *row_rules(t, words),
        *activation_rules(t, words, RANK),
        four_activates(t, ACT1, RANK),
        *precharge_spacing(t, words.all_precharges, RANK),
        *column_rules(t, words, RANK),
        *turnaround_rules(t, words, RANK, t["tCL"] + t["tBL"] + 2 - t["tCWL"]),
        all_bank_refresh_rule(t, tuple(kinds)),
        Limit("tAAD: ACT2 follows ACT1", ACT1, ("ACT2",), SAME_BANK, t["tAAD"]),
    ]
    if part.ranks > 1:
        rules += rank_rules(t, words)
    if "REFpb" in kinds:
        rules += [bank_refresh_rule(t, ACT1), *_bank_refresh_spacing(t)]
    bank_interval = t["tREFIpb"] * part.banks_of_rank if "tREFIpb" in t else None
    return RuleSet(
        part.standard,
        kinds,
        rules,
        {"command bus": tuple(kinds)},
        DataBus(Level.CHANNEL, usual_latencies(t, words), t["tBL"]),
        Refresh(RANK, t["tREFI"], bank_interval),
        {WCK_RUNS: lambda view: data_clock(view, t), HALF_ACTIVATED: lambda view: half_activated(view, t["tAAD"])},
    )


def _kinds(part: Part) -> dict[str, Kind]:
    kinds = {**usual_kinds(part, RANK, {}), **bank_refresh_kind(part, {})}
    del kinds["ACT"]
    return {
        "ACT1": Kind(Level.BANK, Action.OPEN_FIRST_HALF, part.command_ticks("ACT1", 1)),
        "ACT2": Kind(Level.BANK, Action.OPEN_SECOND_HALF, part.command_ticks("ACT2", 1)),
        **kinds,
        "CAS_RD": Kind(RANK, ticks=part.command_ticks("CAS_RD", 1)),
        "CAS_WR": Kind(RANK, ticks=part.command_ticks("CAS_WR", 1)),
    }


def _bank_refresh_spacing(t: Timing) -> list[Rule]:
    other_group, other_bank = Relation(RANK, Level.BANK_GROUP), Relation(RANK, Level.BANK)
    ref, group = ("REFpb",), SAME_GROUP_OTHER_BANK
    return [
        Spacing("tRRDS: activate to per-bank refresh, other bank group", ACT1, ref, other_group, t["tRRDS"]),
        Spacing("tRRDL: activate to per-bank refresh, same bank group", ACT1, ref, group, t["tRRDL"]),
        Spacing("tpbR2act: per-bank refresh to activate of another bank", ref, ACT1, other_bank, t["tPBR2ACT"]),
        Spacing("tpbR2pbR: per-bank refresh to refresh of another bank", ref, ref, other_bank, t["tPBR2PBR"]),
    ]


def data_clock(view: LogView, t: Timing) -> Iterator[Evidence]:
    """WCK runs from a CAS until tWCKPST after the last burst; an access comes directly after its CAS or meanwhile."""
    latency = {"RD": t["tCL"], "RDA": t["tCL"], "WR": t["tCWL"], "WRA": t["tCWL"]}
    after_cas = {"CAS_RD": ("RD", "RDA"), "CAS_WR": ("WR", "WRA")}
    tail = t["tBL"] + t["tWCKPST"]
    runs_until: dict[int, int] = {}
    asked: dict[int, tuple[int, str]] = {}
    clock_off: list[tuple[int, int]] = []
    unused: list[tuple[int, int]] = []
    last_access: dict[int, int] = {}
    for index, name, cycle, rank in _columns(view, (*latency, *after_cas)):
        cas = asked.pop(rank, None)
        if name in after_cas:
            if cas is not None:
                unused.append((-1, cas[0]))
            asked[rank] = (index, name)
            continue
        answers = cas is not None and name in after_cas[cas[1]] and cycle == int(view.cycle[cas[0]]) + 1 + t["tCAS"]
        if cas is not None and not answers:
            unused.append((-1, cas[0]))
        if not answers and cycle >= runs_until.get(rank, 0):
            clock_off.append((last_access.get(rank, -1), index))
        runs_until[rank] = max(runs_until.get(rank, 0), cycle + latency[name] + tail)
        last_access[rank] = index
    for index, _ in asked.values():
        if int(view.cycle[-1]) > int(view.cycle[index]) + 1 + t["tCAS"]:
            unused.append((-1, index))
    yield Evidence.of_state(WCK_RUNS, clock_off, view.cycle)
    yield Evidence.of_state(CAS_IS_USED, sorted(unused), view.cycle)


def _columns(view: LogView, names: tuple[str, ...]) -> Iterator[tuple[int, str, int, int]]:
    rows = view.mask(names).nonzero()[0]
    by_code = {CODE[name]: name for name in names}
    ranks = view.node(RANK)[rows]
    for index, code, cycle, rank in zip(
        rows.tolist(), view.code[rows].tolist(), view.cycle[rows].tolist(), ranks.tolist()
    ):
        yield index, by_code[code], cycle, rank


def half_activated(view: LogView, longest: int) -> Iterator[Evidence]:
    """An ACT1 without an ACT2 of its bank until tAAD later, or until the end of the log if that comes first."""
    halves = view.mask(("ACT1", "ACT2"))
    order = view.order(Level.BANK)
    rows = order.rows[halves[order.rows]]
    first = view.mask(ACT1)[rows]
    bank = view.node(Level.BANK)[rows]
    followed = first[:-1] & ~first[1:] & (bank[1:] == bank[:-1])
    lonely = first.copy()
    lonely[:-1] &= ~followed
    late = rows[lonely]
    late = late[view.cycle[late] + longest < view.cycle[-1]] if len(view) else late
    yield Evidence.of_state(HALF_ACTIVATED, [(-1, int(row)) for row in sorted(late)], view.cycle)
