"""GDDR6-AiM (Lee et al., ISSCC 2022; timing model of CENT's AiM simulator): GDDR6 with a MAC unit in each bank.

Commands with 4 act on a bank group, those with 16 on all banks of the channel. A vector comes from the global buffer;
results lie in registers beside the banks. No four-activate window: the device has reservoir capacitors for ACT16.
"""

from __future__ import annotations

from dataclasses import replace

from bitline.sim.check.part import Part, Timing
from bitline.sim.check.rule import (
    SAME_BANK,
    SAME_GROUP,
    Action,
    DataBus,
    Kind,
    Level,
    Relation,
    Rule,
    RuleSet,
    Spacing,
)
from bitline.sim.check.rules_common import (
    Words,
    activation_rules,
    all_bank_refresh_rule,
    bank_refresh_kind,
    bank_refresh_rule,
    column_rules,
    precharge_spacing,
    row_rules,
    usual_kinds,
)
from bitline.sim.check.rules_gddr6 import bank_refresh_spacing, gddr6_refresh

CHANNEL, GROUP, BANK = Level.CHANNEL, Level.BANK_GROUP, Level.BANK
ANYWHERE = Relation(CHANNEL)

ACTIVATES = ("ACT", "ACT4", "ACT16")
PRECHARGES = ("PRE", "PRE4", "PREab")
#: Column commands that touch one bank, and those that touch all 16 banks or their registers.
ONE_BANK_READS = ("RD", "RDA", "RDCP")
ALL_BANK_READS = ("RDMAC16", "RDAF16", "MAC16", "EWMUL16")
ONE_BANK_WRITES = ("WR", "WRA", "WRCP")
ALL_BANK_WRITES = ("WRMAC16", "WRA16", "EWMUL16")


def gddr6_aim(part: Part) -> RuleSet:
    """One channel of a GDDR6-AiM package."""
    t = part.timing
    kinds = _kinds(part)
    words = Words(
        activates=ACTIVATES,
        precharges=((PRECHARGES, "tRP"),),
        writes_and_close=("WRA", "WRA16"),
        refreshes=tuple(name for name in ("REFab", "REFpb") if name in kinds),
    )
    everything = tuple(kinds)
    rules: list[Rule] = [
        *row_rules(t, words),
        *_activation_rules(t),
        *_row_rules_of_compute(t),
        *precharge_spacing(t, PRECHARGES, CHANNEL),
        *_column_rules(t, words),
        *_read_to_write(t),
        *_write_to_read(t),
        all_bank_refresh_rule(t, everything),
        Spacing("tMODCH: mode change to any command", ("TMOD",), everything, ANYWHERE, t["tMODCH"]),
    ]
    if part.passes > 1:
        pace = part.passes * t["tCCDL"]
        rules.append(Spacing("lanes: MAC16 to MAC16 or results", ("MAC16",), ALL_BANK_READS, ANYWHERE, pace))
    if "REFpb" in kinds:
        rules += [bank_refresh_rule(t, ACTIVATES), *_bank_refresh_spacing(t)]
    return RuleSet(
        part.standard,
        kinds,
        rules,
        {"command bus": everything},
        DataBus(CHANNEL, _latencies(t), t["tBL"]),
        gddr6_refresh(part),
    )


def _kinds(part: Part) -> dict[str, Kind]:
    own = {
        "ACT4": Kind(GROUP, Action.OPEN),
        "ACT16": Kind(CHANNEL, Action.OPEN),
        "PRE4": Kind(GROUP, Action.CLOSE),
        "MAC16": Kind(CHANNEL, Action.ACCESS),
        "AF16": Kind(CHANNEL, Action.ACCESS),
        "EWMUL16": Kind(CHANNEL, Action.ACCESS),
        "WRA16": Kind(CHANNEL, Action.ACCESS_AND_CLOSE),
        "RDCP": Kind(BANK, Action.ACCESS),
        "WRCP": Kind(BANK, Action.ACCESS),
        **dict.fromkeys(("WRGB", "RDMAC16", "RDAF16", "WRMAC16", "TMOD"), Kind(CHANNEL)),
    }
    own = {name: replace(kind, ticks=part.command_ticks(name, 1)) for name, kind in own.items()}
    return {**usual_kinds(part, CHANNEL, {}), **bank_refresh_kind(part, {}), **own}


def _latencies(t: Timing) -> dict[str, int]:
    """What moves data over the pins. MAC16 and the copies between banks and global buffer do not."""
    return {
        **dict.fromkeys(("RD", "RDA"), t["tCL"]),
        **dict.fromkeys(("RDMAC16", "RDAF16"), t["tCLREG"]),
        **dict.fromkeys(("WR", "WRA", "WRA16"), t["tCWL"]),
        "WRGB": t["tCWLGB"],
        "WRMAC16": t["tCWLREG"],
    }


def _activation_rules(t: Timing) -> list[Rule]:
    """Single activates as in GDDR6; an ACT4 beside other groups too. A pair with ACT16 shares banks: tRC."""
    one_or_four = ("ACT", "ACT4")
    with_four = Relation(CHANNEL, GROUP)
    usual = activation_rules(t, Words(), CHANNEL)
    return [
        *usual,
        Spacing("tRRDS: ACT4 and activates of other bank groups", ("ACT4",), one_or_four, with_four, t["tRRDS"]),
        Spacing("tRRDS: ACT4 and activates of other bank groups", ("ACT",), ("ACT4",), with_four, t["tRRDS"]),
    ]


