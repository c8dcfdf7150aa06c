"""Every gap of docs/deviations.md, asserted to be still there. When one of these fails, the page has to change."""

import re
from pathlib import Path

import numpy as np
import pytest

from bitline.arch.dram.bound import unloaded_read_latency_ticks
from bitline.arch.dram.controller import load_controller
from bitline.arch.dram.energy import energy_of, event_energy
from bitline.arch.dram.memory import Memory
from bitline.arch.dram.part import load_part
from bitline.arch.dram.standard import load_standard, standard_names
from bitline.arch.dram.table import build_table
from bitline.base.errors import SpecError
from bitline.sim.run.command_log import CommandLog
from bitline.sim.validate.systems import decode

PAGE = Path(__file__).resolve().parents[2] / "docs/deviations.md"
REQUESTS = 200_000


class Lines:
    """The lines of a command log, as a stream to write to."""

    def __init__(self):
        self.text = b""

    def write(self, data):
        self.text += data

    def commands(self, name):
        rows = [line.split(",") for line in self.text.decode().splitlines()[1:]]
        return [row for row in rows if row[1] == name]


def logged_run(part, controller, pattern, requests):
    memory = Memory(part, controller, channels=1)
    lines = Lines()
    result = memory.run_pattern(pattern, requests, take_log=CommandLog(memory, lines).take)
    return memory, result, lines


def delay(part, before, after, level):
    """Ticks that one command of `before` holds back one of `after` at the level of that many nodes a channel."""
    table = build_table(part)
    group = table.command_rows[table.number(after)]["group"]
    rows = table.updates
    chosen = rows[(rows["command"] == table.number(before)) & (rows["group"] == group) & (rows["window"] == 1)]
    place = table.level_nodes.index(level)
    return max(chosen[chosen["level"] <= place]["delay"], default=0)


def test_every_gap_has_a_number_and_a_test():
    text = PAGE.read_text()
    numbers = [int(number) for number in re.findall(r"^## (\d+)\. ", text, re.MULTILINE)]
    named = re.findall(r"^Test: `(test_(\d+)_\w+)`$", text, re.MULTILINE)
    assert numbers == list(range(1, len(numbers) + 1))
    assert [int(number) for _, number in named] == numbers
    assert {name for name, _ in named} == {name for name in globals() if re.match(r"test_\d+_", name)}


# Cycles of Ramulator 2.1, LPDDR5_8Gb_x16 / LPDDR5_6400, 200,000 requests: sim/validate/references/dram_peers.csv.
@pytest.mark.parametrize(("pattern", "peer"), [("stream", 429_140), ("random", 897_967)])
def test_1_lpddr5_waits_trpab_before_an_all_bank_refresh(pattern, peer):
    def cycles(settings):
        memory = Memory(load_part("lpddr5-6400", settings), "ramulator2", channels=1)
        return memory.run_pattern(pattern, REQUESTS).cycles

    assert 1.001 * peer < cycles({}) < 1.002 * peer
    assert cycles({"timing_ck.tRPab": 15}) == peer


def test_2_lpddr5_per_bank_refresh_takes_one_bank():
    memory, result, lines = logged_run("lpddr5-6400", "frfcfs-per-bank", "random", 10_000)
    timing, refreshes = memory.part.timing, lines.commands("REFpb")
    assert memory.part.rules_of.command("REFpb").scope == "bank"
    assert timing["tREFIpb"] == timing["tREFI"] // 16
    assert {(row[5], row[6]) for row in refreshes} == {(str(g), str(b)) for g in range(4) for b in range(4)}
    assert len(refreshes) == pytest.approx(result.ticks / timing["tREFIpb"], abs=2)


def test_3_banked_queues_do_not_stand_still():
    answered = {}
    memory = Memory("dramsim3-ddr4-3200", "dramsim3", callback=lambda tag, tick: answered.setdefault(tag, tick))
    organisation = memory.part.organisation
    next_row = memory.size_bytes // organisation.rows
    next_bank = organisation.row_bytes * organisation.bank_groups
    line = 10 * next_row
    # A read that waits behind its full bank queue, a write to its line, and writes that keep the write buffer full.
    offers = [(row * next_row, False) for row in range(9)] + [(line, False), (line, True)]
    offers += [(next_bank + row * next_row, True) for row in range(100)]
    taken = 0
    for tick in range(1, 20_000):
        if taken < len(offers):
            address, write = offers[taken]
            taken += memory.send(address, write=write, tick=tick, tag=taken)
    memory.tick_until(20_000)
    assert taken == len(offers)
    assert sorted(answered) == list(range(len(offers)))


