"""Sentences that JEDEC repeats in every standard: the life of a row, and refresh.

All distances count clocks from command to command. RL and WL are tCL and tCWL; the burst takes tBL on the pins.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bitline.sim.check.part import Part, Timing
from bitline.sim.check.rule import (
    SAME_BANK,
    SAME_GROUP,
    SAME_GROUP_OTHER_BANK,
    Action,
    Kind,
    Level,
    Relation,
    Rule,
    Spacing,
    Window,
)


@dataclass(frozen=True)
class Words:
    """Which commands of a standard play the parts that the common sentences speak of.

    `precharges` pairs commands with the name of their precharge time.
    """

    activates: tuple[str, ...] = ("ACT",)
    precharges: tuple[tuple[tuple[str, ...], str], ...] = ((("PRE", "PREab"), "tRP"),)
    reads: tuple[str, ...] = ("RD",)
    reads_and_close: tuple[str, ...] = ("RDA",)
    writes: tuple[str, ...] = ("WR",)
    writes_and_close: tuple[str, ...] = ("WRA",)
    refreshes: tuple[str, ...] = ("REFab",)

    @property
    def all_precharges(self) -> tuple[str, ...]:
        """Every precharge command."""
        return tuple(name for names, _ in self.precharges for name in names)

    @property
    def all_reads(self) -> tuple[str, ...]:
        """Reads with and without auto precharge."""
        return self.reads + self.reads_and_close

    @property
    def all_writes(self) -> tuple[str, ...]:
        """Writes with and without auto precharge."""
        return self.writes + self.writes_and_close


def usual_kinds(part: Part, device: Level, clocks: Mapping[str, float]) -> dict[str, Kind]:
    """The commands that every standard has; all-bank commands span a node of `device`.

    `clocks` names the commands that hold their command bus for other than one clock.
    """
    usual = {
        "ACT": (Level.BANK, Action.OPEN),
        "PRE": (Level.BANK, Action.CLOSE),
        "PREab": (device, Action.CLOSE),
        "RD": (Level.BANK, Action.ACCESS),
        "RDA": (Level.BANK, Action.ACCESS_AND_CLOSE),
        "WR": (Level.BANK, Action.ACCESS),
        "WRA": (Level.BANK, Action.ACCESS_AND_CLOSE),
        "REFab": (device, Action.REFRESH),
    }
    return {
        name: Kind(span, action, part.command_ticks(name, clocks.get(name, 1)))
        for name, (span, action) in usual.items()
    }


def bank_refresh_kind(part: Part, clocks: Mapping[str, float]) -> dict[str, Kind]:
    """The per-bank refresh, where the part has one."""
    if "tRFCpb" not in part.timing:
        return {}
    return {"REFpb": Kind(Level.BANK, Action.REFRESH, part.command_ticks("REFpb", clocks.get("REFpb", 1)))}


def usual_latencies(t: Timing, words: Words) -> dict[str, int]:
    """From command to the first data on the pins."""
    return {**dict.fromkeys(words.all_reads, t["tCL"]), **dict.fromkeys(words.all_writes, t["tCWL"])}


def row_rules(t: Timing, words: Words) -> list[Rule]:
    """Activate, access, precharge, activate again: the rules within a bank."""
    read_recovery = t["tRTP"]
    write_recovery = t["tCWL"] + t["tBL"] + t["tWR"]
    row_precharge = t["tRP"]
    activate, refresh, precharge = words.activates, words.refreshes, words.all_precharges
    rules: list[Rule] = [
        Spacing("tRC: activate to activate of a bank", activate, activate, SAME_BANK, t["tRC"]),
        Spacing("tRC: activate to refresh", activate, refresh, SAME_BANK, t["tRC"]),
        Spacing("tRCD: activate to read", activate, words.all_reads, SAME_BANK, t.first("tRCDRD", "tRCD")),
        Spacing("tRCD: activate to write", activate, words.all_writes, SAME_BANK, t.first("tRCDWR", "tRCD")),
        Spacing("tRAS: activate to precharge", activate, precharge, SAME_BANK, t["tRAS"]),
        Spacing("tRTP: read to precharge", words.reads, precharge, SAME_BANK, read_recovery),
        Spacing("tWR: write to precharge", words.writes, precharge, SAME_BANK, write_recovery),
    ]
    for names, time in words.precharges:
        rules += [
            Spacing(f"{time}: precharge to activate", names, activate, SAME_BANK, t[time]),
            Spacing(f"{time}: precharge to refresh", names, refresh, SAME_BANK, t[time]),
        ]
    read_and_close, write_and_close = words.reads_and_close, words.writes_and_close
    after_read, after_write = t.first("tRTPA", "tRTP") + row_precharge, write_recovery + row_precharge
    return [
        *rules,
        Spacing("tRTP + tRP: RDA to activate", read_and_close, activate, SAME_BANK, after_read),
        Spacing("tRTP + tRP: RDA to refresh", read_and_close, refresh, SAME_BANK, read_recovery + row_precharge),
        Spacing("tWR + tRP: WRA to activate", write_and_close, activate, SAME_BANK, after_write),
        Spacing("tWR + tRP: WRA to refresh", write_and_close, refresh, SAME_BANK, after_write),
    ]


def all_bank_refresh_rule(t: Timing, everything: tuple[str, ...]) -> Rule:
    """During tRFC after an all-bank refresh none of its banks takes any command."""
    return Spacing("tRFC: all-bank refresh to any command", ("REFab",), everything, SAME_BANK, t["tRFC"])


def bank_refresh_rule(t: Timing, activates: tuple[str, ...]) -> Rule:
    """During tRFCpb after a per-bank refresh its bank takes no command."""
    after = (*activates, "PRE", "REFpb", "REFab")
    return Spacing("tRFCpb: per-bank refresh to a command of its bank", ("REFpb",), after, SAME_BANK, t["tRFCpb"])


def activation_rules(t: Timing, words: Words, device: Level) -> list[Rule]:
    """How fast a device may open rows."""
    activate = words.activates
    other_group = Relation(device, Level.BANK_GROUP)
    rules: list[Rule] = [
        Spacing("tRRDS: activate to activate, other bank group", activate, activate, other_group, t["tRRDS"]),
        Spacing("tRRDL: activate to activate, same bank group", activate, activate, SAME_GROUP_OTHER_BANK, t["tRRDL"]),
    ]
    if "t32AW" in t:
        rules.append(Window("t32AW: 32 activates", activate, 32, device, t["t32AW"]))
    return rules


def four_activates(t: Timing, commands: tuple[str, ...], device: Level) -> Rule:
    """A fifth activate waits until tFAW after the fourth last."""
    return Window("tFAW: four activates", commands, 4, device, t["tFAW"])


def precharge_spacing(t: Timing, precharges: tuple[str, ...], device: Level) -> list[Rule]:
    """Precharges of a device stand tPPD apart, where a standard has it."""
    if "tPPD" not in t:
        return []
    return [Spacing("tPPD: precharge to precharge", precharges, precharges, Relation(device), t["tPPD"])]


def turnaround_rules(t: Timing, words: Words, device: Level, read_to_write: int) -> list[Rule]:
    """Reads and writes of a device: when the pins have turned round and the array has taken the data."""
    reads, writes = words.all_reads, words.all_writes
    other_group = Relation(device, Level.BANK_GROUP)
    written = t["tCWL"] + t["tBL"]
    written_same_group = t["tCWL"] + t.get("tBLmax", t["tBL"])
    return [
        Spacing("tRTW: read to write", reads, writes, Relation(device), t.get("tRTW", read_to_write)),
        Spacing("tWTRS: write to read, other bank group", writes, reads, other_group, written + t["tWTRS"]),
        Spacing("tWTRL: write to read, same bank group", writes, reads, SAME_GROUP, written_same_group + t["tWTRL"]),
    ]


def column_rules(t: Timing, words: Words, device: Level) -> list[Rule]:
    """Reads after reads and writes after writes, within a device."""
    reads, writes = words.all_reads, words.all_writes
    other_group = Relation(device, Level.BANK_GROUP)
    return [
        Spacing("tCCDS: read to read, other bank group", reads, reads, other_group, t["tCCDS"]),
        Spacing("tCCDL: read to read, same bank group", reads, reads, SAME_GROUP, t["tCCDL"]),
        Spacing("tCCDS: write to write, other bank group", writes, writes, other_group, t.first("tCCDSWR", "tCCDS")),
        Spacing("tCCDL: write to write, same bank group", writes, writes, SAME_GROUP, t.first("tCCDLWR", "tCCDL")),
    ]


def rank_rules(t: Timing, words: Words) -> list[Rule]:
    """Between ranks only the data pins are shared: the burst has to be over, and tRTRS for the switch."""
    reads, writes = words.all_reads, words.all_writes
    other_rank = Relation(Level.CHANNEL, Level.RANK)
    burst, switch, lead = t["tBL"], t["tRTRS"], t["tCL"] - t["tCWL"]
    rules: list[Spacing] = [
        Spacing("tRTRS: read to read of another rank", reads, reads, other_rank, burst + switch),
        Spacing("tRTRS: read to write of another rank", reads, writes, other_rank, lead + burst + switch),
        Spacing("tRTRS: write to read of another rank", writes, reads, other_rank, burst + switch - lead),
        Spacing("tWTWR: write to write of another rank", writes, writes, other_rank, t.get("tWTWR", burst + switch)),
    ]
    return [rule for rule in rules if rule.ticks > 0]
