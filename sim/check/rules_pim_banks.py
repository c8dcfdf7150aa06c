"""Rules that banks with a Newton-style PIM share, with one row buffer or two.

GWRITE reads a row of one bank into the global buffer of the channel, P_HEADER announces a row, G_ACT opens it in the
four banks of a group, COMP reads a column of it in all banks of the channel, READRES reads the results, and
PIM_PRECHARGE closes the row in one bank. COMPS_READRES is several COMPs and their READRES in one command.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from bitline.sim.check.part import Part, Timing
from bitline.sim.check.pim_distances import (
    COMPOSITE,
    COMPUTES,
    LAST_COLUMN,
    SOME_BANK,
    composites,
    last_column,
    one_bank_ready,
)
from bitline.sim.check.rule import (
    SAME_BANK,
    SAME_GROUP,
    Action,
    Buffer,
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
    four_activates,
    rank_rules,
    row_rules,
    turnaround_rules,
    usual_kinds,
    usual_latencies,
)

CHANNEL, RANK, GROUP, BANK = Level.CHANNEL, Level.RANK, Level.BANK_GROUP, Level.BANK
SAME_RANK, OTHER_GROUP, ANYWHERE = Relation(RANK), Relation(RANK, GROUP), Relation(CHANNEL)
READS, WRITES, RESULTS = ("RD", "RDA"), ("WR", "WRA"), ("COMPS_READRES", "READRES")
#: What delays a group activate in one bank: commands, time, and the words for it.
Waits = list[tuple[tuple[str, ...], int, str]]


def pace(t: Timing) -> int:
    """From column access to column access of different bank groups; HBM2 parts give a tCCDS below the burst."""
    return max(t["tBL"], t["tCCDS"])


def group_pace(t: Timing) -> int:
    """From column access to column access of one bank group."""
    return max(t["tBL"], t["tCCDL"])


def read_to_write(t: Timing) -> int:
    """The write's data follow the read's on the pins, after the turnaround of tRTRS."""
    return t.get("tRTW", t["tCL"] + t["tBL"] + t["tRTRS"] - t["tCWL"])


def pim_kinds(part: Part, buffer: Buffer) -> dict[str, Kind]:
    """All commands; those of PIM work on `buffer`."""
    kinds = usual_kinds(part, RANK, {})
    return {
        **kinds,
        "REFab": Kind(RANK, Action.REFRESH, buffer=Buffer.MEMORY if buffer is Buffer.MEMORY else Buffer.BOTH),
        "GWRITE": Kind(BANK, Action.ACCESS),
        "P_HEADER": Kind(CHANNEL),
        "G_ACT": Kind(GROUP, Action.OPEN, buffer=buffer),
        "PIM_PRECHARGE": Kind(BANK, Action.CLOSE, buffer=buffer),
        **dict.fromkeys(COMPUTES, Kind(CHANNEL, Action.ACCESS, buffer=buffer)),
    }


def ordinary_rules(t: Timing, words: Words, kinds: Mapping[str, Kind]) -> list[Rule]:
    """HBM2 without pseudo channels, with ranks that share the pins."""
    in_rank = tuple(name for name, kind in kinds.items() if kind.span is not CHANNEL)
    return [
        *row_rules(t, words),
        *activation_rules(t, words, RANK),
        four_activates(t, words.activates, RANK),
        Spacing("tCCDS: read to read, other bank group", READS, READS, OTHER_GROUP, pace(t)),
        Spacing("tCCDL: read to read, same bank group", READS, READS, SAME_GROUP, group_pace(t)),
        Spacing("tCCDS: write to write, other bank group", WRITES, WRITES, OTHER_GROUP, pace(t)),
        Spacing("tCCDL: write to write, same bank group", WRITES, WRITES, SAME_GROUP, group_pace(t)),
        *turnaround_rules(t, words, RANK, read_to_write(t)),
        *rank_rules(t, words),
        Spacing("tRFC: refresh to any command of its rank", ("REFab",), in_rank, SAME_BANK, t["tRFC"]),
    ]


def buffer_write_rules(t: Timing, precharges: tuple[str, ...]) -> list[Rule]:
    """GWRITE reads a whole row of one bank into the global buffer: that bank, and all use of the buffer, wait."""
    gwrite, long = ("GWRITE",), t["tGWRITE"]
    return [
        Spacing("tRCD: activate to GWRITE", ("ACT",), gwrite, SAME_BANK, t["tRCDRD"]),
        Spacing("tCCDS: read to GWRITE, other bank group", READS, gwrite, OTHER_GROUP, pace(t)),
        Spacing("tCCDL: read to GWRITE, same bank group", READS, gwrite, SAME_GROUP, group_pace(t)),
        Spacing("GWRITE: its bank waits", gwrite, (*READS, *WRITES, *precharges), SAME_BANK, long),
        Spacing("GWRITE: the global buffer is written", gwrite, gwrite, SAME_RANK, long),
        Spacing("GWRITE: compute waits for the global buffer", gwrite, COMPUTES, ANYWHERE, long),
        Spacing("tCCDL: GWRITE to read, same bank group", gwrite, READS, SAME_GROUP, group_pace(t)),
        Spacing("tCCDS: GWRITE to read, other bank group", gwrite, READS, OTHER_GROUP, pace(t)),
        Spacing("tRTW: GWRITE to write", gwrite, WRITES, SAME_RANK, read_to_write(t)),
    ]


def group_activate_rules(t: Timing, precharges: tuple[str, ...]) -> list[Rule]:
    """G_ACT among activates and precharges, as far as one and two row buffers agree."""
    g_act, act = ("G_ACT",), ("ACT",)
    return [
        Spacing("tFAW: group activate to group activate of the rank", g_act, g_act, SAME_RANK, t["tFAW"]),
        Spacing("tFAW: group activate to activate of the rank", g_act, act, SAME_RANK, t["tFAW"]),
        Spacing("tRC: group activate to group activate of its group", g_act, g_act, SAME_GROUP, t["tRC"]),
        Spacing("tRRDS: activate to group activate, other bank group", act, g_act, OTHER_GROUP, t["tRRDS"]),
        Spacing("tRAS: group activate to PIM precharge", g_act, precharges, SAME_BANK, t["tRAS"]),
    ]


def compute_rules(t: Timing, precharges: tuple[str, ...]) -> list[Rule]:
    """COMP reads a column in all banks of both ranks; its results leave over the pins of the channel."""
    other_rank = t["tCL"] - t["tCWL"] + t["tBL"] + t["tRTRS"]
    return [
        Spacing("tRCD: group activate to compute", ("G_ACT",), COMPUTES, ANYWHERE, t["tRCDRD"]),
        Spacing("tCCDS: COMP to COMP or READRES", ("COMP",), COMPUTES, ANYWHERE, pace(t)),
        Spacing("tCCDS: READRES to COMP or READRES", ("READRES",), COMPUTES, ANYWHERE, pace(t)),
        Spacing("tRTRS: results to read", RESULTS, READS, ANYWHERE, t["tBL"] + t["tRTRS"]),
        Spacing("tRTW: results to write", RESULTS, WRITES, ANYWHERE, other_rank),
        Spacing("tRTP: compute to PIM precharge", COMPUTES, precharges, ANYWHERE, t["tRTP"]),
    ]


def careful_rules(t: Timing, waits: Waits) -> list[Rule]:
    """What NewtonSim leaves out: a G_ACT opens four rows, so it fills the activation window and needs all four banks.

    With four of the activates of a window in one command, the window is a distance to every other activate.
    """
    name = "tFAW: activate to group activate (four rows at once)"
    return [
        Spacing(name, ("ACT",), ("G_ACT",), SAME_RANK, t["tFAW"]),
        *[Spacing(words, commands, ("G_ACT",), SAME_BANK, ticks) for commands, ticks, words in waits],
    ]


def pim_rule_set(part: Part, kinds: Mapping[str, Kind], rules: list[Rule], waits: Waits, check: Check) -> RuleSet:
    """The rules with the buses, the refresh, and the careful or the lenient version of what delays a G_ACT."""
    t, step = part.timing, pace(part.timing)
    distances: dict[str, Check] = {COMPOSITE: partial(composites, pace=step)}
    if part.careful:
        rules = [*rules, *careful_rules(t, waits)]
        closing = tuple(name for name in ("PRE", "PIM_PRECHARGE") if kinds[name].buffer is kinds["G_ACT"].buffer)
        distances[LAST_COLUMN] = partial(last_column, pace=step, recovery=t["tRTP"], precharges=closing)
    else:
        lenient = [(commands, ticks) for commands, ticks, _ in waits]
        distances[SOME_BANK] = partial(one_bank_ready, waits=lenient)
    return RuleSet(
        part.standard,
        kinds,
        rules,
        {"command bus": tuple(kinds)},
        DataBus(CHANNEL, usual_latencies(t, Words()), t["tBL"]),
        Refresh(RANK, t["tREFI"]),
        {"PIM rows": check},
        distances,
    )
