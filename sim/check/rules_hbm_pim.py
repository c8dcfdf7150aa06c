"""HBM-PIM (FIMDRAM, PIMSimulator): HBM2 whose commands act, in the all-bank modes, on all even or all odd banks.

A command X_AB is the ordinary command X of a bank in such a mode: bank group 0 and bank 0 stand for all even banks,
bank 1 for all odd ones. It keeps every rule as a command to that bank, keeps the bank rules against commands to any
single bank of the pseudo channel, counts once in the activation window, and its accesses go at the pace of tCCDL.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from bitline.sim.check.evidence import Evidence
from bitline.sim.check.part import Part
from bitline.sim.check.rule import Action, Kind, Level, Relation, Rule, RuleSet, Spacing
from bitline.sim.check.rules_common import Words, bank_refresh_kind, usual_kinds
from bitline.sim.check.rules_hbm import DEVICE, hbm_rule_set, hbm_rules, refreshes
from bitline.sim.check.view import LogView

ADDRESSES = "HAB: an all-bank command names bank 0 or 1 of bank group 0"
_ALL_BANK = {"ACT_AB": Action.OPEN, "PRE_AB": Action.CLOSE, "RD_AB": Action.ACCESS, "WR_AB": Action.ACCESS}


def hbm2_pim(part: Part) -> RuleSet:
    """HBM2 with the commands of the all-bank (HAB) and all-bank PIM (HAB_PIM) modes."""
    t = part.timing
    clocks = {"ACT": 2.0}
    single = {**usual_kinds(part, DEVICE, clocks), **bank_refresh_kind(part, clocks)}
    kinds = dict(single)
    for name, action in _ALL_BANK.items():
        ticks = part.command_ticks(name, single[name.removesuffix("_AB")].ticks)
        kinds[name] = replace(Kind(Level.PARITY, action, ticks), depth=Level.BANK)
    words = Words(
        activates=("ACT", "ACT_AB"),
        precharges=((("PRE", "PREab", "PRE_AB"), "tRP"),),
        reads=("RD", "RD_AB"),
        writes=("WR", "WR_AB"),
        refreshes=refreshes(kinds),
    )
    rules: list[Rule] = hbm_rules(part, kinds, words)
    anywhere = Relation(DEVICE)
    for kind, all_bank, any_bank in (("read", ("RD_AB",), words.all_reads), ("write", ("WR_AB",), words.all_writes)):
        rules += [
            Spacing(f"tCCDL: all-bank {kind} to {kind}", all_bank, any_bank, anywhere, t["tCCDL"]),
            Spacing(f"tCCDL: {kind} to all-bank {kind}", any_bank, all_bank, anywhere, t["tCCDL"]),
        ]
    return hbm_rule_set(part, kinds, words, rules, {ADDRESSES: _addresses})


def _addresses(view: LogView) -> Iterator[Evidence]:
    """In the all-bank modes only banks 0 and 1 of bank group 0 are addressed."""
    cells = view.log.rows
    wrong = view.mask(_ALL_BANK) & ((cells["bank_group"] != 0) | (cells["bank"] > 1))
    yield Evidence.of_state(ADDRESSES, [(-1, int(row)) for row in wrong.nonzero()[0]], view.cycle)
