"""The live interface: send, tick_until, callbacks, drain, as another simulator would use it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitline.arch.dram.bound import unloaded_read_latency_ticks
from bitline.arch.dram.controller import load_controller
from bitline.arch.dram.memory import Memory
from bitline.base.errors import CapacityError, SpecError, TraceError

CONTROLLERS = ["frfcfs", "frfcfs-closed", "frfcfs-timeout", "fcfs", "ramulator2", "dramsim3", "banked"]


def offer_one_by_one(memory, addresses, writes, ticks):
    """What run_blocks does, by hand: at most one request a tick, a refused one again in the next."""
    now = 0
    for address, write, tick in zip(addresses.tolist(), writes.tolist(), ticks.tolist()):
        now = max(now, tick)
        while not memory.send(address, write=bool(write), tick=now):
            now += 1
        now += 1


@given(
    st.sampled_from(CONTROLLERS),
    st.lists(st.tuples(st.integers(0, 400), st.booleans(), st.sampled_from([0, 0, 0, 0, 90])), min_size=1, max_size=60),
)
def test_sending_one_by_one_equals_run_blocks(controller, requests):
    lines, writes, pauses = (np.array(column) for column in zip(*requests))
    live_done, whole_done = [], []
    spec = load_controller(controller, {"end": "drained"})
    live = Memory("ddr4-3200", spec, callback=lambda tag, tick: live_done.append((tag, tick)))
    whole = Memory("ddr4-3200", spec, callback=lambda tag, tick: whole_done.append((tag, tick)))
    addresses, ticks = lines * 4096 * 9 // 64 * 64, np.cumsum(pauses)
    for memory in (live, whole):
        memory.core.log_commands()
    offer_one_by_one(live, addresses, writes, ticks)
    whole.run_blocks([(addresses, writes, ticks)])
    assert live.drain() == whole.drain()
    assert live.core.take_log(0).tobytes() == whole.core.take_log(0).tobytes()
    assert live_done == whole_done
    assert live.result(live.now, len(requests)) == whole.result(whole.now, len(requests))


def test_the_callback_comes_when_the_data_is_there_and_not_before():
    done = []
    memory = Memory("ddr4-3200", callback=lambda tag, tick: done.append((tag, tick)))
    assert memory.send(0, tick=0, tag=77)
    ready = unloaded_read_latency_ticks(memory.part)
    memory.tick_until(ready - 1)
    assert done == []
    memory.tick_until(ready)
    assert done == [(77, ready)]
    memory.tick_until(10 * ready)
    assert len(done) == 1


def test_tags_count_up_where_none_are_given():
    done = []
    memory = Memory("hbm2-2000", channels=4, callback=lambda tag, _tick: done.append(tag))
    for i in range(8):
        assert memory.send(64 * i)
    memory.drain()
    assert sorted(done) == list(range(8))


def test_callbacks_of_all_channels_come_in_order_of_time():
    ticks = []
    memory = Memory("hbm2-2000", channels=4, callback=lambda _tag, tick: ticks.append(tick))
    random = np.random.default_rng(2)
    for address in random.integers(0, memory.size_bytes // 32, 100) * 32:
        memory.send(int(address))
    memory.drain()
    assert len(ticks) == 100
    assert ticks == sorted(ticks)


def test_a_full_queue_refuses_and_takes_again_later():
    memory = Memory("ddr4-3200", "ramulator2")
    row = memory.line_bytes * 128 * 16
    taken = [memory.send(row * i) for i in range(40)]
    assert taken == [True] * 32 + [False] * 8
    memory.tick_until(200)
    assert memory.send(row * 33)


def test_a_refused_request_is_not_counted():
    memory = Memory("ddr4-3200", "ramulator2")
    row = memory.line_bytes * 128 * 16
    taken = sum(memory.send(row * i) for i in range(40))
    memory.drain()
    assert memory.result(memory.now, taken).reads == taken == 32


def test_reads_of_a_buffered_write_are_answered_from_the_buffer():
    done = {}
    memory = Memory("ddr4-3200", callback=lambda tag, tick: done.__setitem__(tag, tick))
    memory.send(0, tag=0)  # keeps the controller in read mode
    memory.send(4096, write=True, tag=1)
    memory.send(4096, tag=2)
    memory.tick_until(5)
    assert done == {2: 1}


def test_drain_goes_on_from_where_the_memory_is():
    memory = Memory("ddr4-3200")
    memory.send(0)
    memory.tick_until(5_000)
    assert memory.drain() == memory.now == 5_000
    memory.send(64, tick=6_000)
    assert memory.drain() == memory.now > 6_000


@pytest.mark.parametrize("controller", CONTROLLERS)
def test_a_drained_memory_can_be_used_again(controller):
    memory = Memory("ddr4-3200", controller)
    for _round in range(3):
        for i in range(20):
            assert memory.send(64 * i * 131, write=bool(i % 3))
            memory.tick_until(memory.now + 60)
        memory.drain()
        assert memory.core.waiting() == 0
    counts, _commands = memory.core.counts(0)
    assert counts["reads"] + counts["writes"] == 60
    assert counts["open_standby"] + counts["closed_standby"] == memory.now


def test_banked_writes_wait_for_company_again_after_a_drain():
    """Draining lets the last few writes go; those that come later wait for enough of them, as before."""
    memory = Memory("ddr4-3200", "dramsim3")
    memory.send(0, write=True)
    memory.drain()
    writes = memory.table.number("WR")
    assert memory.core.counts(0)[1][writes] == 1
    memory.send(4096, write=True)
    memory.tick_until(memory.now + 5_000)
    assert memory.core.counts(0)[1][writes] == 1


def test_energy_of_a_memory_that_idled_is_standby_to_the_present():
    memory = Memory("ddr4-3200")
    memory.send(0)
    memory.tick_until(10_000)
    memory.drain()
    counts, _ = memory.core.counts(0)
    assert counts["open_standby"] + counts["closed_standby"] == 10_000
    assert counts["open_standby"] == 10_000 - 1  # the row stays open from the activation in tick 1 on


@pytest.mark.parametrize("address", [-1, 8 << 30, 1 << 70, -(1 << 70)])
def test_an_address_outside_the_memory_is_refused(address):
    with pytest.raises(CapacityError, match="outside the memory; expected below 0x200000000"):
        Memory("ddr4-3200").send(address)


def test_time_never_goes_back():
    memory = Memory("ddr4-3200")
    memory.tick_until(100)
    with pytest.raises(TraceError, match="a request at tick 99 after tick 100"):
        memory.send(0, tick=99)
    with pytest.raises(TraceError, match="tick 50 after tick 100"):
        memory.tick_until(50)


@pytest.mark.parametrize(
    ("block", "says"),
    [
        (([0, 64], [0], [0, 0]), "differ in length"),
        (([0], [2], [0]), "neither read nor write"),
        (([0], [-1], [0]), "neither read nor write"),
        (([-64], [0], [0]), "outside the memory"),
        (([8 << 30], [0], [0]), "outside the memory"),
    ],
)
def test_a_block_that_makes_no_sense_is_refused(block, says):
    with pytest.raises(TraceError, match=says):
        Memory("ddr4-3200").run_blocks([tuple(np.array(column) for column in block)])


def test_an_unknown_pattern_is_refused():
    with pytest.raises(SpecError, match="unknown pattern 'steam'; expected did you mean 'stream'"):
        Memory("ddr4-3200").run_pattern("steam", 10)
    with pytest.raises(SpecError, match="unknown pattern 'block'"):
        Memory("ddr4-3200").run_pattern("block", 10)
    with pytest.raises(CapacityError, match="-1 requests"):
        Memory("ddr4-3200").run_pattern("stream", -1)


def test_no_requests_cost_nothing():
    result = Memory("ddr4-3200").run_blocks([])
    assert (result.requests, result.ticks, result.energy_pj["total"], result.bandwidth_gb_s) == (0, 0, 0, 0)


@pytest.mark.parametrize("channels", [0, 4097, -1])
def test_the_number_of_channels_has_bounds(channels):
    with pytest.raises(CapacityError, match="channels; expected 1 to 4096"):
        Memory("ddr4-3200", channels=channels)


@pytest.mark.parametrize(
    ("pattern", "requests", "expected"),
    [
        ("stream", 5, [(0, 0), (64, 0), (128, 0), (192, 0), (256, 0)]),
        ("copy", 4, [(0, 0), (1 << 30, 1), (64, 0), ((1 << 30) + 64, 1)]),
    ],
)
def test_patterns_are_those_of_the_reference_runs(pattern, requests, expected):
    block = (*tuple(np.array(column) for column in zip(*expected)), np.zeros(len(expected)))
    assert Memory("ddr4-3200").run_pattern(pattern, requests) == Memory("ddr4-3200").run_blocks([block])


@pytest.mark.parametrize("pattern", ["random", "mix"])
def test_random_patterns_are_the_linear_congruential_sequence_of_the_reference_runs(pattern):
    state, rows = 1, []
    for _ in range(500):
        state = (6364136223846793005 * state + 1442695040888963407) % 2**64
        rows.append((state >> 20 & 0xFFFFFFFF, int(pattern == "mix" and (state >> 60) % 3 == 0)))
    addresses, writes = (np.array(column) for column in zip(*rows))
    expected = Memory("ddr4-3200").run_blocks([(addresses, writes, np.zeros(500))])
    assert Memory("ddr4-3200").run_pattern(pattern, 500) == expected