def _row_rules_of_compute(t: Timing) -> list[Rule]:
    """How long after an activate the units of the banks may use a row, and how long the row has to stay after that."""
    single = ("PRE", "PRE4")
    return [
        Spacing("tRCDRDMAC: activate to MAC16", ACTIVATES, ("MAC16",), SAME_BANK, t["tRCDRDMAC"]),
        Spacing("tRCDRDAF: activate to AF16", ACTIVATES, ("AF16",), SAME_BANK, t["tRCDRDAF"]),
        Spacing("tRCDEWMUL: activate to EWMUL16", ACTIVATES, ("EWMUL16",), SAME_BANK, t["tRCDEWMUL"]),
        Spacing("tRCDRDCP: activate to RDCP", ACTIVATES, ("RDCP",), SAME_BANK, t["tRCDRDCP"]),
        Spacing("tRCDWRCP: activate to WRCP", ACTIVATES, ("WRCP",), SAME_BANK, t["tRCDWRCP"]),
        Spacing("tRTP: MAC16 to precharge", ("MAC16",), PRECHARGES, SAME_BANK, t["tRTP"]),
        Spacing("tRTP: AF16 to precharge", ("AF16",), PRECHARGES, SAME_BANK, t["tRTP"]),
        Spacing("tRTP: RDCP to precharge", ("RDCP",), PRECHARGES, SAME_BANK, t["tRTP"]),
        Spacing("tWR: EWMUL16 to precharge", ("EWMUL16",), PRECHARGES, SAME_BANK, max(t["tRTP"], t["tCWL"] + t["tWR"])),
        Spacing("tWR: WRCP to precharge", ("WRCP",), PRECHARGES, SAME_BANK, t["tCWL"] + t["tBL"] + t["tWR"]),
        Spacing("tRP: all-bank precharge to another precharge", ("PREab",), single, ANYWHERE, t["tRP"]),
        Spacing("tRP: precharge to all-bank precharge", single, ("PREab",), ANYWHERE, t["tRP"]),
    ]


def _column_rules(t: Timing, words: Words) -> list[Rule]:
    """The column pace: tCCDS between groups, tCCDL within one, and wherever all 16 banks take part."""
    reads = Words(reads=("RD", "RDCP"), writes=("WR", "WRCP"))
    rules = column_rules(t, reads, CHANNEL)
    sides = (("read", ONE_BANK_READS, ALL_BANK_READS), ("write", ONE_BANK_WRITES, ALL_BANK_WRITES))
    for kind, one_bank, all_bank in sides:
        any_bank = one_bank + all_bank
        rules += [
            Spacing(f"tCCDL: 16-bank {kind} to {kind}", all_bank, any_bank, ANYWHERE, t["tCCDL"]),
            Spacing(f"tCCDL: {kind} to 16-bank {kind}", one_bank, all_bank, ANYWHERE, t["tCCDL"]),
        ]
    writes = (*ONE_BANK_WRITES, "WRMAC16", "WRA16")
    return [
        *rules,
        Spacing("tCCDS: global buffer write to write", ("WRGB",), (*writes, "WRGB"), ANYWHERE, t["tCCDS"]),
        Spacing("tCCDS: write to global buffer write", writes, ("WRGB",), ANYWHERE, t["tCCDS"]),
    ]


_FROM_PINS = {"WR": ("WR", "WRA", "WRA16"), "WRGB": ("WRGB",), "WRMAC16": ("WRMAC16",)}
_TO_PINS = {"RD": ("RD", "RDA"), "registers": ("RDMAC16", "RDAF16")}


def _read_to_write(t: Timing) -> list[Rule]:
    """The read's data has left the pins, they turn round in 3 clocks and tWPRE, then the write's data follows."""
    latency = _latencies(t)
    rules: list[Rule] = []
    for read, reads in _TO_PINS.items():
        for write, writes in _FROM_PINS.items():
            ticks = latency[reads[0]] + t["tBL"] + 3 + t["tWPRE"] - latency[writes[0]]
            if (read, write) == ("RD", "WR"):
                ticks = t.get("tRTW", ticks)
            rules.append(Spacing(f"tRTW: {read} to {write}", reads, writes, ANYWHERE, ticks))
    return rules


def _write_to_read(t: Timing) -> list[Rule]:
    """tWTRS after the data of a write, tWTRL for a read of the same group or of all 16 banks.

    A WRA16 needs no rule towards RD: it closes all banks.
    """
    latency = _latencies(t)
    rules: list[Rule] = []
    for write, writes in _FROM_PINS.items():
        written = latency[writes[0]] + t["tBL"]
        rules.append(
            Spacing(f"tWTRL: {write} to registers", writes, _TO_PINS["registers"], ANYWHERE, written + t["tWTRL"])
        )
        if write != "WR":
            rules.append(Spacing(f"tWTRS: {write} to RD", writes, _TO_PINS["RD"], ANYWHERE, written + t["tWTRS"]))
    short, long = t["tCWL"] + t["tBL"] + t["tWTRS"], t["tCWL"] + t["tBL"] + t["tWTRL"]
    reads = _TO_PINS["RD"]
    return [
        *rules,
        Spacing("tWTRS: WR to RD, other bank group", ("WR", "WRA"), reads, Relation(CHANNEL, GROUP), short),
        Spacing("tWTRL: WR to RD, same bank group", ("WR", "WRA"), reads, SAME_GROUP, long),
    ]


def _bank_refresh_spacing(t: Timing) -> list[Rule]:
    """As GDDR6, and for an ACT4 of other bank groups."""
    other_group = Relation(CHANNEL, GROUP)
    return [
        *bank_refresh_spacing(t, CHANNEL),
        Spacing("tRRDS: ACT4 to per-bank refresh", ("ACT4",), ("REFpb",), other_group, t["tRRDS"]),
        Spacing("tRREFD: per-bank refresh to ACT4", ("REFpb",), ("ACT4",), other_group, t["tRREFD"]),
    ]
