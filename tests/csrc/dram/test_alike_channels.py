"""Channels that are simulated once while they do the same, against the same channels each simulated for itself."""

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
from bitline.csrc.dram.memory_channel import COMPS, GWRITE, HEADER, PIM_QUEUE_BODY, READS, WRITES, MemoryChannel
from bitline.csrc.engine import Loop, Program, PythonComponent, Simulator

CHANNELS = 4
BLOCK = CHANNELS * 64
"""Bytes that hold a line of every channel."""
SHARED, OWN, BANKS = range(3)
"""Ports of a channel: what all get, what one gets, programs for the banks."""
PARTS = [("neupims-hbm2", "neupims"), ("newton-hbm2", "newton")]


class Sender(PythonComponent):
    """Sends work in order, `window` pieces under way, as a core does: to all channels at once, or to one."""

    def __init__(self):
        super().__init__("sender", 1000, inputs=3 * CHANNELS, outputs=3 * CHANNELS)
        self.work, self.window = [], 1
        self.start()

    def start(self):
        self.next, self.pending, self.received = 0, {}, []

    def reset(self):
        super().reset()
        self.start()

    def advance(self):
        for port in range(3 * CHANNELS):
            while (message := self.receive(port)) is not None:
                self.received.append((self.cycle, port, tuple(message)))
                self.pending[message.a] -= 1
                if not self.pending[message.a]:
                    del self.pending[message.a]
        while self.next < len(self.work) and len(self.pending) < self.window:
            ports, program, base = self.work[self.next]
            for port in ports:
                self.send(port, 1, self.next, program, base)
            self.pending[self.next] = len(ports)
            self.next += 1


class Memory:
    """Channels of banks that compute behind one sender."""

    def __init__(self, part, controller, *, once, mapping="rorabgbacoch", granule=None):
        table = build_table(load_part(part))
        organisation = table.part.organisation
        interleave = interleave_of(parse_mapping(mapping, organisation, CHANNELS), organisation, CHANNELS)
        policy = resolve_policy(load_controller(controller), table)
        self.channels = [
            MemoryChannel(
                f"channel {i}",
                table,
                policy,
                decode=interleave.mapping.decode_tables(),
                n_lines=interleave.n_lines,
                granule=interleave.granule_lines if granule is None else granule,
                channels=CHANNELS,
                channel=i,
                ports=2,
                pim=True,
                outstanding=24,
                logging=True,
            )
            for i in range(CHANNELS)
        ]
        self.sender, self.simulator = Sender(), Simulator()
        self.simulator.add(self.sender, rank=0, device=0)
        for i, channel in enumerate(self.channels):
            self.simulator.add(channel, rank=1, device=i)
            for _port in range(3):
                self.simulator.connect(self.sender, channel, capacity=64, width=64)
                self.simulator.connect(channel, self.sender, capacity=256, width=256)
        body = np.zeros(3, PIM_QUEUE_BODY)
        body[:] = [(900, GWRITE, 0, 0, 0), (0, HEADER, 0, 16, 2), (0, COMPS, 0, 8, 1)]
        self.programs = [Program(body, [0, Loop(trips, [1, 2, 2], stride=1)]) for trips in (1, 3, 7)]
        for channel in self.channels:
            for program in self.programs:
                channel.add_program(program)
            if once:
                channel.once_while_alike(self.channels)

    def load(self, work, window):
        """Rows of `streams`, so many of them at once."""
        self.sender.window = window
        self.sender.work = [
            (
                [3 * i + port for i in (range(CHANNELS) if port == SHARED else [channel])],
                self._program(port, kind, blocks),
                # One in eight begins in the middle of a block: channels own different parts of it.
                offset % 512 if port == BANKS else offset * BLOCK + (128 if offset % 8 == 7 else 0),
            )
            for port, channel, kind, blocks, offset in work
        ]

    def _program(self, port, kind, blocks):
        if port == BANKS:
            return blocks % len(self.programs)
        rows = 1 + blocks % 3
        return {channel.add_shape(kind, rows, blocks * BLOCK, 64 * BLOCK) for channel in self.channels}.pop()

    def outcome(self, steps=()):
        """Everything that can be told. `steps`: times at which all channels are brought up to the present."""
        seen = []
        for until in steps:
            self.simulator.run(until=until)
            for channel in self.channels:
                channel.catch_up(until)
            seen.append([channel.counts() for channel in self.channels])
        self.simulator.run()
        # Where the last wake-up was is no result: some wake up for nothing.
        end = 1000 * self.sender.cycle
        barriers = [channel.barrier(end) for channel in self.channels]
        counts = [(channel.counts(), channel.lines_asked(), channel.lines_asked(1)) for channel in self.channels]
        logs = [channel.log_rows().tolist() for channel in self.channels]
        return barriers, counts, sorted(self.sender.received), seen, logs


