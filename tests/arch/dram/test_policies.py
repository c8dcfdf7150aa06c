"""What each controller promises: order, row policy, write drains, refresh, queue depth."""

import numpy as np
import pytest

from bitline.arch.dram.controller import CONTROLLERS, load_controller
from bitline.arch.dram.memory import Memory
from bitline.base.errors import SpecError


def served(commands):
    return [(place["bank"], place["row"]) for _tick, name, place in commands if name in ("RD", "RDA")]


def test_fr_fcfs_serves_row_hits_before_older_conflicts(memory_of, trace_commands):
    requests = [{"row": 1}, {"row": 2}, {"row": 1, "column": 1}]
    assert served(trace_commands(memory_of("ddr4-3200"), requests)) == [(0, 1), (0, 1), (0, 2)]


def test_fcfs_serves_by_age(memory_of, trace_commands):
    requests = [{"row": 1}, {"row": 2}, {"row": 1, "column": 1}]
    assert served(trace_commands(memory_of("ddr4-3200", "fcfs"), requests)) == [(0, 1), (0, 2), (0, 1)]


@pytest.mark.parametrize("cap", [1, 4])
def test_the_cap_on_hits_lets_others_in(memory_of, trace_commands, cap):
    settings = {"pooled.hit_cap": cap}
    requests = [{"row": 1}, {"row": 2}, *({"row": 1, "column": i} for i in range(1, 12))]
    order = [row for _bank, row in served(trace_commands(memory_of("ddr4-3200", settings=settings), requests))]
    assert order[: cap + 1] == [1] * cap + [2]


def test_the_cap_of_banked_queues_counts_from_the_activation(trace_commands, memory_of):
    requests = [{"row": 1}, {"row": 2}, *({"row": 1, "column": i} for i in range(1, 7))]
    order = [row for _bank, row in served(trace_commands(memory_of("ddr4-3200", "dramsim3"), requests))]
    assert order.index(2) >= 4


def test_open_rows_stay_open(memory_of, trace_commands, ticks_of):
    commands = trace_commands(memory_of("ddr4-3200"), [{"row": 1}, {"row": 1, "column": 5, "tick": 5_000}])
    assert [name for _tick, name, _place in commands] == ["ACT", "RD", "RD"]


def test_closed_rows_close_with_the_last_access_that_hits(memory_of, trace_commands):
    requests = [{"row": 1}, {"row": 1, "column": 1}, {"row": 1, "column": 2}]
    names = [name for _tick, name, _place in trace_commands(memory_of("ddr4-3200", "frfcfs-closed"), requests)]
    assert names == ["ACT", "RD", "RD", "RDA"]


