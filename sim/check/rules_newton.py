"""Newton on HBM2 (NewtonSim with a single row buffer): PIM and ordinary traffic take turns in the one buffer of a bank.

A header finds every bank of the channel closed or on its row, and from there to the last READRES that belongs to it
ordinary commands wait. (A GWRITE holds its own bank only; the row that it reads is opened by an ordinary ACT.)
"""

from __future__ import annotations

from collections.abc import Iterator

from bitline.sim.check.evidence import Evidence
from bitline.sim.check.part import Part
from bitline.sim.check.pim_distances import COMPUTES
from bitline.sim.check.pim_rows import locked, one_buffer
from bitline.sim.check.rule import SAME_GROUP, Buffer, Rule, RuleSet, Spacing
from bitline.sim.check.rules_common import Words
from bitline.sim.check.rules_pim_banks import (
    ANYWHERE,
    READS,
    WRITES,
    Waits,
    buffer_write_rules,
    compute_rules,
    group_activate_rules,
    group_pace,
    ordinary_rules,
    pim_kinds,
    pim_rule_set,
)
from bitline.sim.check.view import LogView


def hbm2_newton(part: Part) -> RuleSet:
    """One row buffer a bank: the rules of rows and columns hold between PIM and ordinary commands too.

    ACT to G_ACT in a group needs no tRRDL: a bank that was activated has to be closed again before.
    """
    t, kinds = part.timing, pim_kinds(part, Buffer.MEMORY)
    precharges = ("PRE", "PREab", "PIM_PRECHARGE")
    written = t["tCWL"] + t["tBL"]
    rules: list[Rule] = [
        *ordinary_rules(t, Words(precharges=((precharges, "tRP"),)), kinds),
        *buffer_write_rules(t, precharges),
        *group_activate_rules(t, precharges),
        Spacing("tRC: group activate to activate of its group", ("G_ACT",), ("ACT",), SAME_GROUP, t["tRC"]),
        *compute_rules(t, precharges),
        Spacing("tRCD: activate to compute", ("ACT",), COMPUTES, ANYWHERE, t["tRCDRD"]),
        Spacing("tCCDL: read to compute", READS, COMPUTES, ANYWHERE, group_pace(t)),
        Spacing("tWTRL: write to compute", WRITES, COMPUTES, ANYWHERE, written + t["tWTRL"]),
    ]
    waits: Waits = [
        (precharges, t["tRP"], "tRP: precharge to group activate"),
        (("ACT",), t["tRC"], "tRC: activate to group activate"),
        (("RDA",), t.first("tRTPA", "tRTP") + t["tRP"], "tRTP + tRP: RDA to group activate"),
        (("WRA",), written + t["tWR"] + t["tRP"], "tWR + tRP: WRA to group activate"),
    ]
    return pim_rule_set(part, kinds, rules, waits, _rows)


def _rows(view: LogView) -> Iterator[Evidence]:
    yield from one_buffer(view)
    yield from locked(view)