@pytest.mark.parametrize("controller", ["dramsim3", "banked"])
def test_4_banked_queues_refuse_lpddr5_and_per_bank_refresh(controller):
    with pytest.raises(SpecError, match="split activation"):
        Memory("lpddr5-6400", controller)
    with pytest.raises(SpecError, match="per_bank needs pooled"):
        load_controller(controller, {"refresh": "per_bank"})


def test_5_mean_latency_counts_reads_still_on_the_way():
    memory = Memory("ddr4-3200", "ramulator2", channels=1)
    memory.core.keep_completions()
    result = memory.run_pattern("stream", 5_000)
    departed = np.count_nonzero(memory.core.take_completions()["tick"] <= result.ticks)
    counted = memory.core.counts(0)[0]["latencies"]
    assert departed < counted == result.commands["RD"] < departed + 32


def test_6_idle_memory_pays_standby_and_refresh():
    low_power = re.compile("SRE|SREF|SRX|PDE|PDX|PDN|DSM|MPSM")
    names = {command.name for name in standard_names() for command in load_standard(name).commands}
    assert [name for name in names if low_power.match(name)] == []
    memory = Memory("ddr4-3200", channels=1)
    idle = 10_000_000
    block = (np.array([0, 64], np.int64), np.zeros(2, np.int8), np.array([0, idle], np.int64))
    result = memory.run_blocks([block])
    assert result.refreshes == idle // 12_480
    assert result.energy_pj["background"] >= idle * 0.625 * event_energy(memory.part).precharge_standby_mw


def test_7_ddr5_has_no_same_bank_refresh_and_nothing_has_rfm():
    assert {command.name for command in load_standard("ddr5").commands if "REF" in command.name} == {"REFab"}
    names = {command.name for name in standard_names() for command in load_standard(name).commands}
    assert [name for name in names if "RFM" in name] == []
    with pytest.raises(SpecError, match="no per-bank refresh"):
        Memory("ddr5-4800", "frfcfs-per-bank")


def test_8_refreshes_are_not_postponed():
    memory, result, lines = logged_run("dramsim3-ddr4-3200", "frfcfs", "random", 50_000)
    interval = int(memory.part.timing["tREFI"])
    ticks = {rank: [int(row[0]) for row in lines.commands("REFab") if row[4] == rank] for rank in ("0", "1")}
    for rank_ticks in ticks.values():
        late = np.array(rank_ticks) - interval * np.arange(1, len(rank_ticks) + 1)
        assert len(late) == result.ticks // interval > 10
        assert late.min() > 0
        assert late.max() < 150  # a row cycle of each of two ranks
    assert all(first < second for first, second in zip(ticks["0"], ticks["1"], strict=True))


def test_9_lpddr4_has_the_rules_of_ddr4():
    ddr4, lpddr4 = load_standard("ddr4"), load_standard("lpddr4")
    assert (lpddr4.levels, lpddr4.commands, lpddr4.rules) == (ddr4.levels, ddr4.commands, ddr4.rules)
    currents = [load_part(name).energy.idd_ma for name in ("dramsim3-lpddr4-2400", "dramsim3-ddr4-2400-x16")]
    assert currents[0] == currents[1]


def test_10_starting_the_data_clock_costs_one_clock():
    answered = []
    memory = Memory("lpddr5-6400", callback=lambda _tag, tick: answered.append(tick))
    timing = memory.part.timing
    memory.send(0, tick=2)
    memory.tick_until(100)
    stride = memory.line_bytes * memory.part.organisation.bank_groups  # to the next access of a row
    memory.send(stride, tick=100)  # after the data clock has stopped
    memory.send(2 * stride, tick=101)  # while it runs
    memory.tick_until(200)
    access = timing["tCL"] + timing["tBL"]
    assert answered[0] - 2 == unloaded_read_latency_ticks(memory.part) == 1 + timing["tRCDRD"] + 1 + access
    assert answered[1] - 100 == 1 + 1 + access
    assert answered[2] - answered[1] == timing["tCCDL"]


def test_11_aim_has_no_activation_window():
    assert [row.name for row in load_standard("gddr6_aim").rules if row.window > 1] == []
    assert "tFAW" in load_standard("gddr6").timing_names()
    assert "tFAW" not in load_part("gddr6-aim").timing


