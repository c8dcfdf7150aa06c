"""NeuPIMs (NewtonSim): HBM2 banks with a second row buffer for PIM, as that simulator implements them.

The built-in numbers are those of HBM2_8Gb_x128_dualpim.ini with the defaults of its parser. ACT, PRE, RD, WR and GWRITE
work on the memory row buffer; G_ACT opens a row of four banks in the PIM buffer, COMP reads it in all banks,
PIM_PRECHARGE closes it in one bank. `neupims-careful`, and a part with `careful: true` under `pim`, add what the
simulator leaves out: a G_ACT opens four rows, so it keeps tFAW and finds four banks ready, and the PIM buffers stay
open until the last column of a composite is read.
"""

from __future__ import annotations

from dataclasses import replace

from bitline.base.document import Source
from bitline.sim.check.part import Part, Timing
from bitline.sim.check.pim_distances import COMPUTES
from bitline.sim.check.pim_rows import two_buffers
from bitline.sim.check.rule import SAME_BANK, SAME_GROUP, Action, Buffer, Kind, Rule, RuleSet, Spacing
from bitline.sim.check.rules_common import Words
from bitline.sim.check.rules_pim_banks import (
    ANYWHERE,
    BANK,
    READS,
    WRITES,
    Waits,
    buffer_write_rules,
    compute_rules,
    group_activate_rules,
    ordinary_rules,
    pace,
    pim_kinds,
    pim_rule_set,
)

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


def neupims(part: Part) -> RuleSet:
    """The dual row buffer memory as NewtonSim schedules it, with the built-in numbers."""
    return hbm2_neupims(replace(part, standard="neupims", careful=False))


def neupims_careful(part: Part) -> RuleSet:
    """The same with the rules that NewtonSim leaves out."""
    return hbm2_neupims(replace(part, standard="neupims-careful", careful=True))


def hbm2_neupims(part: Part) -> RuleSet:
    """Two row buffers a bank: what PIM does to its own buffer delays ordinary commands only over what both share."""
    t, close = part.timing, ("PIM_PRECHARGE",)
    kinds = {**pim_kinds(part, Buffer.PIM), "PWRITE": Kind(BANK, Action.ACCESS, buffer=Buffer.PIM)}
    rules: list[Rule] = [
        *ordinary_rules(t, Words(), kinds),
        *buffer_write_rules(t, ("PRE", "PREab")),
        *group_activate_rules(t, close),
        Spacing("tRRDL: activate to group activate, same bank group", ("ACT",), ("G_ACT",), SAME_GROUP, t["tRRDL"]),
        Spacing("tRP: PIM precharge to refresh", close, ("REFab",), SAME_BANK, t["tRP"]),
        *compute_rules(t, close),
        Spacing("tCCDS: read to compute", READS, COMPUTES, ANYWHERE, pace(t)),
        Spacing("tWTRS: write to compute", WRITES, COMPUTES, ANYWHERE, t["tCWL"] + t["tBL"] + t["tWTRS"]),
        *_row_write_rules(t),
    ]
    waits: Waits = [(close, t["tRP"], "tRP: PIM precharge to group activate")]
    return pim_rule_set(part, kinds, rules, waits, two_buffers)


def _row_write_rules(t: Timing) -> list[Rule]:
    """PWRITE writes into the open row of the PIM buffer."""
    pwrite, written = ("PWRITE",), t["tCWL"] + t["tBL"] + t["tWR"]
    return [
        Spacing("tRCD: group activate to write of its row", ("G_ACT",), pwrite, SAME_BANK, t["tRCDWR"]),
        Spacing("tWTRL: write of a PIM row to compute", pwrite, COMPUTES, ANYWHERE, t["tWTRL"]),
        Spacing("tWR: write of a PIM row to PIM precharge", pwrite, ("PIM_PRECHARGE",), SAME_BANK, written),
    ]
