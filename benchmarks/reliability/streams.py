"""Random request streams through every part under every controller, with their logs as the checker reads them."""

from collections.abc import Iterator

import numpy as np

from bitline.arch.dram.controller import CONTROLLERS, load_controller, resolve_policy
from bitline.arch.dram.memory import Memory, MemoryResult
from bitline.arch.dram.part import PARTS, PartSpec, load_part
from bitline.arch.dram.standard import LEVELS, Command
from bitline.arch.dram.table import build_table
from bitline.base.errors import SpecError
from bitline.sim.check import CommandLog

#: How much of a stream comes in bursts, and what share are writes.
KINDS = (("bursts and pauses", 0.03, 0.35), ("saturated", 0.0, 0.35), ("saturated reads", 0.0, 0.0))


def pairs() -> Iterator[tuple[str, str]]:
    """Every part with every controller that can drive it."""
    for part in PARTS.names():
        table = build_table(load_part(part))
        for controller in CONTROLLERS.names():
            try:
                resolve_policy(load_controller(controller), table)
            except SpecError:
                continue
            yield part, controller


def stream(memory: Memory, requests: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Half of the accesses to a few hot rows, the rest anywhere; the kind is the seed's."""
    _name, paused, written = KINDS[seed % len(KINDS)]
    random = np.random.default_rng(seed)
    lines = memory.size_bytes // memory.line_bytes
    hot = random.integers(0, lines, 12)
    near = np.clip(hot[random.integers(0, len(hot), requests)] + random.integers(0, 24, requests), 0, lines - 1)
    chosen = np.where(random.random(requests) < 0.5, near, random.integers(0, lines, requests))
    writes = (random.random(requests) < written).astype(np.int8)
    gaps = random.geometric(4 / memory.table.ticks("tREFI"), requests)
    pauses = np.where(random.random(requests) < paused, gaps, 0)
    return chosen * memory.line_bytes, writes, np.cumsum(pauses)


def run_logged(memory: Memory, requests: tuple[np.ndarray, ...]) -> tuple[MemoryResult, list[CommandLog]]:
    """The result, and the log of each channel."""
    taken: list[list[np.ndarray]] = [[] for _ in range(memory.channels)]

    def take() -> None:
        for channel, rows in enumerate(taken):
            rows.append(memory.core.take_log(channel))

    memory.core.log_commands()
    result = memory.run_blocks([requests], take_log=take)
    commands = memory.table.commands
    logs = [as_log(memory.part, commands, np.concatenate(rows), channel) for channel, rows in enumerate(taken)]
    return result, logs


def as_log(part: PartSpec, commands: tuple[Command, ...], rows: np.ndarray, channel: int) -> CommandLog:
    """Logged rows of a core in the checker's form."""
    organisation = part.organisation
    sizes = (organisation.pseudo_channels, organisation.ranks, organisation.bank_groups, organisation.banks)
    code = rows["code"]
    depth = np.array([LEVELS.index(command.scope) for command in commands])[code]
    uses_row = np.array([command.row in ("open", "half_open", "need") for command in commands])[code]
    uses_column = np.array([command.bus == "column" for command in commands])[code]
    place = rows["unit"].astype(np.int64)
    cells = {}
    for level in range(4, 0, -1):
        cells[LEVELS[level]] = np.where(depth >= level, place % sizes[level - 1], -1)
        place //= sizes[level - 1]
    return CommandLog.from_columns(
        rows["tick"],
        [commands[number].name for number in code.tolist()],
        channel=channel,
        row=np.where(uses_row, rows["place"], -1),
        column=np.where(uses_column, rows["detail"], -1),
        **cells,
    )
