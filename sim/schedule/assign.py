"""Which channel keeps the keys and values of a request, and so computes its attention: policies by name.

A request stays on its channel for as long as it lives.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Protocol

from bitline.base.errors import SpecError, did_you_mean
from bitline.traces.requests import Request

Load = Callable[[int], int]
"""Estimated cycles of a request from its context."""

Room = Sequence[bool]
"""Which channels could take the request."""


@dataclass
class ChannelLoads:
    """What lies on each channel."""

    cycles: list[int]
    """Estimated attention of its requests, one layer."""
    requests: list[int]
    turn: int = field(default=0)
    """The channel after the one that was chosen last."""

    @classmethod
    def empty(cls, channels: int) -> ChannelLoads:
        """No requests yet."""
        return cls([0] * channels, [0] * channels)

    def snapshot(self) -> ChannelLoads:
        """A copy, to go back to."""
        return ChannelLoads(list(self.cycles), list(self.requests), self.turn)

    def add(self, channel: int, cycles: int) -> None:
        """A request comes."""
        self.cycles[channel] += cycles
        self.requests[channel] += 1
        self.turn = (channel + 1) % len(self.cycles)

    def remove(self, channel: int, cycles: int) -> None:
        """A request leaves."""
        self.cycles[channel] -= cycles
        self.requests[channel] -= 1


class Assignment(Protocol):
    """A policy. It sees estimates, never results."""

    name: ClassVar[str]

    def order(self, new: Sequence[Request]) -> list[Request]:
        """In which order those that come together are placed."""

    def choose(self, loads: ChannelLoads, room: Room) -> int | None:
        """The channel of the next one, among those with room; None where there is none."""


class RoundRobin:
    """Channels take turns; a full one is passed over."""

    name: ClassVar[str] = "round_robin"

    def order(self, new: Sequence[Request]) -> list[Request]:
        """As they come."""
        return list(new)

    def choose(self, loads: ChannelLoads, room: Room) -> int | None:
        """The next in turn."""
        n = len(loads.cycles)
        return next((channel for channel in _from(loads.turn, n) if room[channel]), None)


class GreedyMinLoad:
    """Greedy min-load bin packing (NeuPIMs, section 6.2): longest first, each to the channel with the least load."""

    name: ClassVar[str] = "greedy_min_load"

    def order(self, new: Sequence[Request]) -> list[Request]:
        """Longest context first; among equals as they come."""
        return sorted(new, key=lambda request: -request.context)

    def choose(self, loads: ChannelLoads, room: Room) -> int | None:
        """The least estimated load, among equals the lowest channel."""
        return _least(loads.cycles, room)


class ShortestQueue:
    """Each to the channel with the fewest requests, whatever their length."""

    name: ClassVar[str] = "shortest_queue"

    def order(self, new: Sequence[Request]) -> list[Request]:
        """As they come."""
        return list(new)

    def choose(self, loads: ChannelLoads, room: Room) -> int | None:
        """The fewest requests, among equals the lowest channel."""
        return _least(loads.requests, room)


ASSIGNMENTS: dict[str, type[Assignment]] = {
    policy.name: policy for policy in (RoundRobin, GreedyMinLoad, ShortestQueue)
}


def make_assignment(name: str) -> Assignment:
    """The policy of that name. Raises SpecError."""
    if name not in ASSIGNMENTS:
        expected = did_you_mean(name, ASSIGNMENTS)
        raise SpecError(f"unknown assignment '{name}'", field="assignment", expected=expected)
    return ASSIGNMENTS[name]()


def _from(first: int, n: int) -> list[int]:
    return [*range(first, n), *range(first)]


def _least(values: Sequence[int], room: Room) -> int | None:
    open_ = (channel for channel in range(len(values)) if room[channel])
    return min(open_, key=lambda channel: (values[channel], channel), default=None)
