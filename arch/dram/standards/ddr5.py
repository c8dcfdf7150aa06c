"""DDR5 SDRAM (JEDEC JESD79-5): commands with addresses take two bus cycles; writes have their own column spacing."""

from dataclasses import replace

from bitline.arch.dram.standard import Command, Standard, rule
from bitline.arch.dram.standards import _common as common


def _two_cycles(command: Command) -> Command:
    return replace(command, cycles=2.0)


STANDARD = Standard(
    name="ddr5",
    source="JEDEC JESD79-5, table 30 for command cycles",
    levels=("channel", "rank", "bank_group", "bank"),
    commands=(
        _two_cycles(common.ACT),
        common.PRE,
        *(_two_cycles(command) for command in (common.RD, common.WR, common.RDA, common.WRA)),
        *common.scoped("rank"),
    ),
    rules=(
        *common.bank_rules(),
        *common.column_rules("rank"),
        *common.rank_switch_rules(),
        *common.activate_rules("rank"),
        *common.all_bank_rules("rank"),
        rule("rank", "PRE PREab", "PRE PREab", "tPPD"),
    ),
    refresh_scope="rank",
    # Read postamble and write preamble take two clocks each on top of the burst.
    derived={**common.RANKED, "tRTW": "tCL + tBL + 4 - tCWL"},
)
