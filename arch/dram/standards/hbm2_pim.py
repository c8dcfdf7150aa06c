"""HBM-PIM (Samsung, FIMDRAM): HBM2 pseudo channels whose banks can be driven together ("HAB" mode).

In HAB mode a command to bank 0 acts on all even banks and one to bank 1 on all odd banks; the bus sees ordinary
commands with ordinary timings. They carry names of their own here (ACT_AB, PRE_AB, RD_AB, WR_AB), so that logs and
energy tell them apart; they obey the rules of the commands that they are, and those of every bank that they reach.
"""

from dataclasses import replace

from bitline.arch.dram.standard import Command, Rule, rule
from bitline.arch.dram.standards import _common as common
from bitline.arch.dram.standards.hbm2 import STANDARD as HBM2

_WIDE = {"ACT": "ACT_AB", "PRE": "PRE_AB", "RD": "RD_AB", "WR": "WR_AB"}


def _with_wide(row: Rule) -> Rule:
    """The same rule, holding between all-bank commands and the others too."""
    before = (*row.before, *(_WIDE[name] for name in row.before if name in _WIDE))
    after = (*row.after, *(_WIDE[name] for name in row.after if name in _WIDE))
    return replace(row, before=before, after=after)


_OWNER = "pseudo_channel"
_WRITE_DONE = "tCWL + tBL + tWR"

STANDARD = replace(
    HBM2,
    name="hbm2_pim",
    source="Kwon et al., ISSCC 2021; Lee et al., ISCA 2021; SAITPublic/PIMSimulator",
    commands=(
        *HBM2.commands,
        Command("ACT_AB", row="open", cycles=2.0, banks=8),
        Command("PRE_AB", row="close", banks=8),
        Command("RD_AB", row="need", bus="column", banks=8),
        Command("WR_AB", row="need", bus="column", data="write", banks=8),
    ),
    rules=(
        *(_with_wide(row) for row in HBM2.rules),
        # Half of all banks is touched, so what a single bank must keep holds for every bank of the pseudo channel.
        rule(_OWNER, "ACT_AB", "ACT", "tRC"),
        rule(_OWNER, "ACT", "ACT_AB", "tRC"),
        rule(_OWNER, "ACT_AB", "PRE", "tRAS"),
        rule(_OWNER, "ACT", "PRE_AB", "tRAS"),
        rule(_OWNER, "ACT_AB", "RD RDA", "tRCDRD"),
        rule(_OWNER, "ACT_AB", "WR WRA", "tRCDWR"),
        rule(_OWNER, "PRE_AB", "ACT", "tRP"),
        rule(_OWNER, "PRE", "ACT_AB", "tRP"),
        rule(_OWNER, "PREab", "ACT_AB", "tRP"),
        rule(_OWNER, "RD_AB", "PRE", "tRTP"),
        rule(_OWNER, "RD", "PRE_AB", "tRTP"),
        rule(_OWNER, "WR_AB", "PRE", _WRITE_DONE),
        rule(_OWNER, "WR", "PRE_AB", _WRITE_DONE),
        rule(_OWNER, "RDA", "ACT_AB", "tRTPA + tRP"),
        rule(_OWNER, "WRA", "ACT_AB", f"{_WRITE_DONE} + tRP"),
        # All bank groups work at once: the long column spacing is the pace.
        rule(_OWNER, "RD_AB", "RD RDA RD_AB", "max(tBL, tCCDL)"),
        rule(_OWNER, "RD RDA", "RD_AB", "max(tBL, tCCDL)"),
        rule(_OWNER, "WR_AB", "WR WRA WR_AB", "max(tBL, tCCDLWR)"),
        rule(_OWNER, "WR WRA", "WR_AB", "max(tBL, tCCDLWR)"),
        rule(_OWNER, "WR_AB", "RD RDA RD_AB", "tCWL + tBL + tWTRL"),
        rule(_OWNER, "WR WRA", "RD_AB", "tCWL + tBL + tWTRL"),
        rule(_OWNER, "REFpb", "ACT_AB", "tRFCpb"),
        rule(_OWNER, "ACT_AB", "REFpb", "tRC"),
        rule(_OWNER, "PRE_AB", "REFpb", "tRP"),
    ),
    derived=common.DERIVED,
)