def test_12_an_all_bank_activation_of_hbm_pim_counts_as_one():
    (window,) = [row for row in load_standard("hbm2_pim").rules if row.window > 1]
    assert {"ACT", "ACT_AB"} == set(window.before) == set(window.after)
    assert window.window == 4


def test_13_per_bank_refresh_keeps_its_distances():
    part = load_part("hbm2-2000", {"timing_ck.tRRDL": 6})
    timing = part.timing
    units, groups, banks = 2, 8, 32  # pseudo channels, bank groups, banks of a channel
    assert delay(part, "REFpb", "REFpb", units) == timing["tRREFD"]
    assert delay(part, "ACT", "REFpb", groups) == timing["tRRDL"] + 1  # ACT takes two clocks of its bus
    assert delay(part, "REFab", "REFpb", units) == timing["tRFC"]
    assert delay(part, "REFpb", "REFab", units) == timing["tRFCpb"]
    assert delay(part, "RDA", "REFpb", banks) == timing["tRTP"] + timing["tRP"]
    assert delay(part, "WRA", "REFpb", banks) == timing["tCWL"] + timing["tBL"] + timing["tWR"] + timing["tRP"]


def test_14_energy_is_dramsim3s_times_the_clock_period():
    # DRAMsim3, DDR4_8Gb_x8_3200, stream of 200,000: sim/validate/references/dram_peers.csv. tCK is 0.63 ns.
    result = Memory("dramsim3-ddr4-3200", "dramsim3").run_pattern("stream", REQUESTS)
    assert result.energy_pj["total"] == pytest.approx(2_211_794_755.2 * 0.63, rel=1e-6)


def test_15_a_wide_activation_costs_an_activation_a_bank():
    part = load_part("gddr6-aim")
    costs = {name: energy_of(part, {name: 1}, 0, 0)["activate"] for name in ("ACT", "ACT4", "ACT16")}
    assert costs["ACT4"] == pytest.approx(4 * costs["ACT"])
    assert costs["ACT16"] == pytest.approx(16 * costs["ACT"])


def test_16_per_bank_refresh_of_hbm_pim_comes_twice_as_often():
    memory, result, lines = logged_run("hbm-pim", "frfcfs-per-bank", "random", 5_000)
    one_bank = [row for row in lines.commands("REFpb") if (row[5], row[6]) == ("0", "0")]
    assert len(one_bank) == pytest.approx(2 * result.cycles / memory.part.timing["tREFI"], rel=0.1)
    assert len(one_bank) > 5


def test_17_pim_gpt_is_less_ahead_of_a_roofline_than_of_a_measured_processor():
    ahead = decode({"system": "pim-gpt", "model": "gpt2-xl", "context": "512", "beside": "t4"})
    assert 4 < ahead["speed_over_bound"] < 41
    ahead = decode({"system": "pim-gpt", "model": "gpt2-xl", "context": "512", "beside": "xeon-6154"})
    assert 10 < ahead["speed_over_bound"] < 631


def test_18_a_new_value_is_written_to_one_row_a_piece():
    from bitline.arch.pim.newton import KvShape, NewtonAttention
    from bitline.sim.schedule.bank_attention import APPEND, BankTasks, ChannelUnits, Tasks
    from bitline.sim.schedule.region import BankAttention

    shape = KvShape(1, 8, 128, 128)
    adder = BankTasks(
        NewtonAttention(load_part("neupims-hbm2")), BankAttention(shape, ((40,),)), row_address=lambda *_place: 0,
        write_shape=lambda size: size, number=lambda _program: 0, vector_units=(0,), softmax_cycles=lambda *_shape: 1,
        add_cycles=lambda _elements: 1, first_operator=0, first_row=0,
    )  # fmt: skip
    tasks = Tasks()
    adder.add(tasks, ChannelUnits(0, 1, 2), (40,))
    written = [size for size, kind in zip(tasks.program, tasks.operator) if kind == APPEND]
    # 1024 elements of a key and of a value: two rows of 512 each, where the value's lie in 8 x 128 / 32 = 32 rows.
    assert written == [1024] * 4


def test_19_the_careful_part_takes_longer_for_a_tile():
    from bitline.sim.validate.newton import newton_pace

    words = {"controller": "neupims", "heads": "4", "comps": "8"}
    plain, careful = (
        newton_pace({**words, "part": part})["tile_ck"] for part in ("neupims-hbm2", "neupims-hbm2-careful")
    )
    assert plain == 197
    assert careful > plain
