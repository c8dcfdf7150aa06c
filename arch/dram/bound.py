"""Closed forms of a DRAM part: what no controller can beat."""

from __future__ import annotations

import math

from bitline.arch.dram.part import PartSpec
from bitline.arch.dram.table import to_ticks


def unloaded_read_latency_ticks(part: PartSpec) -> int:
    """Ticks from the arrival of a lone read of a closed bank to the end of its data.

    One tick to be seen, row to column delay, read latency, burst. Where a command takes several bus cycles the delay
    counts between last cycles; where commands start on whole clocks only, the read waits for the next one; where the
    data clock stands still, it is started one clock before the read (LPDDR5).
    """
    standard = part.rules_of
    opening = standard.command("ACT1" if standard.split_activate else "ACT")
    cycles = [part.command_ck.get(command.name, command.cycles) for command in (opening, standard.command("RD"))]
    extra = to_ticks(part, cycles[0]) - to_ticks(part, cycles[1])
    to_column = to_ticks(part, part.timing["tRCDRD"]) + extra
    if standard.ticks_per_clock == 2:
        to_column += to_column % 2
    if standard.needs_sync:
        to_column += 1
    return 1 + to_column + to_ticks(part, part.read_latency_ck)


def peak_spacing_ticks(part: PartSpec) -> int:
    """Ticks between bursts on one data bus when bank groups alternate, or within one where there is no other."""
    spacing = max(part.timing["tBL"], part.timing["tCCDS"])
    if part.organisation.bank_groups == 1:
        spacing = max(spacing, part.timing["tCCDL"])
    return to_ticks(part, spacing)


def unloaded_read_latency_ns(part: PartSpec) -> float:
    """The same in nanoseconds."""
    return unloaded_read_latency_ticks(part) * float(part.tick_ps) / 1000


def stream_bound_ns(part: PartSpec, channels: int, size_bytes: int) -> float:
    """Least time to move so many bytes over the pins of all channels, refresh left out."""
    accesses = math.ceil(size_bytes / part.organisation.access_bytes)
    buses = channels * part.organisation.pseudo_channels
    return math.ceil(accesses / buses) * peak_spacing_ticks(part) * float(part.tick_ps) / 1000