streams = st.lists(
    st.tuples(
        st.sampled_from([SHARED, SHARED, SHARED, OWN, BANKS]),
        st.integers(0, CHANNELS - 1),
        st.sampled_from([READS, READS, WRITES]),
        st.integers(1, 40),
        st.integers(0, 4000),
    ),
    min_size=1,
    max_size=24,
)


def both(which, work, *, window=4, steps=(), **options):
    """The outcome with channels each for itself, and with alike ones at once; and the wake-ups of each."""
    found = []
    for once in (False, True):
        memory = Memory(*which, once=once, **options)
        memory.load(work, window)
        found.append((memory.outcome(steps), memory.simulator.events))
    return found


LONG = [(SHARED, 0, READS, 30, 64 * i) for i in range(100)]
OWN_WORK = [(BANKS, 1, READS, 5, 7), (OWN, 2, WRITES, 9, 3), (BANKS, 2, READS, 8, 70)]


@settings(max_examples=60, deadline=None)
@given(which=st.sampled_from(PARTS), work=streams, window=st.integers(1, 12))
def test_alike_channels_at_once_or_each_for_itself_give_the_same(which, work, window):
    (apart, _), (once, _) = both(which, work, window=window)
    assert once == apart


@settings(max_examples=30, deadline=None)
@given(which=st.sampled_from(PARTS), first=streams, then=streams, window=st.integers(2, 12))
def test_channels_that_part_again_give_the_same(which, first, then, window):
    (apart, _), (once, _) = both(which, first + LONG[:40] + then, window=window)
    assert once == apart


@settings(max_examples=20, deadline=None)
@given(which=st.sampled_from(PARTS), work=streams, step=st.integers(50_000, 1_000_000))
def test_who_looks_in_between_sees_the_same(which, work, step):
    (apart, _), (once, _) = both(which, LONG[:9] + work, steps=range(step, 12 * step, step))
    assert once == apart


@pytest.mark.parametrize("which", PARTS)
def test_channels_that_get_the_same_are_simulated_once(which):
    (apart, many), (once, few) = both(which, LONG)
    assert once == apart
    assert few < 0.6 * many


@pytest.mark.parametrize("which", PARTS)
def test_channels_come_together_again_after_work_of_their_own(which):
    (apart, many), (once, few) = both(which, OWN_WORK + LONG)
    assert once == apart
    assert few < 0.9 * many


def test_a_second_run_begins_with_channels_apart():
    memory = Memory(*PARTS[0], once=True)
    memory.load(OWN_WORK + LONG, 4)
    first = memory.outcome()
    memory.simulator.reset()
    assert memory.outcome() == first


def test_banks_hashed_by_rows_alone_lie_alike():
    (apart, many), (once, few) = both(PARTS[0], LONG, mapping="MOP4CLXOR")
    assert once == apart
    assert few < many


def test_hashed_channels_are_each_for_themselves():
    """Alike lines of theirs need not lie alike."""
    (apart, many), (once, few) = both(PARTS[0], LONG, granule=0)
    assert once == apart
    assert few == many


def test_channels_of_two_parts_are_refused():
    one, other = (Memory(*which, once=False) for which in PARTS)
    with pytest.raises(SpecError, match="another part"):
        one.channels[0].once_while_alike([*one.channels, *other.channels])
