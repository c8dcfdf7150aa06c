"""DDR4 SDRAM (JEDEC JESD79-4)."""

from bitline.arch.dram.standard import Standard, rule
from bitline.arch.dram.standards import _common as common

STANDARD = Standard(
    name="ddr4",
    source="JEDEC JESD79-4",
    levels=("channel", "rank", "bank_group", "bank"),
    commands=(common.ACT, common.PRE, common.RD, common.WR, common.RDA, common.WRA, *common.scoped("rank")),
    rules=(
        *common.bank_rules(),
        *common.column_rules("rank"),
        *common.rank_switch_rules(),
        *common.activate_rules("rank"),
        *common.all_bank_rules("rank"),
        rule("rank", "PRE PREab", "PRE PREab", "tPPD"),
    ),
    refresh_scope="rank",
    derived=common.RANKED,
    optional=("tPPD",),
)
