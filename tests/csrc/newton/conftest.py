"""A channel of banks that compute, random work for it, and its log in the form that the checker takes."""

import random
from dataclasses import dataclass, field

import numpy as np
import pytest

from bitline.arch.dram.controller import load_controller, resolve_policy
from bitline.arch.dram.part import load_part
from bitline.arch.dram.standard import LEVELS
from bitline.arch.dram.table import build_table
from bitline.csrc.pim.newton_memory import PimMemoryCore
from bitline.sim.check import CommandLog

MEMORY_COMMANDS = ("ACT", "PRE", "RD", "WR")
LONGEST = 1_000_000


@dataclass
class Outcome:
    """What a run can tell."""

    log: list
    """(tick, command, bank, row, column)"""
    answers: list
    """(tag, tick) of reads and writes"""
    pim_answers: list
    counts: dict
    issued: dict
    end: int
    waiting: tuple
    sizes: tuple = field(default=(2, 4, 4))
    scopes: dict = field(default_factory=dict)

    def at(self, *names):
        """Ticks of the commands of those names."""
        return [row[0] for row in self.log if row[1] in names]

    def checker_log(self):
        """The log with a rank, bank group and bank where the command has one."""
        tick, names, bank, row, column = zip(*self.log)
        bank = np.array(bank)
        per_rank, per_group = self.sizes[1] * self.sizes[2], self.sizes[2]
        depth = np.array([LEVELS.index(self.scopes[name]) for name in names])
        cells = {"rank": bank // per_rank, "bank_group": bank // per_group % self.sizes[1], "bank": bank % per_group}
        cells = {name: np.where(depth >= LEVELS.index(name), value, -1) for name, value in cells.items()}
        has_row = ~np.isin(names, ("PRE", "PIM_PRECHARGE", "REFab"))
        return CommandLog.from_columns(
            tick, names, channel=0, pseudo_channel=0, row=np.where(has_row, row, -1), column=np.array(column), **cells
        )


class Bench:
    """One channel of a part under a controller."""

    def __init__(self, part, controller, settings=None):
        self.part = load_part(part)
        self.table = build_table(self.part)
        self.core = PimMemoryCore(self.table, resolve_policy(load_controller(controller, settings), self.table))
        self.core.log_commands()

    def run(self, work, *, skip=True):
        """Offer `work` rows (tick, kind, arguments), PIM and memory each in its order when it is taken, and drain."""
        rows = [(tick, kind, arguments, tag) for tag, (tick, kind, arguments) in enumerate(work)]
        queues = [[row for row in rows if (row[1] in ("read", "write")) == memory] for memory in (True, False)]
        while any(queues):
            for queue in queues:
                while queue and queue[0][0] <= self.core.clk and self._offer(*queue[0][1:]):
                    queue.pop(0)
            self.core.advance(self.core.clk + 1, skip)
            assert self.core.clk < LONGEST
        self.core.flush()
        while any(self.core.waiting()):
            self.core.advance(self.core.clk + 1, skip)
            assert self.core.clk < LONGEST
        return self._outcome(self.core.finish(LONGEST))

    def _offer(self, kind, arguments, tag):
        if kind in ("read", "write"):
            return self.core.send(*arguments, kind == "write", self.core.clk, tag)
        return self.core.pim(kind, self.core.clk, tag, **arguments)

    def _outcome(self, end):
        names = [command.name for command in self.table.commands]
        counts, issued = self.core.counts()
        return Outcome(
            [(tick, names[number], *place) for tick, number, *place in self.core.take_log().tolist()],
            self.core.take_completions().tolist(),
            self.core.take_pim_completions().tolist(),
            counts,
            dict(zip(names, issued)),
            end,
            self.core.waiting(),
            scopes={command.name: command.scope for command in self.table.commands},
        )


@pytest.fixture(scope="session")
def run_newton():
    """run_newton(work, part, controller): the Outcome of a fresh channel."""

    def run(work, part="neupims-hbm2", controller="neupims", *, skip=True, settings=None):
        return Bench(part, controller, settings).run(work, skip=skip)

    return run


@pytest.fixture(scope="session")
def random_work():
    """random_work(seed, tiles, requests): PIM tiles and memory requests, mixed, some for the same rows."""

    def make(seed, tiles=20, requests=400, gap=8):
        random_ = random.Random(seed)
        pim = []
        for _ in range(tiles):
            if random_.random() < 0.3:
                pim.append(("gwrite", {"bank": random_.randrange(32), "row": random_.randrange(4)}))
            row, comps, results = random_.randrange(8), random_.randint(1, 32), random_.randint(1, 6)
            pim.append(("header", {"row": row, "comps": comps * results, "results": results}))
            pim += [("comps", {"row": row, "comps": comps})] * results
        kinds = [random_.choice(("read", "read", "write")) for _ in range(requests)]
        memory = [(kind, (random_.randrange(32), random_.randrange(12), random_.randrange(16))) for kind in kinds]
        work, tick = [], 0
        while pim or memory:
            if pim and random_.random() < len(pim) / (len(pim) + len(memory)):
                work.append((tick, *pim.pop(0)))
            else:
                work.append((tick, *memory.pop(0)))
            tick += random_.randrange(gap)
        return work

    return make
