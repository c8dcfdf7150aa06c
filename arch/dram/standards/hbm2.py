"""HBM2 and HBM2E (JEDEC JESD235): pseudo channels with their own timings, a row and a column command bus they share.

A legacy channel (128 bits, no pseudo channels) is a part with one pseudo channel.
"""

from bitline.arch.dram.standard import Command, Standard, rule
from bitline.arch.dram.standards import _common as common

RULES = (
    *common.bank_rules(),
    *common.column_rules("pseudo_channel"),
    # Stack ids of one pseudo channel share its data pins; the hand-over takes tCCDR.
    rule("rank", "RD RDA", "RD RDA", "tCCDR", siblings=True),
    rule("rank", "WR WRA", "WR WRA", "tCCDR", siblings=True),
    *common.activate_rules("pseudo_channel"),
    *common.all_bank_rules("pseudo_channel"),
    *common.per_bank_refresh_rules("pseudo_channel"),
)
COMMANDS = (
    Command("ACT", row="open", cycles=2.0),
    common.PRE,
    common.RD,
    common.WR,
    common.RDA,
    common.WRA,
    common.REFpb,
    *common.scoped("pseudo_channel"),
)

STANDARD = Standard(
    name="hbm2",
    source="JEDEC JESD235D",
    levels=("channel", "pseudo_channel", "rank", "bank_group", "bank"),
    commands=COMMANDS,
    rules=RULES,
    refresh_scope="pseudo_channel",
    derived=common.DERIVED,
    optional=("tCCDR", "tRFCpb", "tRREFD"),
    two_command_buses=True,
)
