"""The buses: a command bus carries one command at a time, the data pins one burst at a time."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from bitline.sim.check.commands import CODE, COMMANDS
from bitline.sim.check.evidence import Evidence, Indices
from bitline.sim.check.rule import DataBus, Level
from bitline.sim.check.view import LogView


def command_bus(name: str, commands: tuple[str, ...], view: LogView) -> Evidence:
    """A command bus of a channel is taken for the length of a command; the next one follows at the earliest then."""
    order = view.order(Level.CHANNEL)
    places = np.flatnonzero(view.mask(commands)[order.rows])
    early, late = places[:-1], places[1:]
    same = early >= order.start[late]
    first, second = order.rows[early[same]], order.rows[late[same]]
    actual = view.cycle[second] - view.cycle[first]
    required = view.ticks[first]
    return Evidence(
        f"{name}: one command at a time", first, second, view.cycle[second], actual - required, required, actual
    )


def data_bus(bus: DataBus, view: LogView) -> Evidence:
    """Bursts on the same pins never overlap, whatever the pairwise rules say."""
    latency = np.zeros(len(COMMANDS), np.int64)
    for command, ticks in bus.latency.items():
        latency[CODE[command]] = ticks
    bursts = np.flatnonzero(view.mask(bus.latency))
    start: Indices = view.cycle[bursts] + latency[view.code[bursts]]
    by_time = np.lexsort((start, view.node(bus.level)[bursts]))
    bursts, start = bursts[by_time], start[by_time]
    pins = view.node(bus.level)[bursts]
    same = pins[1:] == pins[:-1]
    one, other = bursts[:-1][same], bursts[1:][same]
    actual = (start[1:] - start[:-1])[same]
    required = np.full(len(actual), bus.ticks, np.int64)
    first, second = np.minimum(one, other), np.maximum(one, other)
    name = "data bus: bursts do not overlap"
    return Evidence(name, first, second, view.cycle[second], actual - required, required, actual)


def one_clock_edge(view: LogView, commands: tuple[str, ...]) -> Iterator[Evidence]:
    """HBM3 counts half clocks; these commands start on the rising edge: all on even ticks or all on odd ones."""
    rows = np.flatnonzero(view.mask(commands))
    odd = view.cycle[rows] % 2
    rising = int(2 * odd.sum() > len(odd))
    wrong = rows[odd != rising]
    yield Evidence.of_state("clock edge: starts on the rising edge", [(-1, int(row)) for row in wrong], view.cycle)
