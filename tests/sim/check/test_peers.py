"""Logs of other simulators: legal by the rules of their part, tight where their own tables are, and no mutant passes.

The tables below are what the two simulators enforce, by their sources. They differ in form from the checker's rules
(four scopes beside each other; nested scopes with the larger distance winning), so that equal slack for every single
command is a comparison of two transcriptions.
"""

import random
from pathlib import Path

import numpy as np
import pytest

from bitline.sim.check import COMMANDS, Checker, CommandLog, read_commands

LOGS = Path(__file__).parents[2] / "reference" / "dram" / "commands"
PEERS = {
    "dramsim3_DDR4_8Gb_x8_3200_mix400.trace": "dramsim3-ddr4-3200",
    "dramsim3_HBM2_8Gb_x128_random3200_ch0.trace": "dramsim3-hbm2",
    "ramulator21_DDR4_3200AA_8Gbx8_mix380.csv": "ddr4-3200",
    "ramulator21_DDR5_4800AN_16Gbx8_stream900.csv": "ddr5-4800",
    "ramulator21_HBM3_6400_16Gb8hi_random330.csv": "hbm3-6400",
    "neupims_dual_1gw_2tiles_4heads_40reads.trace": "neupims",
}
CHANNEL, PSEUDO_CHANNEL, RANK, GROUP, BANK = range(1, 6)
COLUMN = ("RD", "WR")


@pytest.mark.parametrize(("name", "part"), PEERS.items())
def test_the_log_of_a_peer_obeys_the_rules(name, part):
    report = Checker(part).check(read_commands(LOGS / name))
    assert report.violations == {}
    exercised = [slack for slack in report.slack.values() if slack.exercised]
    reached = [slack for slack in exercised if slack.reached]
    assert (len(exercised), len(reached)) == {
        "dramsim3-ddr4-3200": (22, 22),
        "dramsim3-hbm2": (13, 8),
        "ddr4-3200": (19, 19),
        "ddr5-4800": (8, 5),
        "hbm3-6400": (15, 8),
        "neupims": (29, 21),
    }[part]


def test_newtonsim_leaves_out_the_window_of_group_activates_and_the_length_of_a_composite():
    log = read_commands(LOGS / "neupims_dual_1gw_2tiles_4heads_40reads.trace")
    report = Checker("neupims-careful").check(log)
    assert report.violations == {
        "tFAW: activate to group activate (four rows at once)": 2,
        "tRTP: last column of a composite to PIM precharge": 14,
    }
    assert (report.violation.time, report.violation.actual, report.violation.required) == (113, 4, 30)


def test_a_log_of_another_part_is_caught():
    log = read_commands(LOGS / "ramulator21_DDR4_3200AA_8Gbx8_mix380.csv")
    assert not Checker("ddr4-3200", settings={"timing_ck.tRCD": 23}).check(log).passed
    assert not Checker("ddr4-3200", settings={"timing_ck.tFAW": 35}).check(log).passed


# --- the peers' own tables -------------------------------------------------------------------------------------------


def commands_of(log):
    names = ("channel", "pseudo_channel", "rank", "bank_group", "bank")
    cells = [np.maximum(log.rows[name], 0).tolist() for name in names]
    return list(zip(log.rows["cycle"].tolist(), (COMMANDS[code] for code in log.rows["command"]), zip(*cells)))


def dramsim3_slack(log, t, dual_command):
    """Section 1.3: distances in the same bank, other banks of the group, other groups of the rank, other ranks."""
    burst, rl, wl, rtrs = t["tBL"], t["tCL"], t["tCWL"], t["tRTRS"]
    read_delay, write_delay = rl + burst, wl + burst
    read_to_write = rl + burst - wl + rtrs
    long, short = max(burst, t["tCCDL"]), max(burst, t["tCCDS"])
    table = {
        ("RD", "RD"): (long, long, short, burst + rtrs),
        ("RD", "WR"): (*[read_to_write] * 3, read_delay + burst + rtrs - write_delay),
        ("RD", "PRE"): (t["tRTP"], None, None, None),
        ("WR", "RD"): (
            *[write_delay + t["tWTRL"]] * 2,
            write_delay + t["tWTRS"],
            write_delay + burst + rtrs - read_delay,
        ),
        ("WR", "WR"): (long, long, short, burst),
        ("WR", "PRE"): (wl + burst + t["tWR"], None, None, None),
        ("ACT", "ACT"): (t["tRC"], t["tRRDL"], t["tRRDS"], None),
        ("ACT", "RD"): (t["tRCDRD"], None, None, None),
        ("ACT", "WR"): (t["tRCDWR"], None, None, None),
        ("ACT", "PRE"): (t["tRAS"], None, None, None),
        ("PRE", "ACT"): (t["tRP"], None, None, None),
    }
    commands = commands_of(log)
    found = []
    for at, (cycle, name, address) in enumerate(commands):
        slack = []
        for earlier, before, other in commands[:at]:
            scope = 3 - next((level - 2 for level in (2, 3, 4) if address[level] != other[level]), 3)
            distance = table.get((before, name), (None,) * 4)[scope]
            if distance is not None:
                slack.append(cycle - earlier - distance)
            if not dual_command or (before in COLUMN) == (name in COLUMN):
                slack.append(cycle - earlier - 1)
        if name == "ACT":
            window = [earlier for earlier, before, other in commands[:at] if before == "ACT" and other[2] == address[2]]
            if len(window) >= 4:
                slack.append(cycle - window[-4] - t["tFAW"])
        found.append(min(slack, default=None))
    return found


