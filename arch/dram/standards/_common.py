"""Commands and rules that most standards share, parametrised by the level that owns the row timings."""

from bitline.arch.dram.standard import Command, Rule, rule

ACT = Command("ACT", row="open")
PRE = Command("PRE", row="close")
RD = Command("RD", row="need", bus="column", data="read")
WR = Command("WR", row="need", bus="column", data="write")
RDA = Command("RDA", row="need", bus="column", data="read", auto_precharge=True)
WRA = Command("WRA", row="need", bus="column", data="write", auto_precharge=True)
REFpb = Command("REFpb", row="need_closed")


def scoped(owner: str) -> tuple[Command, Command]:
    """PREab and REFab, acting on all banks below one node of `owner`."""
    return Command("PREab", scope=owner, row="close"), Command("REFab", scope=owner, row="need_closed")


def bank_rules(activate: str = "ACT") -> tuple[Rule, ...]:
    """Row cycle of one bank. `activate` is the command that row timings count from."""
    return (
        rule("bank", activate, activate, "tRC"),
        rule("bank", activate, "RD RDA", "tRCDRD"),
        rule("bank", activate, "WR WRA", "tRCDWR"),
        rule("bank", activate, "PRE", "tRAS"),
        rule("bank", "PRE", activate, "tRP"),
        rule("bank", "RD", "PRE", "tRTP"),
        rule("bank", "WR", "PRE", "tCWL + tBL + tWR"),
        rule("bank", "RDA", activate, "tRTPA + tRP"),
        rule("bank", "WRA", activate, "tCWL + tBL + tWR + tRP"),
    )


def column_rules(owner: str) -> tuple[Rule, ...]:
    """Column spacing and bus turnaround between banks below one node of `owner`, and within one bank group."""
    return (
        rule(owner, "RD RDA", "RD RDA", "max(tBL, tCCDS)"),
        rule(owner, "WR WRA", "WR WRA", "max(tBL, tCCDSWR)"),
        rule(owner, "RD RDA", "WR WRA", "tRTW"),
        rule(owner, "WR WRA", "RD RDA", "tCWL + tBL + tWTRS"),
        rule("bank_group", "RD RDA", "RD RDA", "max(tBL, tCCDL)"),
        rule("bank_group", "WR WRA", "WR WRA", "max(tBL, tCCDLWR)"),
        rule("bank_group", "WR WRA", "RD RDA", "tCWL + tBL + tWTRL"),
    )


def rank_switch_rules() -> tuple[Rule, ...]:
    """Data bus hand-over between ranks of one channel."""
    return (
        rule("rank", "RD RDA", "RD RDA", "tBL + tRTRS", siblings=True),
        rule("rank", "WR WRA", "WR WRA", "tWTWR", siblings=True),
        rule("rank", "RD RDA", "WR WRA", "tCL + tBL + tRTRS - tCWL", siblings=True),
        rule("rank", "WR WRA", "RD RDA", "tCWL + tBL + tRTRS - tCL", siblings=True),
    )


def activate_rules(owner: str, activate: str = "ACT") -> tuple[Rule, ...]:
    """Activation spacing and the four-activate window below one node of `owner`."""
    return (
        rule(owner, activate, activate, "tRRDS"),
        rule("bank_group", activate, activate, "tRRDL"),
        rule(owner, activate, activate, "tFAW", window=4),
    )


def all_bank_rules(owner: str, activate: str = "ACT", precharge_time: str = "tRP") -> tuple[Rule, ...]:
    """PREab and REFab against the banks below one node of `owner`."""
    return (
        rule(owner, "RD", "PREab", "tRTP"),
        rule(owner, "WR", "PREab", "tCWL + tBL + tWR"),
        rule(owner, activate, "PREab", "tRAS"),
        rule(owner, "PREab", activate, precharge_time),
        rule(owner, activate, "REFab", "tRC"),
        rule(owner, "PRE", "REFab", "tRP"),
        rule(owner, "PREab", "REFab", precharge_time),
        rule(owner, "RDA", "REFab", "tRTP + tRP"),
        rule(owner, "WRA", "REFab", "tCWL + tBL + tWR + tRP"),
        rule(owner, "REFab", f"{activate} PREab REFab", "tRFC"),
    )


def per_bank_refresh_rules(owner: str, activate: str = "ACT") -> tuple[Rule, ...]:
    """REFpb against activations and other refreshes below one node of `owner`."""
    return (
        rule(owner, "REFpb", activate, "tRREFD"),
        rule(owner, "REFpb", "REFpb", "tRREFD"),
        rule(owner, activate, "REFpb", "tRRDS"),
        rule("bank_group", activate, "REFpb", "tRRDL"),
        rule(owner, "REFpb", "REFab", "tRFCpb"),
        rule(owner, "REFab", "REFpb", "tRFC"),
        rule("bank", "REFpb", f"{activate} REFpb", "tRFCpb"),
        rule("bank", activate, "REFpb", "tRC"),
        rule("bank", "PRE", "REFpb", "tRP"),
        rule(owner, "PREab", "REFpb", "tRP"),
        rule("bank", "RDA", "REFpb", "tRTPA + tRP"),
        rule("bank", "WRA", "REFpb", "tCWL + tBL + tWR + tRP"),
    )


DERIVED = {
    "tRCDRD": "tRCD",
    "tRCDWR": "tRCD",
    "tRC": "tRAS + tRP",
    "tRTPA": "tRTP",
    "tCCDSWR": "tCCDS",
    "tCCDLWR": "tCCDL",
    "tRTW": "tCL + tBL + 2 - tCWL",
}
RANKED = {**DERIVED, "tWTWR": "tBL + tRTRS"}
