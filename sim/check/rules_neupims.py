"""NeuPIMs (NewtonSim): HBM2 banks with a second row buffer for PIM, as that simulator implements them.

The numbers are those of HBM2_8Gb_x128_dualpim.ini with the defaults of its parser; tCCDS is not below the burst. ACT,
PRE, RD, WR and GWRITE work on the memory row buffer; G_ACT opens a row of four banks in the PIM buffer, COMP reads it
in all banks, PIM_PRECHARGE closes it in one bank. `neupims-careful` adds what the simulator leaves out: a G_ACT opens
four rows, so it keeps tFAW.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from bitline.base.document import Source
from bitline.sim.check.commands import CODE
from bitline.sim.check.evidence import Evidence
from bitline.sim.check.part import Part, Timing
from bitline.sim.check.rule import (
    SAME_BANK,
    SAME_GROUP,
    Action,
    Buffer,
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
    column_rules,
    four_activates,
    rank_rules,
    row_rules,
    turnaround_rules,
    usual_kinds,
    usual_latencies,
)
from bitline.sim.check.view import LogView

NUMBERS = Source(
    {
        "standard": "neupims",
        "timing_ck": {
            **{"tBL": 2, "tCL": 14, "tCWL": 4, "tRCDRD": 14, "tRCDWR": 14, "tRP": 14, "tRAS": 34, "tRC": 48, "tWR": 16},
            **{"tRTP": 5, "tRTPA": 7, "tCCDS": 2, "tCCDL": 2, "tRRDS": 4, "tRRDL": 6, "tWTRS": 6, "tWTRL": 8},
            **{"tFAW": 30, "tRTRS": 2, "tWTWR": 2, "tRTW": 14, "tRFC": 260, "tREFI": 3900, "tGWRITE": 96},
        },
    },
    "the built-in numbers of neupims",
)
PART = Part(
    name="neupims",
    standard="neupims",
    timing=Timing(NUMBERS),
    pseudo_channels=1,
    ranks=2,
    bank_groups=4,
    banks=4,
    rows=32768,
    accesses_per_row=None,
    ticks_per_ck=1,
    command_ck={},
)

CHANNEL, RANK, GROUP, BANK = Level.CHANNEL, Level.RANK, Level.BANK_GROUP, Level.BANK
SAME_RANK, OTHER_GROUP, ANYWHERE = Relation(RANK), Relation(RANK, GROUP), Relation(CHANNEL)
COMPUTES = ("COMP", "COMPS_READRES", "READRES")
COMPOSITE = "COMPS: a composite lasts 2 clocks for each COMP (at least 6) and its READRES"
#: Columns that fill the adder tree: shorter composites take as long.
_SHORTEST_COMPOSITE = 6


def neupims(part: Part) -> RuleSet:
    """The dual row buffer memory as NewtonSim schedules it."""
    return _rule_set("neupims", part, [])


def neupims_careful(part: Part) -> RuleSet:
    """The same, and a group activate waits until tFAW after the last activate of its rank."""
    name = "tFAW: activate to group activate (four rows at once)"
    return _rule_set("neupims-careful", part, [Spacing(name, ("ACT",), ("G_ACT",), SAME_RANK, part.timing["tFAW"])])


def _rule_set(standard: str, part: Part, extra: list[Rule]) -> RuleSet:
    t = part.timing
    kinds = _kinds(part)
    words = Words(precharges=((("PRE",), "tRP"),))
    in_rank = tuple(name for name, kind in kinds.items() if kind.span is not CHANNEL)
    rules: list[Rule] = [
        *row_rules(t, words),
        *activation_rules(t, words, RANK),
        four_activates(t, words.activates, RANK),
        *column_rules(t, words, RANK),
        *turnaround_rules(t, words, RANK, t["tRTW"]),
        *rank_rules(t, words),
        Spacing("tRFC: refresh to any command of its rank", ("REFab",), in_rank, SAME_BANK, t["tRFC"]),
        *_buffer_write_rules(t),
        *_group_activate_rules(t),
        *_compute_rules(t),
        *extra,
    ]
    return RuleSet(
        standard,
        kinds,
        rules,
        {"command bus": tuple(kinds)},
        DataBus(CHANNEL, usual_latencies(t, words), t["tBL"]),
        Refresh(RANK, t["tREFI"]),
        {COMPOSITE: composites},
    )


def _kinds(part: Part) -> dict[str, Kind]:
    kinds = usual_kinds(part, RANK, {})
    del kinds["PREab"]
    return {
        **kinds,
        "REFab": Kind(RANK, Action.REFRESH, buffer=Buffer.BOTH),
        "GWRITE": Kind(BANK, Action.ACCESS),
        "P_HEADER": Kind(CHANNEL),
        "G_ACT": Kind(GROUP, Action.OPEN, buffer=Buffer.PIM),
        "PIM_PRECHARGE": Kind(BANK, Action.CLOSE, buffer=Buffer.PIM),
        "PWRITE": Kind(BANK, Action.ACCESS, buffer=Buffer.PIM),
        **dict.fromkeys(COMPUTES, Kind(CHANNEL, Action.ACCESS, buffer=Buffer.PIM)),
    }


def _buffer_write_rules(t: Timing) -> list[Rule]:
    """GWRITE reads a whole row of one bank into the global buffer: that bank, and all use of the buffer, wait."""
    gwrite, long = ("GWRITE",), t["tGWRITE"]
    reads, writes = ("RD", "RDA"), ("WR", "WRA")
    bank_is_busy = (*reads, *writes, "PRE")
    read_to_write = t["tRTW"]
    return [
        Spacing("tRCD: activate to GWRITE", ("ACT",), gwrite, SAME_BANK, t["tRCDRD"]),
        Spacing("tCCDS: read to GWRITE, other bank group", reads, gwrite, OTHER_GROUP, t["tCCDS"]),
        Spacing("tCCDL: read to GWRITE, same bank group", reads, gwrite, SAME_GROUP, t["tCCDL"]),
        Spacing("GWRITE: its bank waits", gwrite, bank_is_busy, SAME_BANK, long),
        Spacing("GWRITE: the global buffer is written", gwrite, gwrite, SAME_RANK, long),
        Spacing("GWRITE: compute waits for the global buffer", gwrite, COMPUTES, ANYWHERE, long),
        Spacing("tCCDL: GWRITE to read, same bank group", gwrite, reads, SAME_GROUP, max(t["tBL"], t["tCCDL"])),
        Spacing("tCCDS: GWRITE to read, other bank group", gwrite, reads, OTHER_GROUP, max(t["tBL"], t["tCCDS"])),
        Spacing("tRTW: GWRITE to write", gwrite, writes, SAME_RANK, read_to_write),
    ]


def _group_activate_rules(t: Timing) -> list[Rule]:
    """G_ACT among activates and precharges. (Its tRC needs no rule: four PIM precharges stand between.)"""
    g_act, act, close = ("G_ACT",), ("ACT",), ("PIM_PRECHARGE",)
    return [
        Spacing("tFAW: group activate to group activate of the rank", g_act, g_act, SAME_RANK, t["tFAW"]),
        Spacing("tFAW: group activate to activate of the rank", g_act, act, SAME_RANK, t["tFAW"]),
        Spacing("tRRDL: activate to group activate, same bank group", act, g_act, SAME_GROUP, t["tRRDL"]),
        Spacing("tRRDS: activate to group activate, other bank group", act, g_act, OTHER_GROUP, t["tRRDS"]),
        Spacing("tRAS: group activate to PIM precharge", g_act, close, SAME_BANK, t["tRAS"]),
        Spacing("tRP: PIM precharge to group activate", close, g_act, SAME_BANK, t["tRP"]),
        Spacing("tRP: PIM precharge to refresh", close, ("REFab",), SAME_BANK, t["tRP"]),
    ]


def _compute_rules(t: Timing) -> list[Rule]:
    """COMP reads a column in all banks of both ranks; COMPS_READRES is several of them and the read of the results."""
    pace, close = max(t["tBL"], t["tCCDS"]), ("PIM_PRECHARGE",)
    reads, writes = ("RD", "RDA"), ("WR", "WRA")
    results = ("COMPS_READRES", "READRES")
    return [
        Spacing("tRCD: group activate to compute", ("G_ACT",), COMPUTES, ANYWHERE, t["tRCDRD"]),
        Spacing("tRCD: group activate to write of its row", ("G_ACT",), ("PWRITE",), SAME_BANK, t["tRCDWR"]),
        Spacing("tCCDS: COMP to COMP or READRES", ("COMP",), ("COMP", "READRES"), ANYWHERE, pace),
        Spacing("tCCDS: READRES to COMP or READRES", ("READRES",), ("COMP", "READRES"), ANYWHERE, pace),
        Spacing("tCCDS: read to compute", reads, COMPUTES, ANYWHERE, pace),
        Spacing("tWTRS: write to compute", writes, COMPUTES, ANYWHERE, t["tCWL"] + t["tBL"] + t["tWTRS"]),
        Spacing("tWTRL: write of a PIM row to compute", ("PWRITE",), COMPUTES, ANYWHERE, t["tWTRL"]),
        Spacing("tRTRS: results to read", results, reads, ANYWHERE, t["tBL"] + t["tRTRS"]),
        Spacing("tRTW: results to write", results, writes, ANYWHERE, t["tRTW"]),
        Spacing("tRTP: compute to PIM precharge", COMPUTES, close, ANYWHERE, t["tRTP"]),
        Spacing(
            "tWR: write of a PIM row to PIM precharge", ("PWRITE",), close, SAME_BANK, t["tCWL"] + t["tBL"] + t["tWR"]
        ),
    ]


def composites(view: LogView) -> Iterator[Evidence]:
    """The next COMPS_READRES waits until the columns of the last one are through; their number is in its `column`."""
    rows = np.flatnonzero(view.code == CODE["COMPS_READRES"])
    first, second = rows[:-1], rows[1:]
    same = view.node(CHANNEL)[first] == view.node(CHANNEL)[second]
    first, second = first[same], second[same]
    comps = np.maximum(view.log.rows["column"][first].astype(np.int64), _SHORTEST_COMPOSITE)
    required = 2 * (comps + 1)
    actual = view.cycle[second] - view.cycle[first]
    yield Evidence(COMPOSITE, first, second, view.cycle[second], actual - required, required, actual)