@pytest.mark.parametrize(
    ("name", "extra", "dual_command"),
    [
        ("dramsim3_DDR4_8Gb_x8_3200_mix400.trace", {}, False),
        ("dramsim3_HBM2_8Gb_x128_random3200_ch0.trace", {"tRTRS": 2}, True),
    ],
)
def test_slack_is_that_of_dramsim3s_table(name, extra, dual_command):
    checker, log = Checker(PEERS[name]), read_commands(LOGS / name)
    timing = checker.part.timing
    names = ("tBL", "tCL", "tCWL", "tRP", "tRAS", "tRC", "tWR", "tRTP", "tCCDS", "tCCDL", "tRRDS", "tRRDL", "tWTRS")
    t = {key: timing[key] for key in (*names, "tWTRL", "tFAW")} | extra
    t |= {key: timing.first(key, "tRCD") for key in ("tRCDRD", "tRCDWR")}
    t.setdefault("tRTRS", timing.get("tRTRS", 0))
    _compare(checker, log, dramsim3_slack(log, t, dual_command))


def ramulator_slack(log, rules, windows, ticks, split_bus):
    """Section 1.4: (level, before, after, distance); all that stand at or above the addresses' common node count."""
    commands = commands_of(log)
    found = []
    for at, (cycle, name, address) in enumerate(commands):
        slack = []
        for earlier, before, other in commands[:at]:
            longer = ticks.get(before, 1) - ticks.get(name, 1)
            for level, befores, afters, distance in rules:
                sibling = level < 0
                depth = abs(level)
                if before in befores and name in afters:
                    same = address[:depth] == other[:depth]
                    parent = address[: depth - 1] == other[: depth - 1]
                    if (same and not sibling) or (sibling and parent and not same):
                        slack.append(cycle - earlier - distance - longer)
            if not split_bus or (before in COLUMN) == (name in COLUMN):
                slack.append(cycle - earlier - ticks.get(before, 1))
        for level, command, count, distance in windows:
            if name == command:
                same = [row for row in commands[:at] if row[1] == command and row[2][:level] == address[:level]]
                if len(same) >= count:
                    slack.append(cycle - same[-count][0] - distance)
        found.append(min(slack, default=None))
    return found


def ddr_rules(t, turnaround):
    rd, wr, act, pre = ("RD",), ("WR",), ("ACT",), ("PRE",)
    written = t["tCWL"] + t["tBL"]
    return [
        (CHANNEL, rd, rd, t["tBL"]),
        (CHANNEL, wr, wr, t["tBL"]),
        (RANK, rd, rd, t["tCCDS"]),
        (RANK, wr, wr, t.get("tCCDSWR", t["tCCDS"])),
        (RANK, rd, wr, t["tCL"] + t["tBL"] + turnaround - t["tCWL"]),
        (RANK, wr, rd, written + t["tWTRS"]),
        (RANK, act, act, t["tRRDS"]),
        (GROUP, rd, rd, t["tCCDL"]),
        (GROUP, wr, wr, t.get("tCCDLWR", t["tCCDL"])),
        (GROUP, wr, rd, written + t["tWTRL"]),
        (GROUP, act, act, t["tRRDL"]),
        *bank_rules(t, t["tRCD"], t["tRCD"]),
        *([(RANK, pre, pre, t["tPPD"])] if "tPPD" in t else []),
    ]


def bank_rules(t, to_read, to_write):
    rd, wr, act, pre = ("RD",), ("WR",), ("ACT",), ("PRE",)
    return [
        (BANK, act, act, t["tRC"]),
        (BANK, act, rd, to_read),
        (BANK, act, wr, to_write),
        (BANK, act, pre, t["tRAS"]),
        (BANK, pre, act, t["tRP"]),
        (BANK, rd, pre, t["tRTP"]),
        (BANK, wr, pre, t["tCWL"] + t["tBL"] + t["tWR"]),
    ]


