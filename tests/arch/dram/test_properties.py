"""What holds for any requests: nothing lost, nothing invented, the same again, and time that scales with the clock."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitline.arch.dram.controller import CONTROLLERS
from bitline.arch.dram.memory import Memory
from bitline.arch.dram.part import PARTS, load_part

OF_PIM_PARTS = ("newton", "neupims")
PARTS_AND_CONTROLLERS = st.sampled_from(
    [("ddr4-3200", name) for name in CONTROLLERS.names() if name not in ("frfcfs-per-bank", *OF_PIM_PARTS)]
    + [("newton-hbm2", "newton"), ("neupims-hbm2-careful", "neupims")]
    + [(part, "frfcfs-per-bank") for part in ("gddr6-14", "hbm2-2000", "hbm3-6400", "lpddr5-6400")]
    + [("dramsim3-lpddr4-2400", "dramsim3"), ("ddr5-4800", "frfcfs"), ("hbm3-6400", "banked"), ("gddr6-aim", "frfcfs")]
)


@st.composite
def request_streams(draw):
    """Requests as (line, write, pause before it): few lines and many, bunched and far apart."""
    n_lines = draw(st.sampled_from([1, 4, 300, 1 << 18]))
    request = st.tuples(st.integers(0, n_lines - 1), st.booleans(), st.sampled_from([0, 0, 0, 0, 7, 400, 30_000]))
    return draw(st.lists(request, min_size=1, max_size=120))


def as_block(memory, stream, stride=1):
    lines, writes, pauses = zip(*stream)
    addresses = np.array(lines) * stride * memory.line_bytes % memory.size_bytes
    return addresses, np.array(writes, np.int8), np.cumsum(pauses)


@given(PARTS_AND_CONTROLLERS, request_streams(), st.sampled_from([1, 33]))
def test_every_request_is_answered_once_and_every_byte_is_accounted_for(pair, stream, stride):
    done = []
    memory = Memory(*pair, callback=lambda tag, tick: done.append((tag, tick)))
    result = memory.run_blocks([as_block(memory, stream, stride)])
    memory.drain()
    assert sorted(tag for tag, _tick in done) == list(range(len(stream)))
    writes = sum(write for _line, write, _pause in stream)
    assert (result.reads, result.writes, result.requests) == (len(stream) - writes, writes, len(stream))
    counts = [memory.core.counts(channel)[0] for channel in range(memory.channels)]
    commands = memory.result(memory.now, len(stream)).commands
    issued = sum(commands[name] for name in ("RD", "RDA", "WR", "WRA"))
    shared = sum(count["forwarded"] + count["merged"] for count in counts)
    assert issued + shared == len(stream)
    starts = sum(count["row_hits"] + count["row_misses"] + count["row_conflicts"] for count in counts)
    assert starts == issued
    burst = round(memory.part.timing["tBL"] * memory.part.rules_of.ticks_per_clock)
    assert sum(count["data_ticks"] for count in counts) == issued * burst


@given(PARTS_AND_CONTROLLERS, request_streams())
def test_answers_come_after_their_requests(pair, stream):
    memory = Memory(*pair)
    done = []
    memory.callback = lambda tag, tick: done.append((tick, tag))
    memory.core.keep_completions()
    _addresses, _writes, not_before = as_block(memory, stream)
    memory.run_blocks([as_block(memory, stream)])
    memory.drain()
    assert done == sorted(done)
    assert all(tick > not_before[tag] for tick, tag in done)


@given(PARTS_AND_CONTROLLERS, request_streams())
def test_the_same_requests_give_the_same_result_and_log(pair, stream):
    runs = []
    for _ in range(2):
        memory = Memory(*pair)
        memory.core.log_commands()
        result = memory.run_blocks([as_block(memory, stream)])
        logs = [memory.core.take_log(channel).tobytes() for channel in range(memory.channels)]
        runs.append((result, logs, memory.core.latency_buckets().tobytes()))
    assert runs[0] == runs[1]


@given(PARTS_AND_CONTROLLERS, request_streams(), st.integers(1, 119))
def test_how_a_stream_is_cut_into_blocks_does_not_matter(pair, stream, cut):
    whole, parts = Memory(*pair), Memory(*pair)
    block = as_block(whole, stream)
    pieces = [[column[:cut] for column in block], [column[cut:] for column in block]]
    assert whole.run_blocks([block]) == parts.run_blocks(pieces)


@given(PARTS_AND_CONTROLLERS, request_streams())
def test_reset_forgets_everything(pair, stream):
    memory = Memory(*pair)
    first = memory.run_blocks([as_block(memory, stream)])
    memory.core.reset()
    assert memory.run_blocks([as_block(memory, stream)]) == first


@given(st.sampled_from(PARTS.names()), request_streams())
def test_a_clock_of_twice_the_period_takes_twice_the_time(name, stream):
    part = load_part(name)
    slow = load_part(name, {"tck_ps": part.tck_ps * 2})
    fast_run, slow_run = (Memory(which).run_blocks([as_block(Memory(which), stream)]) for which in (part, slow))
    assert slow_run.cycles == fast_run.cycles
    assert slow_run.commands == fast_run.commands
    assert slow_run.time_ns == pytest.approx(2 * fast_run.time_ns, rel=1e-12)
    assert slow_run.energy_pj["background"] == pytest.approx(2 * fast_run.energy_pj["background"], rel=1e-9)


@given(request_streams(), st.integers(1, 3), st.sampled_from(["frfcfs", "dramsim3", "ramulator2"]))
def test_renaming_channels_changes_nothing_but_their_names(stream, other, controller):
    """Channels are alike: the same requests with channel c called c ^ other take the same time."""
    logs, results = [], []
    for renamed in (0, other):
        memory = Memory("hbm2-2000", controller, channels=4)
        addresses, writes, ticks = as_block(memory, stream)
        low_bit = min(bit for (bit,) in memory.mapping.sources["h"])
        memory.core.log_commands()
        results.append(memory.run_blocks([(addresses ^ (renamed << low_bit) * memory.line_bytes, writes, ticks)]))
        logs.append([memory.core.take_log(channel ^ renamed).tobytes() for channel in range(4)])
    assert results[0] == results[1]
    assert logs[0] == logs[1]


@given(PARTS_AND_CONTROLLERS, request_streams())
def test_energy_terms_are_not_negative_and_sum_to_the_total(pair, stream):
    energy = Memory(*pair).run_blocks([as_block(Memory(*pair), stream)]).energy_pj
    total = energy.pop("total")
    assert set(energy) == {"activate", "read", "write", "refresh", "background", "compute"}
    assert min(energy.values()) >= 0
    assert total == sum(energy.values())


@given(PARTS_AND_CONTROLLERS, request_streams())
def test_standby_time_is_elapsed_time_of_every_rank(pair, stream):
    memory = Memory(*pair)
    result = memory.run_blocks([as_block(memory, stream)])
    organisation = memory.part.organisation
    ranks = organisation.pseudo_channels * organisation.ranks
    for channel in range(memory.channels):
        counts, _ = memory.core.counts(channel)
        assert counts["open_standby"] + counts["closed_standby"] == result.ticks * ranks
        assert min(counts.values()) >= 0


def test_latency_percentile_and_mean_agree_with_the_answers():
    done = {}
    memory = Memory("ddr4-3200", callback=lambda tag, tick: done.__setitem__(tag, tick))
    random = np.random.default_rng(0)
    arrivals = np.arange(2_000) * 40
    addresses = random.integers(0, memory.size_bytes // 64, 2_000) * 64
    result = memory.run_blocks([(addresses, np.zeros(2_000), arrivals)])
    memory.drain()
    latencies = np.array([done[tag] - arrivals[tag] for tag in range(2_000)])
    assert result.read_latency_mean_ck == pytest.approx(latencies.mean())
    assert result.read_latency_p99_ck == np.sort(latencies)[int(np.ceil(0.99 * 2_000)) - 1]
