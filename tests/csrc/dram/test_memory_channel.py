"""A memory channel as a component: transfers through any controller, at the ticks at which a driver would have them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bitline.arch.dram.controller import load_controller, resolve_policy
from bitline.arch.dram.interleave import interleave_of
from bitline.arch.dram.mapping import parse_mapping
from bitline.arch.dram.part import load_part
from bitline.arch.dram.table import build_table
from bitline.base.errors import SpecError
from bitline.csrc.dram.memory import MemoryCore
from bitline.csrc.dram.memory_channel import READS, WRITES, MemoryChannel
from bitline.csrc.engine.simulator import Simulator
from bitline.csrc.tasks.dispatcher import TASK, Dispatcher

PARTS = [
    ("dramsim3-hbm2", "dramsim3", "rorabgbacoch"),
    ("ddr4-3200", "frfcfs", "RoBaRaCoCh"),
    ("lpddr5-6400", "frfcfs", "RoBaRaCoCh"),
    ("hbm3-6400", "frfcfs", "RoBaRaCoCh"),
    ("ddr5-4800", "frfcfs", "MOP4CLXOR"),
]


class Setup:
    """Some channels behind one dispatcher."""

    def __init__(self, part, controller, mapping, channels, use, ports=1, logging=True, outstanding=4096):
        self.part = load_part(part)
        self.table = build_table(self.part)
        self.policy = resolve_policy(load_controller(controller), self.table)
        organisation = self.part.organisation
        self.interleave = interleave_of(parse_mapping(mapping, organisation, channels), organisation, channels)
        self.simulator = Simulator()
        self.dispatcher = Dispatcher("dispatcher", 1000, ports * len(use))
        self.simulator.add(self.dispatcher, rank=0, device=0)
        self.channels = []
        for i, channel in enumerate(use):
            core = MemoryChannel(
                f"channel {channel}",
                self.table,
                self.policy,
                decode=self.interleave.mapping.decode_tables(),
                n_lines=self.interleave.n_lines,
                granule=self.interleave.granule_lines,
                channels=channels,
                channel=channel,
                ports=ports,
                outstanding=outstanding,
                logging=logging,
            )
            self.simulator.add(core, rank=1, device=i)
            for _port in range(ports):
                self.simulator.connect(self.dispatcher, core, capacity=16)
                self.simulator.connect(core, self.dispatcher, capacity=256, width=16)
            self.channels.append(core)

    def run(self, transfers, before=(), after=()):
        """(unit, kind, rows, row_bytes, pitch, base) each. Returns start and end of each, ps."""
        tasks = np.zeros(len(transfers), TASK)
        for i, (unit, kind, rows, row_bytes, pitch, base) in enumerate(transfers):
            shape = {channel.add_shape(kind, rows, row_bytes, pitch) for channel in self.channels}.pop()
            tasks[i] = (unit, shape, base, 0, 0)
        self.dispatcher.load(tasks, before, after)
        self.simulator.run()
        return self.dispatcher.times()


def rows_of(channel):
    return channel.log_rows().tolist()


@pytest.mark.parametrize(("part", "controller", "mapping"), PARTS)
def test_a_stream_has_the_commands_of_the_driver(part, controller, mapping):
    """One request offered a tick in order, as MemoryCore.offer_all does."""
    setup = Setup(part, controller, mapping, 2, [1])
    size = 1 << 17
    setup.run([(0, READS, 1, size, 0, 0)])
    line = setup.interleave.line_bytes
    core = MemoryCore(
        setup.table, setup.policy, 2, setup.interleave.mapping.decode_tables(), line, setup.interleave.n_lines
    )
    core.log_commands()
    # The message arrives one cycle of the channel after time 0.
    tick = first = int(setup.channels[0].log_rows()["tick"][0] >= 0)
    sent = 0
    for address in range(0, size, line):
        if setup.interleave.granule_lines:
            mine = address // line // setup.interleave.granule_lines % 2 == 1
        else:
            mine = _channel_of(setup, address // line) == 1
        while mine and not core.send(address, 0, tick, 0):
            tick += 1
        tick += mine
        sent += mine
    core.finish("answered")
    expected = core.take_log(1)
    got = setup.channels[0].log_rows()
    assert first == 1
    assert setup.channels[0].lines_asked() == (sent, 0)
    accesses = [name in ("RD", "RDA") for name in (c.name for c in setup.table.commands)]
    keep = min(len(expected), len(got))
    assert got[:keep].tolist() == expected[:keep].tolist()
    assert sum(accesses[row["code"]] for row in got) == sent


def _channel_of(setup, line):
    tables = setup.interleave.mapping.decode_tables()
    place = 0
    for byte in range(8):
        place ^= int(tables[byte, line >> 8 * byte & 255])
    return place >> 52


@settings(max_examples=25, deadline=None)
@given(
    which=st.sampled_from(PARTS),
    shapes=st.lists(
        st.tuples(
            st.sampled_from([READS, WRITES]),
            st.integers(1, 6),
            st.integers(1, 3000),
            st.integers(0, 5000),
            st.integers(0, 1 << 20),
        ),
        min_size=1,
        max_size=8,
    ),
)
def test_channels_together_move_every_line_of_every_row(which, shapes):
    setup = Setup(*which, 4, range(4), logging=False)
    line = setup.interleave.line_bytes
    transfers = [(c, *shape) for shape in shapes for c in range(4)]
    start, end = setup.run(transfers)
    expected = [0, 0]
    for kind, rows, row_bytes, pitch, base in shapes:
        for row in range(rows):
            first = base + row * pitch
            expected[kind] += (first + row_bytes - 1) // line - first // line + 1
    asked = np.array([channel.lines_asked() for channel in setup.channels]).sum(axis=0)
    assert asked.tolist() == expected
    assert (end > start).all()
    for channel in setup.channels:
        channel.barrier(setup.simulator.now)
        counts, issued = channel.counts()
        reads = sum(issued.get(name, 0) for name in ("RD", "RDA"))
        writes = sum(issued.get(name, 0) for name in ("WR", "WRA"))
        assert (counts["reads"], counts["writes"]) == channel.lines_asked()
        assert reads + writes + counts["merged"] + counts["forwarded"] == counts["reads"] + counts["writes"]


def test_when_a_channel_is_woken_does_not_matter():
    """Brought up to the present in small steps, it does what it does by itself."""
    calm = Setup("dramsim3-hbm2", "dramsim3", "rorabgbacoch", 1, [0], ports=2)
    calm.run([(0, READS, 1, 1 << 16, 0, 0)])
    busy = Setup("dramsim3-hbm2", "dramsim3", "rorabgbacoch", 1, [0], ports=2)
    tasks = np.zeros(1, TASK)
    tasks[0] = (0, busy.channels[0].add_shape(READS, 1, 1 << 16, 0), 0, 0, 0)
    busy.dispatcher.load(tasks, [], [])
    for until in range(0, 40_000_000, 37_000):
        busy.simulator.run(until=until)
        busy.channels[0].catch_up(until)
    busy.simulator.run()
    assert rows_of(busy.channels[0])[: len(rows_of(calm.channels[0]))] == rows_of(calm.channels[0])
    assert busy.dispatcher.times()[1].tolist() == calm.dispatcher.times()[1].tolist()


def test_a_channel_stands_for_those_that_do_the_same():
    both = Setup("dramsim3-hbm2", "dramsim3", "rorabgbacoch", 2, [0, 1])
    both.run([(unit, READS, 1, 1 << 15, 0, 0) for unit in (0, 1)])
    assert rows_of(both.channels[0]) == rows_of(both.channels[1])


@pytest.mark.parametrize(("part", "controller", "mapping"), PARTS)
def test_after_a_barrier_every_row_is_closed_and_every_bank_refreshed(part, controller, mapping):
    setup = Setup(part, controller, mapping, 1, [0])
    setup.run([(0, READS, 1, 1 << 14, 0, 0), (0, WRITES, 1, 1 << 13, 0, 1 << 20)])
    now = setup.simulator.now
    end = setup.channels[0].barrier(now)
    assert end > now
    names = [command.name for command in setup.table.commands]
    rows = [names[row["code"]] for row in setup.channels[0].log_rows()]
    assert rows[-1] == "REFab"
    opened = sum(name in ("ACT", "ACT2") for name in rows)
    closed_by_refresh = rows.count("PREab")
    assert rows.count("PRE") + closed_by_refresh > 0
    assert opened >= rows.count("PRE")


def test_wrong_shapes_and_ports_are_refused():
    setup = Setup("ddr4-3200", "frfcfs", "RoBaRaCoCh", 1, [0])
    with pytest.raises(SpecError, match="transfer of 0 rows"):
        setup.channels[0].add_shape(READS, 0, 64, 0)
    with pytest.raises(SpecError, match="no queue for compute"):
        MemoryChannel(
            "x",
            setup.table,
            setup.policy,
            decode=setup.interleave.mapping.decode_tables(),
            n_lines=1,
            granule=1,
            channels=1,
            channel=0,
            pim=True,
        )
