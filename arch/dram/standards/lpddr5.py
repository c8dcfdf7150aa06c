"""LPDDR5 SDRAM (JEDEC JESD209-5): split activation (ACT1, ACT2) and a data clock that has to be synchronised (CAS).

Clocks are CK; the data clock WCK runs four times as fast. All row timings count from ACT1.
"""

from bitline.arch.dram.standard import Command, Standard, rule
from bitline.arch.dram.standards import _common as common

STANDARD = Standard(
    name="lpddr5",
    source="JEDEC JESD209-5B",
    levels=("channel", "rank", "bank_group", "bank"),
    commands=(
        Command("ACT1", row="half_open"),
        Command("ACT2", row="open"),
        common.PRE,
        Command("CAS_RD", row="need", bus="column"),
        Command("CAS_WR", row="need", bus="column"),
        common.RD,
        common.WR,
        common.RDA,
        common.WRA,
        common.REFpb,
        *common.scoped("rank"),
    ),
    rules=(
        *common.bank_rules("ACT1"),
        rule("rank", "RD RDA", "RD RDA", "max(tBL, tCCDS)"),
        rule("rank", "WR WRA", "WR WRA", "max(tBL, tCCDSWR)"),
        rule("rank", "RD RDA", "WR WRA", "tRTW"),
        rule("rank", "WR WRA", "RD RDA", "tCWL + tBL + tWTRS"),
        rule("bank_group", "RD RDA", "RD RDA", "max(tBL, tCCDL)"),
        rule("bank_group", "WR WRA", "WR WRA", "max(tBL, tCCDLWR)"),
        # Within a bank group the write burst is taken at its full length (JESD209-5B, table 21).
        rule("bank_group", "WR WRA", "RD RDA", "tCWL + tBLmax + tWTRL"),
        *common.rank_switch_rules(),
        *common.activate_rules("rank", "ACT1"),
        *common.all_bank_rules("rank", "ACT1", "tRPab"),
        rule("rank", "PRE PREab", "PRE PREab", "tPPD"),
        rule("bank", "ACT1", "ACT2", "tACT2"),
        rule("bank", "CAS_RD", "RD RDA", "tCAS"),
        rule("bank", "CAS_WR", "WR WRA", "tCAS"),
        rule("rank", "REFpb", "REFpb", "tPBR2PBR"),
        rule("rank", "REFpb", "ACT1", "tPBR2ACT"),
        rule("rank", "REFpb", "REFab", "tRFCpb"),
        rule("rank", "REFab", "REFpb", "tRFC"),
        rule("rank", "ACT1", "REFpb", "tRRDS"),
        rule("bank", "REFpb", "ACT1 REFpb", "tRFCpb"),
        rule("bank", "ACT1", "REFpb", "tRC"),
        rule("bank", "PRE", "REFpb", "tRP"),
        rule("rank", "PREab", "REFpb", "tRPab"),
        rule("bank", "RDA", "REFpb", "tRTPA + tRP"),
        rule("bank", "WRA", "REFpb", "tCWL + tBL + tWR + tRP"),
    ),
    refresh_scope="rank",
    derived={**common.RANKED, "tRPab": "tRP", "tBLmax": "tBL", "tACT2": "1"},
    split_activate=True,
    needs_sync=True,
)