def hbm3_rules(t):
    rd, act, pre = ("RD",), ("ACT",), ("PRE",)
    return [
        (PSEUDO_CHANNEL, rd, rd, t["tBL"]),
        (RANK, rd, rd, t["tCCDS"]),
        (-RANK, rd, rd, t["tCCDR"]),
        (PSEUDO_CHANNEL, act, act, t["tRRDS"]),
        (PSEUDO_CHANNEL, pre, pre, t["tPPD"]),
        (GROUP, rd, rd, t["tCCDL"]),
        (GROUP, act, act, t["tRRDL"]),
        *bank_rules(t, t["tRCDRD"], t["tRCDWR"]),
    ]


def clocks(**times):
    return times


DDR4 = clocks(tBL=4, tCL=22, tCWL=16, tRCD=22, tRP=22, tRAS=52, tRC=74, tWR=24, tRTP=12, tCCDS=4, tCCDL=8, tRRDS=4)
DDR4 |= clocks(tRRDL=8, tWTRS=4, tWTRL=12, tFAW=34)
DDR5 = clocks(tBL=8, tCL=34, tCWL=32, tRCD=34, tRP=34, tRAS=77, tRC=111, tWR=72, tRTP=18, tCCDS=8, tCCDL=12, tCCDSWR=8)
DDR5 |= clocks(tCCDLWR=48, tRRDS=8, tRRDL=12, tWTRS=6, tWTRL=24, tFAW=48, tPPD=2)
HBM3 = clocks(tBL=2, tCL=20, tCWL=10, tRCDRD=31, tRCDWR=15, tRP=26, tRAS=45, tRC=72, tWR=33, tRTP=9, tCCDS=2, tCCDL=4)
HBM3 |= clocks(tCCDR=3, tRRDS=4, tRRDL=5, tFAW=24, tPPD=2)
HBM3 = {name: 2 * time for name, time in HBM3.items()}


@pytest.mark.parametrize(
    ("name", "rules", "window", "ticks"),
    [
        ("ramulator21_DDR4_3200AA_8Gbx8_mix380.csv", ddr_rules(DDR4, 2), (RANK, "ACT", 4, 34), {}),
        (
            "ramulator21_DDR5_4800AN_16Gbx8_stream900.csv",
            ddr_rules(DDR5, 4),
            (RANK, "ACT", 4, 48),
            {"ACT": 2, "RD": 2, "WR": 2},
        ),
        (
            "ramulator21_HBM3_6400_16Gb8hi_random330.csv",
            hbm3_rules(HBM3),
            (PSEUDO_CHANNEL, "ACT", 4, 48),
            {"ACT": 3, "RD": 2},
        ),
    ],
)
def test_slack_is_that_of_ramulators_table(name, rules, window, ticks):
    checker, log = Checker(PEERS[name]), read_commands(LOGS / name)
    _compare(checker, log, ramulator_slack(log, rules, [window], ticks, split_bus="HBM" in name))


def _compare(checker, log, expected):
    found = checker.check(log).command_slack.tolist()
    never = np.iinfo(np.int64).max
    assert [None if slack == never else slack for slack in found] == expected


# --- mutants ---------------------------------------------------------------------------------------------------------


def with_row(log, index, **cells):
    rows = log.rows.copy()
    for name, value in cells.items():
        rows[name][index] = value
    order = np.argsort(rows["cycle"], kind="stable")
    if "cycle" in cells:  # the moved command comes after what is already issued in its cycle
        others = np.delete(rows, index)
        at = int(np.searchsorted(others["cycle"], cells["cycle"], side="right"))
        return CommandLog(np.insert(others, at, rows[index]), log.format)
    return CommandLog(rows[order], log.format)


def earlier_by_one(log, checker, dice):
    """A command one clock before the earliest time that its rules allow."""
    slack = checker.check(log).command_slack
    cycle = log.rows["cycle"]
    step = checker.part.ticks_per_ck
    able = np.flatnonzero((slack < 1000) & (cycle - slack - step >= 0))
    index = int(dice.choice(able.tolist()))
    return with_row(log, index, cycle=int(cycle[index] - slack[index] - step))


def open_rows_before(log, index):
    """{bank: row} by a plain walk through the log."""
    rows = {}
    for at in range(index):
        name = COMMANDS[log.rows["command"][at]]
        bank = tuple(int(log.rows[level][at]) for level in ("pseudo_channel", "rank", "bank_group", "bank"))
        if name == "ACT":
            rows[bank] = int(log.rows["row"][at])
        elif name == "PRE":
            rows.pop(bank, None)
    return rows


