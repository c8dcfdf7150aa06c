"""HBM3 (JEDEC JESD238): like HBM2, with half-clock row commands and column spacing by stack id.

A tick is half a clock. Column commands, ACT and REF start on a rising edge; PRE may also start on a falling one.
"""

from bitline.arch.dram.standard import Command, Standard, rule
from bitline.arch.dram.standards import _common as common

STANDARD = Standard(
    name="hbm3",
    source="JEDEC JESD238A",
    levels=("channel", "pseudo_channel", "rank", "bank_group", "bank"),
    commands=(
        Command("ACT", row="open", cycles=1.5),
        Command("PRE", row="close", cycles=0.5),
        common.RD,
        common.WR,
        common.RDA,
        common.WRA,
        Command("PREab", scope="pseudo_channel", row="close", cycles=0.5),
        Command("REFab", scope="pseudo_channel", row="need_closed", cycles=0.5),
        Command("REFpb", row="need_closed", cycles=0.5),
    ),
    rules=(
        *common.bank_rules(),
        rule("pseudo_channel", "RD RDA", "RD RDA", "tBL"),
        rule("pseudo_channel", "WR WRA", "WR WRA", "tBL"),
        rule("rank", "RD RDA", "RD RDA", "tCCDS"),
        rule("rank", "WR WRA", "WR WRA", "tCCDS"),
        rule("rank", "RD RDA", "RD RDA", "tCCDR", siblings=True),
        rule("rank", "WR WRA", "WR WRA", "tCCDR", siblings=True),
        rule("pseudo_channel", "RD RDA", "WR WRA", "tRTW"),
        rule("pseudo_channel", "WR WRA", "RD RDA", "tCWL + tBL + tWTRS"),
        rule("bank_group", "RD RDA", "RD RDA", "tCCDL"),
        rule("bank_group", "WR WRA", "WR WRA", "tCCDL"),
        rule("bank_group", "WR WRA", "RD RDA", "tCWL + tBL + tWTRL"),
        *common.activate_rules("pseudo_channel"),
        *common.all_bank_rules("pseudo_channel"),
        *common.per_bank_refresh_rules("pseudo_channel"),
        rule("pseudo_channel", "PRE PREab", "PRE PREab", "tPPD"),
    ),
    refresh_scope="pseudo_channel",
    derived=common.DERIVED,
    ticks_per_clock=2,
    two_command_buses=True,
)
