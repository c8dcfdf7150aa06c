"""The requests of one device: iteration-level batching (Orca, OSDI 2022, section 4.1) with room for keys and values.

Each iteration makes one token of every running request. Between iterations finished requests leave at once, and waiting
ones come in, in order of arrival; one that finds no room lets none pass it. A prompt is read elsewhere: a request comes
with its prompt's keys and values, and with those that it had before it was sent back.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bitline.base.errors import CapacityError, SpecError
from bitline.sim.schedule.assign import Assignment, ChannelLoads, Load
from bitline.sim.schedule.kv_space import KvSpace
from bitline.traces.requests import Request


@dataclass(slots=True)
class Running:
    """A request on its channel, and what it holds there."""

    request: Request
    channel: int
    units: int
    cycles: int
    """Its part of the channel's estimated load."""
    admission: int
    """The youngest has the highest."""


@dataclass(frozen=True, slots=True)
class Step:
    """What happened in one iteration."""

    tokens: int
    finished: tuple[Request, ...]
    preempted: tuple[Request, ...]
    """Sent back to wait. The tokens that they have made count; their keys and values have to be made again."""


class RequestPool:
    """Waiting and running requests of one device."""

    def __init__(
        self, requests: Iterable[Request], space: KvSpace, policy: Assignment, load: Load, max_batch: int
    ) -> None:
        """`load`: estimated cycles of a request from its context; `max_batch`: requests that may run at a time."""
        if max_batch < 1:
            raise SpecError(f"is {max_batch}", field="max_batch", expected="at least 1 request")
        self.space, self.policy, self.load, self.max_batch = space, policy, load, max_batch
        self.loads = ChannelLoads.empty(space.homes)
        self.waiting = sorted(requests, key=_by_arrival)
        self.running: dict[int, Running] = {}
        self._admissions = 0
        if len({request.id for request in self.waiting}) < len(self.waiting):
            raise SpecError("two requests have one id", field="requests")
        if any(request.finished for request in self.waiting):
            raise SpecError("holds a request without tokens left to make", field="requests")

    @property
    def next_arrival_ps(self) -> int | None:
        """When the first of those that wait came or will come."""
        return self.waiting[0].arrival_ps if self.waiting else None

    def by_channel(self) -> list[list[Request]]:
        """The running requests of each channel, in order of arrival."""
        channels: list[list[Request]] = [[] for _ in range(self.space.homes)]
        for one in sorted(self.running.values(), key=lambda one: _by_arrival(one.request)):
            channels[one.channel].append(one.request)
        return channels

    # --- coming in ---

    def admit(self, now_ps: int = 0) -> list[Request]:
        """Let in as many of the first that have arrived as fit. Raises CapacityError for one that never will."""
        candidates = self.waiting[: max(0, self.max_batch - len(self.running))]
        candidates = [request for request in candidates if request.arrival_ps <= now_ps]
        plan, left = self._plan(candidates)
        if left:
            # The longest beginning that fits as a whole, by halving: none is placed before one that came earlier.
            plan, fits, fails = [], 0, len(candidates)
            while fails - fits > 1:
                tried = (fits + fails) // 2
                found, left = self._plan(candidates[:tried])
                if left:
                    fails = tried
                else:
                    fits, plan = tried, found
            if not fits and not self.running:
                raise self._never_fits(candidates[0])
            candidates = candidates[:fits]
        self._place(plan)
        del self.waiting[: len(candidates)]
        return candidates

    def admit_all(self) -> list[Request]:
        """Let in everyone who waits. Raises CapacityError that says how much is missing."""
        candidates = list(self.waiting)
        batch = len(candidates) + len(self.running)
        if batch > self.max_batch:
            raise CapacityError(f"is {batch}", field="batch", expected=f"at most max_batch = {self.max_batch}")
        plan, left = self._plan(candidates)
        if left:
            raise self._missing(candidates, left)
        self._place(plan)
        self.waiting.clear()
        return candidates

    def _plan(self, candidates: Sequence[Request]) -> tuple[list[tuple[Request, int]], list[Request]]:
        """Those that find a channel, and those that find none, in the order of the policy."""
        loads, used, capacity = self.loads.snapshot(), list(self.space.used), self.space.capacity
        placed, left = [], []
        for request in self.policy.order(candidates):
            most = capacity - self.space.rule.units(request.context)
            channel = self.policy.choose(loads, [taken <= most for taken in used])
            if channel is None:
                left.append(request)
                continue
            used[channel] += capacity - most
            loads.add(channel, self.load(request.context))
            placed.append((request, channel))
        return placed, left

    def _place(self, plan: Sequence[tuple[Request, int]]) -> None:
        for request, channel in plan:
            units, cycles = self.space.take(channel, request.context), self.load(request.context)
            self.loads.add(channel, cycles)
            self.running[request.id] = Running(request, channel, units, cycles, self._admissions)
            self._admissions += 1

    # --- going on ---

    def step(self) -> Step:
        """One token more for every running request: the finished leave, the others grow.

        Where a channel is full, the youngest of its requests is sent back. Raises CapacityError where one request alone
        outgrows its channel.
        """
        tokens, finished, preempted = len(self.running), [], []
        for one in self.running.values():
            one.request = one.request.advanced()
        for one in [one for one in self.running.values() if one.request.finished]:
            self._leave(one)
            finished.append(one.request)
        for one in sorted(self.running.values(), key=lambda one: one.admission):
            while one.request.id in self.running and not self._grow(one):
                beside = [other for other in self.running.values() if other.channel == one.channel]
                if len(beside) == 1:
                    raise self._never_fits(one.request)
                youngest = max(beside, key=lambda other: other.admission)
                self._leave(youngest)
                insort(self.waiting, youngest.request, key=_by_arrival)
                preempted.append(youngest.request)
        return Step(tokens, tuple(finished), tuple(preempted))

    def _grow(self, one: Running) -> bool:
        """Take what the next token needs. False: there is no room."""
        context = one.request.context
        if not self.space.room(one.channel, context, held=one.units):
            return False
        one.units = self.space.take(one.channel, context, held=one.units)
        cycles = self.load(context)
        self.loads.cycles[one.channel] += cycles - one.cycles
        one.cycles = cycles
        return True

    def _leave(self, one: Running) -> None:
        self.space.give_back(one.channel, one.units)
        self.loads.remove(one.channel, one.cycles)
        del self.running[one.request.id]

    # --- what does not fit ---

    def _never_fits(self, request: Request) -> CapacityError:
        need, room = self.space.rule.units(request.context), self.space.capacity
        return CapacityError(
            f"request {request.id} with {request.context} tokens needs {self._bytes(need)} of keys and values, "
            f"{self._bytes(need - room)} more than {self._home} has",
            field="context",
            expected=f"at most {self._bytes(room)} a request",
        )

    def _missing(self, candidates: Sequence[Request], left: Sequence[Request]) -> CapacityError:
        need = sum(self.space.rule.units(request.context) for request in left)
        fits = len(candidates) - len(left)
        return CapacityError(
            f"{len(candidates)} requests do not fit: {len(left)} of them, with {self._bytes(need)} of keys and values, "
            f"find no room in {self.space.homes} x {self._bytes(self.space.capacity)}",
            field="batch",
            expected=f"about {fits} requests of these lengths, or more memory or devices",
        )

    @property
    def _home(self) -> str:
        return "the memory" if self.space.homes == 1 else "a channel"

    def _bytes(self, units: int) -> str:
        return f"{units * self.space.rule.unit_bytes / 1e6:,.1f} MB"


def _by_arrival(request: Request) -> tuple[int, int]:
    return request.arrival_ps, request.id