def in_another_bank(log, checker, dice):
    """An activate in a bank that is open, or an access in a bank where another row is open or none."""
    able = [at for at, code in enumerate(log.rows["command"]) if COMMANDS[code] in ("ACT", "RD", "WR")]
    for _ in range(1000):
        index = dice.choice(able)
        row = log.rows[index]
        rows = open_rows_before(log, index)
        group, bank = dice.randrange(checker.part.bank_groups), dice.randrange(checker.part.banks)
        place = (int(row["pseudo_channel"]), int(row["rank"]), group, bank)
        illegal = place in rows if COMMANDS[row["command"]] == "ACT" else rows.get(place) != row["row"]
        if illegal:
            return with_row(log, index, bank_group=group, bank=bank)
    raise AssertionError("no bank found")


def without_a_precharge(log, checker, dice):
    """A precharge left out whose bank is activated later."""
    cells = ["pseudo_channel", "rank", "bank_group", "bank"]
    able = []
    for index in np.flatnonzero(log.rows["command"] == COMMANDS.index("PRE")):
        later = log.rows[index + 1 :]
        same = np.ones(len(later), bool)
        for name in cells:
            same &= later[name] == log.rows[name][index]
        if (same & (later["command"] == COMMANDS.index("ACT"))).any():
            able.append(int(index))
    return CommandLog(np.delete(log.rows, dice.choice(able)), log.format)


def with_refreshes(log, checker):
    """Eight refresh intervals: each the peer's log, then all banks closed, and a refresh shortly after it is due."""
    part, interval = checker.part, checker.rules.refresh.interval
    log = CommandLog(log.rows[log.rows["cycle"] < interval // 4], log.format)
    last = int(log.rows["cycle"][-1])
    blocks = []
    for number in range(8):
        start = number * interval + 1000 * part.ticks_per_ck  # the refresh before is over
        block = log.rows.copy()
        block["cycle"] += start
        blocks.append(block)
        for unit, (pseudo_channel, rank) in enumerate(np.ndindex(part.pseudo_channels, _refreshed_ranks(checker))):
            for command, cycle in (("PREab", start + last + 400), ("REFab", (number + 1) * interval + 40)):
                extra = log.rows[:1].copy()
                extra["command"] = COMMANDS.index(command)
                extra["cycle"] = cycle + 20 * unit + block["cycle"][0] % 2
                extra["pseudo_channel"], extra["rank"] = pseudo_channel, rank
                extra["bank_group"] = extra["bank"] = extra["row"] = extra["column"] = -1
                blocks.append(extra)
    rows = np.concatenate(blocks)
    return CommandLog(rows[np.argsort(rows["cycle"], kind="stable")], log.format)


def _refreshed_ranks(checker):
    return checker.part.ranks if checker.rules.refresh.level == 2 else 1


def without_a_refresh(log, checker, dice):
    """A refresh left out, other than the last of its rank, for which the log ends too soon to tell."""
    refreshes = np.flatnonzero(log.rows["command"] == COMMANDS.index("REFab"))
    units = len(refreshes) // 8
    return CommandLog(np.delete(log.rows, dice.choice(refreshes[:-units].tolist())), log.format)


MUTATIONS = {"earlier": earlier_by_one, "bank": in_another_bank, "precharge": without_a_precharge}


MUTANTS = [(name, mutation) for name in PEERS for mutation in MUTATIONS]
# a stream that never closes a row
MUTANTS.remove(("ramulator21_DDR5_4800AN_16Gbx8_stream900.csv", "precharge"))


@pytest.mark.parametrize(("name", "mutation"), MUTANTS)
def test_mutants_of_a_peers_log_are_caught(name, mutation):
    checker, log = Checker(PEERS[name]), read_commands(LOGS / name)
    dice = random.Random(f"{name} {mutation}")
    caught, count = 0, 25
    for _ in range(count):
        mutant = MUTATIONS[mutation](log, checker, dice)
        caught += not checker.check(mutant).passed
    assert caught == count


@pytest.mark.parametrize(("name", "part"), [(name, part) for name, part in PEERS.items() if part != "neupims"])
def test_a_refresh_left_out_is_caught(name, part):
    checker = Checker(part)
    log = with_refreshes(read_commands(LOGS / name), checker)
    assert checker.check(log).violations == {}
    dice = random.Random(name)
    for _ in range(10):
        report = checker.check(without_a_refresh(log, checker, dice))
        assert report.violations.keys() == {"tREFI: all banks are refreshed in time"}