@pytest.mark.parametrize("part", ["ddr4-3200", "ddr5-4800", "hbm3-6400", "lpddr5-6400", "gddr6-14"])
def test_closed_rows_are_never_precharged_by_a_conflict_later(part, memory_of, run_with_log):
    memory = memory_of(part, "frfcfs-closed", channels=1)
    lines = np.random.default_rng(0).integers(0, memory.size_bytes // memory.line_bytes, 50)
    result, _logs = run_with_log(memory, lines * memory.line_bytes, ticks=np.arange(50) * 400)
    assert result.commands["RDA"] == result.activates == 50
    assert (result.commands["PRE"], result.row_misses) == (0, 50)


def test_a_row_that_nobody_uses_is_closed_after_the_timeout(memory_of, trace_commands, ticks_of):
    memory = memory_of("ddr4-3200", "frfcfs-timeout", settings={"pooled.timeout_ns": 200})
    requests = [{"row": 1}, {"row": 1, "column": 1, "tick": 150}, {"bank": 1, "tick": 3_000}]
    commands = trace_commands(memory, requests)
    last_use = ticks_of(commands, "RD")[1]
    (closed,) = ticks_of(commands, "PRE")
    assert closed == last_use + 320  # 200 ns of 625 ps


def test_writes_wait_while_reads_are_served(memory_of, trace_commands):
    requests = [{"bank": 0}, {"bank": 1, "write": 1}, {"bank": 2}, {"bank": 3}]
    names = [name for _tick, name, _place in trace_commands(memory_of("ddr4-3200"), requests) if name in ("RD", "WR")]
    assert names == ["RD", "RD", "RD", "WR"]


def test_a_drain_runs_from_the_high_to_the_low_watermark(trace_commands):
    settings = {"refresh": "none", "pooled.writes": 20, "pooled.write_high": 0.5, "pooled.write_low": 0.2}
    memory = Memory("ddr4-3200", load_controller("frfcfs", settings))
    # Eleven writes are more than half of twenty; reads keep coming all the while.
    requests = []
    for i in range(60):
        requests.append({"bank_group": i % 4, "bank": i // 4 % 2, "column": i % 128, "tick": 8 * i})
        if i < 11:
            requests.append({"bank_group": i % 4, "bank": 2, "column": i, "write": 1, "tick": 8 * i})
    names = [name for _tick, name, _place in trace_commands(memory, requests) if name in ("RD", "WR")]
    first = names.index("WR")
    assert first > 0
    drained = next(i for i, name in enumerate(names[first:]) if name == "RD")
    assert drained == 11 - 3  # down to less than a fifth of twenty: three are left
    assert names.count("WR") == 11


def test_a_deeper_pool_is_not_slower_on_random_reads(memory_of):
    ticks = [
        memory_of("ddr4-3200", settings={"pooled.reads": places}).run_pattern("random", 4_000).ticks
        for places in (1, 2, 4, 16)
    ]
    assert ticks == sorted(ticks, reverse=True)


@pytest.mark.parametrize("places", [1, 4096])
def test_pools_work_at_both_ends_of_their_range(memory_of, places):
    settings = {"pooled.reads": places, "pooled.writes": places}
    result = memory_of("ddr4-3200", settings=settings).run_pattern("mix", 9_000)
    assert result.reads + result.writes == 9_000


def test_a_deep_write_buffer_still_finds_every_line(memory_of):
    """Thousands of buffered writes whose lines look alike in their low bits: a read of each is answered from there."""
    settings = {"pooled.writes": 4096, "pooled.reads": 4096, "pooled.write_high": 1, "pooled.write_low": 0.99}
    memory = memory_of("ddr4-3200", settings=settings)
    count = 1_024
    memory.send(64 * 3)  # a read, so that writes wait
    for i in range(count):
        assert memory.send((i + 1) << 16, write=True, tick=0)
    for i in range(count):
        assert memory.send((i + 1) << 16, tick=0)
    assert memory.core.counts(0)[0]["forwarded"] == count


@pytest.mark.parametrize("requests", [400, 3_000])
def test_reads_of_one_line_share_a_command_however_many_they_are(memory_of, requests):
    done = []
    memory = memory_of("ddr4-3200", "banked")
    memory.callback = lambda tag, _tick: done.append(tag)
    memory.core.keep_completions()
    lines = np.where(np.arange(requests) % 5 == 0, np.arange(requests) * 977, 7) * 64
    result = memory.run_blocks([(lines, np.zeros(requests), np.zeros(requests))])
    memory.drain()
    assert sorted(done) == list(range(requests))
    assert result.commands["RD"] < requests


def test_per_bank_refresh_needs_a_standard_that_has_it():
    with pytest.raises(SpecError, match="ddr4 has no per-bank refresh; expected all_bank or none"):
        Memory("ddr4-3200", "frfcfs-per-bank")


def test_banked_queues_cannot_split_an_activation():
    with pytest.raises(SpecError, match="banked queues cannot drive the split activation of lpddr5"):
        Memory("lpddr5-6400", "dramsim3")


@pytest.mark.parametrize("name", CONTROLLERS.names())
def test_every_controller_of_the_library_loads(name):
    controller = load_controller(name)
    assert [controller.pooled, controller.banked, controller.newton].count(None) == 2
    assert controller.source


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"pooled.hit_caps": 3}, "pooled.hit_caps: unknown field; expected did you mean 'hit_cap'?"),
        ({"pooled.reads": 0}, "pooled.reads"),
        ({"pooled.reads": 5000}, "pooled.reads"),
        ({"pooled.page": "ajar"}, "pooled.page"),
        ({"pooled.write_low": 0.9}, "write_low has to be below write_high"),
        ({"refresh": "sometimes"}, "refresh"),
        ({"banked.commands": 8}, "give exactly one of pooled, banked and newton"),
    ],
)
def test_a_controller_that_makes_no_sense_is_refused(settings, says):
    with pytest.raises(SpecError) as caught:
        load_controller("frfcfs", settings)
    assert says in str(caught.value)


def test_a_drain_to_the_last_write_ends_and_reads_go_on(memory_of):
    memory = memory_of("ddr4-3200", settings={"pooled.write_low": 0, "pooled.writes": 4})
    requests = [(1, 1), (2, 1), (3, 1), (4, 1), (5, 0), (6, 0)]
    lines, writes = (np.array(column) for column in zip(*requests))
    result = memory.run_blocks([(lines << 20, writes, np.zeros(6))])
    assert (result.commands["WR"], result.commands["RD"]) == (4, 2)
