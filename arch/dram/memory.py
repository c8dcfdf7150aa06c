"""A memory to run traces through or to embed: a part, a controller, some channels."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from bitline.arch.dram.controller import ControllerSpec, load_controller, resolve_policy
from bitline.arch.dram.energy import energy_of
from bitline.arch.dram.mapping import parse_mapping
from bitline.arch.dram.part import PartSpec, load_part
from bitline.arch.dram.table import build_table
from bitline.base.errors import CapacityError, SpecError, TraceError, did_you_mean
from bitline.csrc.dram.memory import PATTERNS, MemoryCore

DEFAULT_CONTROLLER = "frfcfs"
MAX_BYTES = 1 << 62
MAX_REQUESTS = 10**12


@dataclass(frozen=True)
class MemoryResult:
    """What a run of requests cost. Cycles are clocks (CK) of the part; ticks are half clocks on HBM3."""

    ticks: int
    last_accepted_tick: int
    cycles: float
    time_ns: float
    requests: int
    reads: int
    writes: int
    read_latency_mean_ck: float
    read_latency_p99_ck: float
    row_hits: int
    row_misses: int
    row_conflicts: int
    reused_rows: int
    activates: int
    precharges: int
    refreshes: int
    bandwidth_gb_s: float
    bus_utilisation: float
    energy_pj: dict[str, float]
    commands: dict[str, int] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


class Memory:
    """A memory of one or more alike channels.

    Embedding: `send` offers a request at a tick and says whether it was taken; `tick_until` runs on and calls back
    with (tag, tick) once for each request: a read when its data is there, a write when it was issued (pooled queues) or
    taken (banked queues). Ticks never go back. One tick is `tick_ps` picoseconds.
    """

    def __init__(
        self,
        part: PartSpec | str,
        controller: ControllerSpec | str = DEFAULT_CONTROLLER,
        *,
        channels: int | None = None,
        mapping: str | None = None,
        callback: Callable[[int, int], None] | None = None,
    ) -> None:
        self.part = load_part(part) if isinstance(part, str) else part
        self.controller = load_controller(controller) if isinstance(controller, str) else controller
        self.channels = self.part.channels if channels is None else channels
        if not 1 <= self.channels <= 4096:
            raise CapacityError(f"{self.channels} channels", expected="1 to 4096")
        self.table = build_table(self.part)
        organisation = self.part.organisation
        self.mapping = parse_mapping(
            self.controller.mapping if mapping is None else mapping, organisation, self.channels
        )
        self.line_bytes = organisation.access_bytes
        self.size_bytes = organisation.channel_bytes * self.channels
        if self.size_bytes > MAX_BYTES:
            raise CapacityError(f"{self.size_bytes:.3g} bytes of memory", expected="at most 4 EiB")
        self.tick_ps = self.part.tick_ps
        self.core = MemoryCore(
            self.table,
            resolve_policy(self.controller, self.table),
            self.channels,
            self.mapping.decode_tables(),
            self.line_bytes,
            self.size_bytes // self.line_bytes,
        )
        self.callback = callback
        self._tick = 0
        self._tag = 0
        if callback is not None:
            self.core.keep_completions()

    # --- live use ---

    def send(self, address: int, *, write: bool = False, tick: int | None = None, tag: int | None = None) -> bool:
        """Offer one request at `tick` (now, if none is given). False when its queue is full: offer it again later.

        Raises CapacityError for an address outside the memory, and TraceError for a tick in the past.
        """
        if not 0 <= address < self.size_bytes:
            raise CapacityError(f"address {address:#x} is outside the memory", expected=f"below {self.size_bytes:#x}")
        at = self._tick if tick is None else tick
        if at < self._tick:
            raise TraceError(f"a request at tick {at} after tick {self._tick}", expected="ticks that never go back")
        self._tick = at
        if tag is None:
            tag = self._tag
        taken: bool = self.core.send(address, 1 if write else 0, at, tag)
        self._tag += taken
        return taken

    @property
    def now(self) -> int:
        """The tick that the memory has reached."""
        return self._tick

    def tick_until(self, tick: int) -> None:
        """Run on to a tick and call back for everything that was completed by then."""
        if tick < self._tick:
            raise TraceError(f"tick {tick} after tick {self._tick}", expected="ticks that never go back")
        self._tick = tick
        self.core.advance(tick)
        self._call_back(tick)

    def drain(self) -> int:
        """Run until nothing waits. Returns `now`: the tick at which the last data moved, if that was still to come."""
        tick: int = self.core.finish("drained")
        self._tick = tick
        self._call_back(None)
        return tick

    def _call_back(self, tick: int | None) -> None:
        if self.callback is None:
            return
        for done in self.core.take_completions(tick):
            self.callback(int(done["tag"]), int(done["tick"]))

    # --- whole runs ---

    def run_pattern(self, pattern: str, requests: int, *, take_log: Callable[[], None] | None = None) -> MemoryResult:
        """Run one of the generators: stream, random, mix or copy. They wrap at the memory's end.

        Streams step by 64 B, or by an access where that is larger than 128 B. `take_log` is called whenever many
        commands were logged, and at the end.
        """
        if pattern not in PATTERNS[1:]:
            raise SpecError(f"unknown pattern '{pattern}'", expected=did_you_mean(pattern, PATTERNS[1:]))
        if not 0 <= requests <= MAX_REQUESTS:
            raise CapacityError(f"{requests} requests", expected=f"0 to {MAX_REQUESTS:.0e}")
        self.core.start_pattern(pattern, requests, 64 if self.line_bytes <= 128 else self.line_bytes)
        self._offer_all(take_log)
        return self._finish(requests, take_log)

    def run_blocks(
        self,
        blocks: Iterable[tuple[np.ndarray, np.ndarray, np.ndarray]],
        *,
        take_log: Callable[[], None] | None = None,
    ) -> MemoryResult:
        """Run requests in blocks of (addresses int64, kinds int8 with 1 for writes, first ticks int64).

        Raises TraceError for arrays of unlike length, kinds that are not 0 or 1, and addresses outside the memory.
        """
        requests = 0
        for block in blocks:
            self.core.start_block(*self._checked(*block))
            requests += len(block[0])
            self._offer_all(take_log)
        return self._finish(requests, take_log)

    def _checked(self, *block: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        addresses, kinds, not_before = (
            np.ascontiguousarray(column, dtype) for column, dtype in zip(block, (np.int64, np.int8, np.int64))
        )
        if not len(addresses) == len(kinds) == len(not_before):
            raise TraceError("a block's addresses, kinds and ticks differ in length")
        if len(addresses):
            if addresses.min() < 0 or addresses.max() >= self.size_bytes:
                raise TraceError("a block names an address outside the memory", expected=f"below {self.size_bytes:#x}")
            if kinds.min() < 0 or kinds.max() > 1:
                raise TraceError("a block names a kind that is neither read nor write", expected="0 or 1")
        return addresses, kinds, not_before

    def _offer_all(self, take_log: Callable[[], None] | None) -> None:
        while not self.core.offer_all():
            self.core.advance(self.core.last_accepted_tick)
            if take_log is not None:
                take_log()

    def _finish(self, requests: int, take_log: Callable[[], None] | None) -> MemoryResult:
        ticks = self.core.finish(self.controller.end)
        if take_log is not None:
            take_log()
        return self.result(ticks, requests)

    def result(self, ticks: int, requests: int) -> MemoryResult:
        """What was counted, for a run that took so many ticks."""
        named: dict[str, int] = {}
        issued = [0] * len(self.table.commands)
        for channel in range(self.channels):
            counts, commands = self.core.counts(channel)
            for name, value in counts.items():
                named[name] = named.get(name, 0) + value
            issued = [total + value for total, value in zip(issued, commands)]
        commands_by_name = {command.name: count for command, count in zip(self.table.commands, issued)}
        per_clock = self.part.rules_of.ticks_per_clock
        tick_ns = float(self.tick_ps) / 1000
        time_ns = ticks * tick_ns
        moved = sum(commands_by_name[command.name] for command in self.table.commands if command.data)
        answered = named["latencies"]
        buses = self.channels * self.part.organisation.pseudo_channels
        return MemoryResult(
            ticks=ticks,
            last_accepted_tick=self.core.last_accepted_tick,
            cycles=ticks if per_clock == 1 else ticks / per_clock,
            time_ns=time_ns,
            requests=requests,
            reads=named["reads"],
            writes=named["writes"],
            read_latency_mean_ck=named["read_latency"] / answered / per_clock if answered else 0.0,
            read_latency_p99_ck=percentile(self.core.latency_buckets(), 0.99) / per_clock,
            row_hits=named["row_hits"],
            row_misses=named["row_misses"],
            row_conflicts=named["row_conflicts"],
            reused_rows=named["reused_rows"],
            activates=sum(commands_by_name.get(name, 0) for name in ("ACT", "ACT2")),
            precharges=sum(commands_by_name.get(name, 0) for name in ("PRE", "PREab", "RDA", "WRA")),
            refreshes=sum(commands_by_name.get(name, 0) for name in ("REFab", "REFpb")),
            bandwidth_gb_s=moved * self.line_bytes / time_ns if time_ns else 0.0,
            bus_utilisation=named["data_ticks"] / (ticks * buses) if ticks else 0.0,
            energy_pj=energy_of(
                self.part,
                commands_by_name,
                named["open_standby"] * tick_ns,
                named["closed_standby"] * tick_ns,
                composite_columns=named["composite_columns"],
                pim_open_standby_ns=named["pim_open_standby"] * tick_ns,
                pim_closed_standby_ns=named["pim_closed_standby"] * tick_ns,
            ),
            commands=commands_by_name,
        )


def percentile(buckets: np.ndarray, share: float) -> float:
    """The value below which a share of a latency histogram (csrc/dram/channel.pxd) lies; 0 for an empty one."""
    total = int(buckets.sum())
    if total == 0:
        return 0.0
    bucket = int(np.searchsorted(np.cumsum(buckets), share * total))
    exact = 2048
    if bucket < exact:
        return float(bucket)
    doubling, step = divmod(bucket - exact, 64)
    return float((64 + step) << (doubling + 5))
