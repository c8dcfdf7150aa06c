"""GDDR6-AiM (SK hynix): GDDR6 with a multiply-accumulate unit in every bank and commands to all 16 banks at once.

Rules after the command and timing model of CENT's AiM simulator. No four-activate window: ACT16 opens every bank with
one command, the device has reservoir capacitors for it.
"""

from collections.abc import Iterator

from bitline.arch.dram.standard import Command, Rule, Standard, rule
from bitline.arch.dram.standards import _common as common

_ACTS = "ACT ACT4 ACT16"
_PRES = "PRE PRE4 PREab"
_PIN_READS = "RD RDA RDMAC16 RDAF16"
_BANK_READS = "RD RDA RDCP"
_WIDE_READS = "RDMAC16 RDAF16 MAC16 AF16 EWMUL16"
_BANK_WRITES = "WR WRA WRCP"
_WIDE_WRITES = "WRGB WRMAC16 WRA16"
_WRITE_DONE = "tCWL + tBL + tWR"


def _turnarounds() -> Iterator[Rule]:
    """Reads and writes that use the pins, each with its own latency to them."""
    read_latency = {"RD RDA": "tCL", "RDMAC16 RDAF16": "tCLREG"}
    write_latency = {"WR WRA WRCP WRA16": "tCWL", "WRGB": "tCWLGB", "WRMAC16": "tCWLREG"}
    for reads, tail in read_latency.items():
        for writes, head in write_latency.items():
            yield rule("channel", reads, writes, f"{tail} + tBL + 3 - {head} + tWPRE")
    for writes, head in write_latency.items():
        yield rule("channel", writes, _BANK_READS, f"{head} + tBL + tWTRS")
        yield rule("channel", writes, _WIDE_READS, f"{head} + tBL + tWTRL")
    yield rule("bank_group", _BANK_WRITES, _BANK_READS, "tCWL + tBL + tWTRL")


