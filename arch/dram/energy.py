"""Energy of a DRAM part's events, from data-sheet currents or from stated events, and the energy of what was counted.

Currents: the method of Micron's power calculator as DRAMsim3 applies it (configuration.cc), with the clock period that
its printed "pJ" lack: V x mA x ns = pJ. One event is one rank's (all devices of a channel or pseudo channel).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bitline.arch.dram.part import PartSpec
from bitline.arch.dram.standard import LEVELS, Command

PARTS_OF_TOTAL = ("activate", "read", "write", "refresh", "background", "compute")


@dataclass(frozen=True)
class EventEnergy:
    """Energy of one event in pJ, standby in mW, for one rank of one pseudo channel."""

    activate_pj: float
    read_array_pj: float
    write_array_pj: float
    interface_pj: float
    refresh_pj: float
    refresh_bank_pj: float
    active_standby_mw: float
    precharge_standby_mw: float


def event_energy(part: PartSpec) -> EventEnergy:
    """The events of a part. `activate` is an activation with its precharge; `interface` the pins for one access."""
    spec, organisation, timing = part.energy, part.organisation, part.timing
    bits = organisation.access_bytes * 8
    banks = organisation.bank_groups * organisation.banks
    interface = spec.interface_pj_per_bit * bits
    if spec.idd_ma is None:
        refresh = spec.refresh_pj or 0.0
        return EventEnergy(
            spec.activate_pj or 0.0,
            (spec.read_pj_per_bit or 0.0) * bits,
            (spec.write_pj_per_bit or 0.0) * bits,
            interface,
            refresh,
            spec.refresh_bank_pj if spec.refresh_bank_pj is not None else refresh / banks,
            spec.active_standby_mw or 0.0,
            spec.precharge_standby_mw or 0.0,
        )
    current = spec.idd_ma
    clock_ns = float(part.clock_ps) / 1000
    scale = (spec.vdd_v or 0.0) * organisation.devices
    row_cycle = timing["tRAS"] + timing["tRP"]
    above_standby = current.IDD0 * row_cycle - (current.IDD3N * timing["tRAS"] + current.IDD2N * timing["tRP"])
    refresh = scale * (current.IDD5AB - current.IDD3N) * timing["tRFC"] * clock_ns
    refresh_bank = refresh / banks
    if current.IDD5PB is not None:
        refresh_bank = scale * (current.IDD5PB - current.IDD3N) * timing.get("tRFCpb", 0) * clock_ns
    return EventEnergy(
        scale * above_standby * clock_ns,
        scale * (current.IDD4R - current.IDD3N) * timing["tBL"] * clock_ns,
        scale * (current.IDD4W - current.IDD3N) * timing["tBL"] * clock_ns,
        interface,
        refresh,
        refresh_bank,
        scale * current.IDD3N,
        scale * current.IDD2N,
    )


def energy_of(
    part: PartSpec,
    commands: Mapping[str, int],
    open_standby_ns: float,
    closed_standby_ns: float,
    *,
    composite_columns: int = 0,
    pim_open_standby_ns: float = 0.0,
    pim_closed_standby_ns: float = 0.0,
) -> dict[str, float]:
    """Energy in pJ by part of the total, and `total`, their sum.

    `commands`: issues by name. Standby times add up over ranks and pseudo channels; those of second row buffers are
    given apart and cost as much. `composite_columns`: columns of all COMPS_READRES.
    """
    event = event_energy(part)
    energy = dict.fromkeys(PARTS_OF_TOTAL, 0.0)
    for command in part.rules_of.commands:
        count = commands.get(command.name, 0)
        if not count:
            continue
        banks = banks_driven(part, command)
        if command.row == "open":
            energy["activate"] += count * banks * event.activate_pj
        elif command.name == "REFab":
            energy["refresh"] += count * event.refresh_pj * banks / banks_of_scope(part, "rank")
        elif command.name == "REFpb":
            energy["refresh"] += count * event.refresh_bank_pj
        elif command.data == "read":
            array = event.read_array_pj if command.row == "need" else 0.0
            energy["read"] += count * (array * banks + event.interface_pj)
        elif command.data == "write":
            array = event.write_array_pj if command.row == "need" else 0.0
            energy["write"] += count * (array * banks + event.interface_pj)
        elif part.pim is not None and command.name in RESULT_READS:
            # The results leave over the pins. A composite reads its columns before.
            energy["read"] += count * (event.read_array_pj + event.interface_pj) * result_accesses(part)
            if command.name == "COMPS_READRES":
                energy["compute"] += composite_columns * part.pim.all_bank_compute_reads * event.read_array_pj
        elif command.name == "GWRITE":
            energy["compute"] += count * part.organisation.accesses_per_row * event.read_array_pj
        elif part.pim is not None and computes(command):
            energy["compute"] += count * part.pim.all_bank_compute_reads * event.read_array_pj
    open_ns, closed_ns = open_standby_ns + pim_open_standby_ns, closed_standby_ns + pim_closed_standby_ns
    energy["background"] = open_ns * event.active_standby_mw + closed_ns * event.precharge_standby_mw
    energy["total"] = sum(energy[name] for name in PARTS_OF_TOTAL)
    return energy


RESULT_READS = ("READRES", "COMPS_READRES")


def result_accesses(part: PartSpec) -> float:
    """Accesses whose bits are the results of all banks, 16 bits each (NewtonSim configuration.cc)."""
    return part.organisation.n_banks * 16 / (part.organisation.access_bytes * 8)


def computes(command: Command) -> bool:
    """Does it work on many banks without moving data over the pins?"""
    return command.row == "need" and not command.data and (command.scope == "channel" or command.banks is not None)


def banks_driven(part: PartSpec, command: Command) -> int:
    """Banks that a command acts on."""
    return command.banks if command.banks is not None else banks_of_scope(part, command.scope)


def banks_of_scope(part: PartSpec, scope: str) -> int:
    """Banks below one node of a level."""
    sizes = {
        "channel": 1,
        "pseudo_channel": part.organisation.pseudo_channels,
        "rank": part.organisation.ranks,
        "bank_group": part.organisation.bank_groups,
        "bank": part.organisation.banks,
    }
    banks = 1
    for level in LEVELS[LEVELS.index(scope) + 1 :]:
        banks *= sizes[level]
    return banks
