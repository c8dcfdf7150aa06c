"""A DRAM part: the numbers of one standard's device or module, checked, with every timing resolved."""

from __future__ import annotations

from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationInfo, field_validator, model_validator

from bitline.arch.dram.standard import Standard, evaluate, load_standard, standard_names
from bitline.base.document import Document, Library
from bitline.base.errors import did_you_mean
from bitline.traces.dtypes import BITS

PARTS = Library("DRAM part", Path(__file__).parent / "parts")

Count = Annotated[int, Field(ge=1, le=1 << 24)]
Cycles = Annotated[float, Field(ge=0, le=1 << 24)]
Amount = Annotated[float, Field(ge=0, le=1e12)]


class Organisation(Document):
    """How a channel is cut up. `columns` counts device words; one access takes `burst_length` of them."""

    channel_bits: Count = Field(description="data width of the channel, or of one pseudo channel, in bits")
    device_bits: Count = Field(description="data width of one device on that channel")
    pseudo_channels: Count = 1
    ranks: Count = Field(1, description="ranks of a channel, or stack ids of a pseudo channel")
    bank_groups: Count = Field(description="bank groups of a rank")
    banks: Count = Field(description="banks of a bank group")
    rows: Count
    columns: Count
    burst_length: Count

    @field_validator("*")
    @classmethod
    def _power_of_two(cls, value: int, info: ValidationInfo) -> int:
        if value & (value - 1):
            raise ValueError(f"{value} is not a power of two")
        return value

    @model_validator(mode="after")
    def _fits(self) -> Organisation:
        if self.device_bits > self.channel_bits:
            raise ValueError("device_bits is wider than channel_bits")
        if self.burst_length > self.columns:
            raise ValueError("burst_length is longer than a row")
        if self.n_banks > 512:
            raise ValueError(f"{self.n_banks} banks a channel; at most 512 are simulated")
        if self.accesses_per_row > 1 << 16:
            raise ValueError(f"{self.accesses_per_row} accesses a row; at most 65536 are simulated")
        if not 1 <= self.access_bytes <= 1 << 16:
            raise ValueError(
                f"one access moves {self.channel_bits * self.burst_length} bits; 1 B to 64 KiB can be simulated"
            )
        return self

    @property
    def access_bytes(self) -> int:
        """Bytes that one read or write moves."""
        return self.channel_bits * self.burst_length // 8

    @property
    def accesses_per_row(self) -> int:
        """Accesses that one row of one bank holds."""
        return self.columns // self.burst_length

    @property
    def row_bytes(self) -> int:
        """Bytes of one row of one bank, over all devices."""
        return self.access_bytes * self.accesses_per_row

    @property
    def n_banks(self) -> int:
        """Banks of a channel, over its pseudo channels and ranks."""
        return self.pseudo_channels * self.ranks * self.bank_groups * self.banks

    @property
    def channel_bytes(self) -> int:
        """Capacity of one channel."""
        return self.n_banks * self.rows * self.row_bytes

    @property
    def devices(self) -> int:
        """Devices of one rank of one pseudo channel."""
        return self.channel_bits // self.device_bits


class Currents(Document):
    """Data-sheet currents of one device, mA."""

    IDD0: Amount
    IDD2N: Amount
    IDD3N: Amount
    IDD4R: Amount
    IDD4W: Amount
    IDD5AB: Amount
    IDD5PB: Amount | None = None


class EnergySpec(Document):
    """Energy of a part, either from currents (`vdd_v`, `idd_ma`) or as events of one rank of one pseudo channel."""

    source: str
    vdd_v: Annotated[float, Field(gt=0, le=20)] | None = None
    idd_ma: Currents | None = None
    activate_pj: Amount | None = None
    read_pj_per_bit: Amount | None = None
    write_pj_per_bit: Amount | None = None
    refresh_pj: Amount | None = None
    refresh_bank_pj: Amount | None = None
    active_standby_mw: Amount | None = None
    precharge_standby_mw: Amount | None = None
    interface_pj_per_bit: Amount = Field(description="pins, link and package, added to each bit read or written")

    @model_validator(mode="after")
    def _one_form(self) -> EnergySpec:
        events = (
            self.activate_pj,
            self.read_pj_per_bit,
            self.write_pj_per_bit,
            self.refresh_pj,
            self.active_standby_mw,
            self.precharge_standby_mw,
        )
        if self.idd_ma is not None:
            if self.vdd_v is None or any(event is not None for event in events):
                raise ValueError("give vdd_v and idd_ma, or the events in pJ, not a mixture")
        elif any(event is None for event in events):
            raise ValueError("give either vdd_v and idd_ma, or all of activate_pj ... precharge_standby_mw")
        return self


