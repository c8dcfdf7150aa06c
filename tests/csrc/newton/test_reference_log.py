"""Every command of NewtonSim's log, at its cycle."""

from pathlib import Path

import pytest

from bitline.sim.check import COMMANDS, read_commands

LOG = Path(__file__).parents[2] / "reference/dram/commands/neupims_dual_1gw_2tiles_4heads_40reads.trace"
MASK = (1 << 64) - 1
EMPTY = {"P_HEADER": "rank bank_group bank", "COMPS_READRES": "rank bank_group bank", "G_ACT": "bank"}


def work():
    """One vector write, two tiles of four heads, forty reads: rank, bank group, bank and row from the generator."""
    pim = [("gwrite", {"bank": 0, "row": 0})]
    for row in (100, 101):
        pim += [("header", {"row": row, "comps": 32, "results": 4}), *[("comps", {"row": row, "comps": 8})] * 4]
    reads, state = [], 1
    for _ in range(40):
        state = (6364136223846793005 * state + 1442695040888963407) & MASK
        address = state >> 20
        bank = (address & 1) << 4 | (address >> 1 & 3) << 2 | address >> 3 & 3
        reads.append(("read", (bank, 5000 + (address >> 5 & 1023), 0)))
    return [(0, kind, arguments) for kind, arguments in pim + reads]


@pytest.fixture(scope="module")
def theirs():
    rows = read_commands(LOG).rows
    return [_place(COMMANDS[row["command"]], row) for row in rows]


@pytest.fixture(scope="module")
def ours(run_newton, theirs):
    rows = run_newton(work()).checker_log().rows
    return [_place(COMMANDS[row["command"]], row) for row in rows]


def _place(name, row):
    dropped = EMPTY.get(name, "").split()
    cells = [cell for cell in ("rank", "bank_group", "bank") if cell not in dropped]
    return (int(row["cycle"]), name, *(int(row[cell]) for cell in cells))


def test_pim_commands_are_at_the_cycles_of_newtonsims_log(ours, theirs):
    names = {"GWRITE", "P_HEADER", "G_ACT", "COMPS_READRES", "PIM_PRECHARGE"}
    assert [row for row in ours if row[1] in names] == [row for row in theirs if row[1] in names]


def test_memory_commands_are_at_the_cycles_of_newtonsims_log(ours, theirs):
    assert ours == theirs