STANDARD = Standard(
    name="gddr6_aim",
    source="Lee et al., ISSCC 2022 (11.1); Kwon et al., Hot Chips 34; timing of arkhadem/aim_simulator",
    levels=("channel", "bank_group", "bank"),
    commands=(
        common.ACT,
        common.PRE,
        common.RD,
        common.WR,
        common.RDA,
        common.WRA,
        common.REFpb,
        *common.scoped("channel"),
        Command("ACT4", scope="bank_group", row="open"),
        Command("ACT16", scope="channel", row="open"),
        Command("PRE4", scope="bank_group", row="close"),
        Command("MAC16", scope="channel", row="need", bus="column"),
        Command("AF16", scope="channel", row="need", bus="column"),
        Command("EWMUL16", scope="channel", row="need", bus="column"),
        Command("RDCP", row="need", bus="column"),
        Command("WRCP", row="need", bus="column"),
        Command("WRGB", scope="channel", bus="column", data="write"),
        Command("RDMAC16", scope="channel", bus="column", data="read"),
        Command("RDAF16", scope="channel", bus="column", data="read"),
        Command("WRMAC16", scope="channel", bus="column", data="write"),
        Command("WRA16", scope="channel", row="need", bus="column", data="write", auto_precharge=True),
        Command("TMOD", scope="channel"),
    ),
    rules=(
        *common.bank_rules(),
        rule("channel", _BANK_READS, _BANK_READS, "max(tBL, tCCDS)"),
        rule("bank_group", _BANK_READS, _BANK_READS, "max(tBL, tCCDL)"),
        rule("channel", _PIN_READS, _PIN_READS, "tBL"),
        rule("channel", _WIDE_READS, f"{_WIDE_READS} {_BANK_READS}", "tCCDL"),
        rule("channel", _BANK_READS, _WIDE_READS, "tCCDL"),
        rule("channel", "MAC16", _WIDE_READS, "tMAC"),  # units with few lanes take a column in several passes
        rule("channel", _BANK_WRITES, _BANK_WRITES, "max(tBL, tCCDS)"),
        rule("bank_group", _BANK_WRITES, _BANK_WRITES, "max(tBL, tCCDL)"),
        rule("channel", _WIDE_WRITES, f"{_WIDE_WRITES} {_BANK_WRITES}", "max(tBL, tCCDL)"),
        rule("channel", _BANK_WRITES, _WIDE_WRITES, "max(tBL, tCCDL)"),
        *_turnarounds(),
        # Row to column
        rule("channel", _ACTS, "MAC16", "tRCDRDMAC"),
        rule("channel", _ACTS, "AF16", "tRCDRDAF"),
        rule("channel", _ACTS, "EWMUL16", "tRCDEWMUL"),
        rule("channel", _ACTS, "WRA16", "tRCDWR"),
        rule("bank", "ACT", "RDCP", "tRCDRDCP"),
        rule("bank", "ACT", "WRCP", "tRCDWRCP"),
        rule("bank_group", "ACT4", "RD RDA", "tRCDRD"),
        rule("bank_group", "ACT4", "WR WRA", "tRCDWR"),
        rule("bank_group", "ACT4", "RDCP", "tRCDRDCP"),
        rule("bank_group", "ACT4", "WRCP", "tRCDWRCP"),
        rule("channel", "ACT16", "RD RDA", "tRCDRD"),
        rule("channel", "ACT16", "WR WRA", "tRCDWR"),
        rule("channel", "ACT16", "RDCP", "tRCDRDCP"),
        rule("channel", "ACT16", "WRCP", "tRCDWRCP"),
        # Activations
        rule("channel", "ACT ACT4", "ACT ACT4", "tRRDS"),
        rule("bank_group", "ACT", "ACT", "tRRDL"),
        rule("bank_group", "ACT4", "ACT4 ACT", "tRC"),
        rule("bank_group", "ACT", "ACT4", "tRC"),
        rule("channel", "ACT16", _ACTS, "tRC"),
        rule("channel", "ACT ACT4", "ACT16", "tRC"),
        # Activation to precharge, precharge to activation
        rule("bank_group", "ACT ACT4", "PRE4", "tRAS"),
        rule("bank_group", "ACT4", "PRE", "tRAS"),
        rule("channel", "ACT16", _PRES, "tRAS"),
        rule("channel", "ACT ACT4", "PREab", "tRAS"),
        rule("bank_group", "PRE", "ACT4", "tRP"),
        rule("bank_group", "PRE4", "ACT ACT4", "tRP"),
        rule("channel", "PRE PRE4 PREab", "ACT16", "tRP"),
        rule("channel", "PREab", "ACT ACT4", "tRP"),
        rule("channel", "PREab", "PRE PRE4", "tRP"),
        rule("channel", "PRE PRE4", "PREab", "tRP"),
        # Column to precharge
        rule("bank", "RDCP", "PRE", "tRTP"),
        rule("bank", "WRCP", "PRE", _WRITE_DONE),
        rule("bank_group", "RD RDCP", "PRE4", "tRTP"),
        rule("bank_group", "WR WRCP", "PRE4", _WRITE_DONE),
        rule("channel", "RD RDCP", "PREab", "tRTP"),
        rule("channel", "WR WRCP", "PREab", _WRITE_DONE),
        rule("channel", "MAC16 AF16", _PRES, "tRTP"),
        rule("channel", "EWMUL16", _PRES, "max(tRTP, tCWL + tWR)"),
        rule("channel", "WRA16", f"{_ACTS} REFab REFpb", f"{_WRITE_DONE} + tRP"),
        rule("channel", "RDA", "ACT16", "tRTPA + tRP"),
        rule("channel", "WRA", "ACT16", f"{_WRITE_DONE} + tRP"),
        rule("bank_group", "RDA", "ACT4", "tRTPA + tRP"),
        rule("bank_group", "WRA", "ACT4", f"{_WRITE_DONE} + tRP"),
        # Refresh
        rule("channel", _ACTS, "REFab", "tRC"),
        rule("channel", _PRES, "REFab", "tRP"),
        rule("channel", "RDA", "REFab", "tRTP + tRP"),
        rule("channel", "WRA", "REFab", f"{_WRITE_DONE} + tRP"),
        rule("channel", "REFab", f"{_ACTS} {_PRES} REFab REFpb", "tRFC"),
        rule("bank", "REFpb", "ACT REFpb", "tRFCpb"),
        rule("channel", "REFpb", "ACT16 REFab", "tRFCpb"),
        rule("bank_group", "REFpb", "ACT4", "tRFCpb"),
        rule("channel", "REFpb", "ACT ACT4 REFpb", "tRREFD"),
        rule("channel", "ACT", "REFpb", "tRRDS"),
        rule("bank", "ACT", "REFpb", "tRC"),
        rule("bank", "PRE", "REFpb", "tRP"),
        rule("channel", "ACT16", "REFpb", "tRC"),
        rule("channel", "PREab", "REFpb", "tRP"),
        rule("bank_group", "ACT4", "REFpb", "tRC"),
        rule("bank_group", "PRE4", "REFpb", "tRP"),
        rule("bank", "RDA", "REFpb", "tRTPA + tRP"),
        rule("bank", "WRA", "REFpb", f"{_WRITE_DONE} + tRP"),
        # Mode change
        rule(
            "channel",
            "TMOD",
            f"{_ACTS} {_PRES} RD WR RDA WRA {_WIDE_READS} {_WIDE_WRITES} RDCP WRCP REFab REFpb TMOD",
            "tMODCH",
        ),
    ),
    refresh_scope="channel",
    derived={key: text for key, text in common.DERIVED.items() if key != "tRTW"},
)
