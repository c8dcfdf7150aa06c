"""Any policy that the settings allow, on any organisation: all requests are answered, and the log is legal."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from bitline.arch.dram.controller import load_controller
from bitline.arch.dram.memory import Memory
from bitline.arch.dram.part import load_part

SIZES = st.sampled_from([1, 2, 3, 7, 32])
POOLED = st.fixed_dictionaries(
    {
        "pooled.reads": SIZES,
        "pooled.writes": SIZES,
        "pooled.write_high": st.sampled_from([0.3, 0.8, 1.0]),
        "pooled.write_low": st.sampled_from([0.0, 0.2]),
        "pooled.order": st.sampled_from(["ready", "row_hit", "arrival"]),
        "pooled.keep_hits": st.sampled_from(["none", "older", "all"]),
        "pooled.hit_cap": st.sampled_from([0, 1, 2, 5]),
        "pooled.page": st.sampled_from(["open", "closed", "timeout"]),
        "pooled.timeout_ns": st.sampled_from([0.5, 40.0, 5000.0]),
        "refresh": st.sampled_from(["all_bank", "per_bank", "none"]),
        "merge": st.sampled_from(["access", "address"]),
        "arrival": st.sampled_from(["before_tick", "after_tick"]),
    }
)
BANKED = st.fixed_dictionaries(
    {
        "banked.transactions": SIZES,
        "banked.commands": SIZES,
        "banked.hit_cap": st.sampled_from([1, 4, 1000]),
        "banked.drain_above": st.sampled_from([0, 1, 8, 4096]),
        "banked.page": st.sampled_from(["open", "closed"]),
        "refresh": st.sampled_from(["all_bank", "none"]),
        "merge": st.sampled_from(["access", "address"]),
    }
)
PARTS = st.sampled_from(
    ["ddr4-3200", "dramsim3-ddr4-3200", "ddr5-4800", "gddr6-14", "hbm2e-3200", "hbm3-6400", "lpddr5-6400"]
)
STREAMS = st.lists(
    st.tuples(
        st.sampled_from([0, 1, 2, 3, 40, 41, 5000]),
        st.integers(0, 3),
        st.booleans(),
        st.sampled_from([0, 0, 0, 50, 4000]),
    ),
    min_size=1,
    max_size=80,
)


def run(part, controller, stream, assert_legal):
    done = []
    memory = Memory(part, controller, callback=lambda tag, _tick: done.append(tag))
    lines, columns, writes, pauses = (np.array(column) for column in zip(*stream))
    addresses = ((lines << 9) + columns) * memory.line_bytes % memory.size_bytes
    memory.core.log_commands()
    memory.run_blocks([(addresses, writes, np.cumsum(pauses))])
    memory.drain()
    assert sorted(done) == list(range(len(stream)))
    assert_legal(part, memory)


@given(PARTS, POOLED, STREAMS)
def test_pooled_queues(assert_legal, part, settings, stream):
    if settings["refresh"] == "per_bank" and "tREFIpb" not in load_part(part).timing:
        settings = {**settings, "refresh": "all_bank"}
    run(part, load_controller("frfcfs", settings), stream, assert_legal)


@given(PARTS, BANKED, STREAMS)
def test_banked_queues(assert_legal, part, settings, stream):
    if part == "lpddr5-6400":
        part = "ddr4-2400-x16"
    run(part, load_controller("banked", settings), stream, assert_legal)
