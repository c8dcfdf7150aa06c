"""GDDR6 SGRAM (JEDEC JESD250): one rank a channel, all-bank refresh of the channel, REFpb counts as an activation."""

from bitline.arch.dram.standard import Standard, rule
from bitline.arch.dram.standards import _common as common

RULES = (
    *common.bank_rules(),
    *common.column_rules("channel"),
    rule("channel", "ACT", "ACT", "tRRDS"),
    rule("bank_group", "ACT", "ACT", "tRRDL"),
    rule("channel", "ACT REFpb", "ACT REFpb", "tFAW", window=4),
    rule("channel", "ACT", "ACT", "t32AW", window=32),
    *common.all_bank_rules("channel"),
    *common.per_bank_refresh_rules("channel"),
    rule("channel", "PRE PREab", "PRE PREab", "tPPD"),
)
COMMANDS = (
    common.ACT,
    common.PRE,
    common.RD,
    common.WR,
    common.RDA,
    common.WRA,
    common.REFpb,
    *common.scoped("channel"),
)

STANDARD = Standard(
    name="gddr6",
    source="JEDEC JESD250C",
    levels=("channel", "bank_group", "bank"),
    commands=COMMANDS,
    rules=RULES,
    refresh_scope="channel",
    derived=common.DERIVED,
    optional=("t32AW", "tPPD", "tRFCpb", "tRREFD"),
)