class PimSpec(Document):
    """The compute units of a PIM part."""

    source: str
    lanes_per_bank: Count = Field(
        description="multipliers of a unit; fewer than a column access has elements take several passes over it"
    )
    dtype: Literal["bf16", "fp16", "int8"]
    units: Count = Field(description="compute units of a channel (or pseudo channel)")
    global_buffer_bytes: Count = Field(description="vector buffer of a channel, or of a unit where each has its own")
    results_per_read: Count = Field(description="results that one result read returns")
    all_bank_compute_reads: Amount = Field(description="energy of one all-bank compute, in array reads of one bank")
    careful: bool = Field(
        False, description="group activates keep the power window (tFAWG), rows outlast a composite's columns (tRTPC)"
    )


class PartSpec(Document):
    """A DRAM part. Timings are in clocks (CK) of `tck_ps`."""

    schema_: Literal[1] = Field(alias="schema")
    standard: str
    source: str
    aliases: tuple[str, ...] = Field((), description="how other simulators call this configuration")
    tck_ps: Annotated[float, Field(ge=1, le=1e6)] | None = None
    clock_mhz: Annotated[float, Field(ge=1, le=1e6)] | None = None
    channels: Annotated[int, Field(ge=1, le=4096)] = Field(1, description="channels where the user names none")
    organisation: Organisation
    timing_ck: dict[str, Cycles]
    command_ck: dict[str, Annotated[float, Field(gt=0, le=64)]] = Field(default_factory=dict)
    energy: EnergySpec
    pim: PimSpec | None = None

    @field_validator("standard")
    @classmethod
    def _known_standard(cls, value: str) -> str:
        if value not in standard_names():
            raise ValueError(f"unknown DRAM standard '{value}'; {did_you_mean(value, standard_names())}")
        return value

    @field_validator("timing_ck")
    @classmethod
    def _known_timings(cls, value: dict[str, float], info: ValidationInfo) -> dict[str, float]:
        if "standard" not in info.data:
            return value
        known = sorted(load_standard(info.data["standard"]).timing_names() | EXTRA_TIMINGS)
        for name, clocks in value.items():
            if name not in known:
                raise ValueError(f"unknown timing '{name}'; {did_you_mean(name, known)}")
            if clocks == 0 and name not in MAY_BE_ZERO:
                raise ValueError(f"{name} is 0; it has to be positive")
        return value

    @field_validator("command_ck")
    @classmethod
    def _known_commands(cls, value: dict[str, float], info: ValidationInfo) -> dict[str, float]:
        if "standard" not in info.data:
            return value
        commands = [command.name for command in load_standard(info.data["standard"]).commands]
        for name in value:
            if name not in commands:
                raise ValueError(f"unknown command '{name}'; {did_you_mean(name, commands)}")
        return value

    @model_validator(mode="after")
    def _consistent(self) -> PartSpec:
        if (self.tck_ps is None) == (self.clock_mhz is None):
            raise ValueError("give either tck_ps or clock_mhz")
        missing = sorted(self._needed() - set(self.timing))
        if missing:
            raise ValueError(f"timing_ck misses {', '.join(missing)}")
        if self.timing["tRAS"] + self.timing["tRP"] > self.timing["tRC"] + 2:
            raise ValueError("the timings contradict each other: tRAS + tRP is longer than tRC")
        if self.pim is not None and any((name in self.timing) != self.pim.careful for name in CAREFUL_TIMINGS):
            raise ValueError(f"pim.careful and the timings {' and '.join(CAREFUL_TIMINGS)} belong together")
        if self.pim is not None and self.pim.lanes_per_bank > self.column_elements:
            raise ValueError(
                f"pim.lanes_per_bank is {self.pim.lanes_per_bank}, but one column access brings "
                f"{self.column_elements} elements of {self.pim.dtype}; a wider one has a longer burst_length and tBL"
            )
        self._leaves_time_between_refreshes()
        return self

    def _leaves_time_between_refreshes(self) -> None:
        """A memory that only refreshes would never end a run."""
        timing = self.timing
        if timing["tRFC"] + 2 * timing["tRC"] > timing["tREFI"]:
            raise ValueError("refresh leaves no time for accesses: tRFC + 2 tRC is longer than tREFI")
        if "tREFIpb" in timing:
            spacing = max(timing.get("tRREFD", 0), timing.get("tPBR2PBR", 0))
            banks = self.organisation.bank_groups * self.organisation.banks
            if timing["tREFIpb"] <= max(spacing, timing.get("tRFCpb", 0) / banks):
                raise ValueError("refresh by bank leaves no time for accesses: tREFIpb is too short")

    @property
    def rules_of(self) -> Standard:
        """The standard whose rules the part obeys."""
        return load_standard(self.standard)

    def _needed(self) -> set[str]:
        names = {"tCL", "tCWL", "tBL", "tREFI", "tRFC", "tRAS", "tRP", "tRC"}
        for row in self.rules_of.rules:
            if not (row.siblings and row.level == "rank" and self.organisation.ranks == 1):
                names |= row.timings
        return names - set(self.rules_of.optional)

    @cached_property
    def timing(self) -> dict[str, float]:
        """Every timing in clocks, the derived ones included. Optional timings may be absent."""
        values: dict[str, float] = dict(self.timing_ck)
        if self.pim is not None and "tCCDL" in values and PIM_PACE in self.rules_of.timing_names():
            passes = -(-self.column_elements // self.pim.lanes_per_bank)
            values.setdefault(PIM_PACE, passes * values["tCCDL"])
        pending = {name: text for name, text in self.rules_of.derived.items() if name not in values}
        while pending:
            ready = []
            for name, text in pending.items():
                try:
                    values[name] = evaluate(text, values)
                except KeyError:
                    continue
                ready.append(name)
            if not ready:
                break
            for name in ready:
                del pending[name]
        return values

    @property
    def column_elements(self) -> int:
        """Elements that one column access brings to the compute unit of a bank."""
        assert self.pim is not None
        return 8 * self.organisation.access_bytes // BITS[self.pim.dtype]

    @property
    def clock_ps(self) -> Fraction:
        """Length of a clock in picoseconds, exact."""
        if self.tck_ps is not None:
            return Fraction(self.tck_ps).limit_denominator(1 << 20)
        return Fraction(10**6) / Fraction(self.clock_mhz or 1).limit_denominator(1 << 20)

    @property
    def tick_ps(self) -> Fraction:
        """Length of a tick: the grid on which commands start."""
        return self.clock_ps / self.rules_of.ticks_per_clock

    @property
    def peak_bandwidth_gb_s(self) -> float:
        """Peak data rate of one channel in GB/s: back-to-back bursts on every pseudo channel."""
        spacing = max(self.timing["tBL"], self.timing["tCCDS"])
        organisation = self.organisation
        return organisation.pseudo_channels * organisation.access_bytes / float(spacing * self.clock_ps) * 1e3

    @property
    def read_latency_ck(self) -> float:
        """Clocks from a read command to the end of its data."""
        return self.timing["tCL"] + self.timing["tBL"]

    @property
    def write_latency_ck(self) -> float:
        """Clocks from a write command to the end of its data."""
        return self.timing["tCWL"] + self.timing["tBL"]


PIM_PACE = "tMAC"
"""Clocks from one all-bank compute to the next: by default as many columns as its lanes need passes."""

EXTRA_TIMINGS = {"tREFI", "tREFIpb", "tAAD", "tWCKPST", "tCL", "tCWL", "tBL", "tRFC"}
CAREFUL_TIMINGS = ("tFAWG", "tRTPC")
MAY_BE_ZERO = {"tCAS", "tCLREG", "tWTWR"}


def load_part(name: str, settings: dict[str, Any] | None = None) -> PartSpec:
    """The part of that name, alias or file. Raises SpecError."""
    return PARTS.load(_by_alias(name), PartSpec, settings)


def _by_alias(name: str) -> str:
    if "/" not in name or name.endswith(".yaml"):
        return name
    for candidate in PARTS.names():
        if name in (PARTS.source(candidate).data.get("aliases") or ()):
            return candidate
    return name
