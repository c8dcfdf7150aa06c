"""A program is a loop nest: it does what the loops say, and equal loops have one identity."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitline.base.errors import CapacityError, SpecError
from bitline.csrc.engine import ASKED, READ, REQUEST_BODY, Loop, NullDevice, Program, Requester, Simulator

ROWS = 4


def body(offsets=(0, 5, 9, 2)):
    rows = np.zeros(len(offsets), REQUEST_BODY)
    rows["kind"], rows["bytes"], rows["offset"] = READ, 32, offsets
    return rows


def items(depth=3):
    row = st.integers(0, ROWS - 1)
    if depth == 0:
        return st.lists(row, max_size=3)
    loop = st.builds(Loop, st.integers(0, 4), items(depth - 1), stride=st.integers(0, 9), marked=st.booleans())
    return st.lists(st.one_of(row, loop), max_size=3)


def expanded(nest, rows, base=0):
    for item in nest:
        if isinstance(item, Loop):
            for trip in range(item.trips):
                yield from expanded(item.items, rows, base + trip * item.stride)
        else:
            yield int(base + rows["offset"][item]), item


def asked(program):
    simulator = Simulator()
    requester = simulator.add(Requester("requester", 1000, program, logging=True), device=0)
    null = simulator.add(NullDevice("null", 1000), device=1)
    simulator.connect(requester, null)
    simulator.connect(null, requester)
    simulator.run()
    rows = requester.log_rows()
    return rows["place"][rows["code"] == ASKED].tolist()


@given(items(), st.integers(0, 100))
def test_a_program_runs_as_its_loops_say(nest, base):
    program = Program(body(), nest, base=base)
    done = list(expanded(nest, program.body, base))
    assert asked(program) == [address for address, _ in done]
    assert program.executions.tolist() == [sum(item == row for _, item in done) for row in range(ROWS)]
    assert all(base + program.low <= address <= base + program.high for address, _ in done)


def test_a_million_trips_are_counted_not_listed():
    inner = Loop(10**6, [0, 1])
    program = Program(body(), [Loop(10**6, [inner, 2])])
    assert program.executions.tolist() == [10**12, 10**12, 10**6, 0]


@pytest.mark.parametrize("trips", [-1, 2**62])
def test_trips_have_to_be_in_range(trips):
    with pytest.raises(CapacityError, match="iterations"):
        Loop(trips, [0])


def test_more_commands_than_can_be_counted_are_refused():
    with pytest.raises(CapacityError, match=r"2\^62 times"):
        Program(body(), [Loop(2**31, [Loop(2**31, [0])])])


def test_a_nest_deeper_than_a_core_can_hold_is_refused():
    nest = [0]
    for _ in range(16):
        nest = [Loop(2, nest)]
    Program(body(), nest)
    with pytest.raises(SpecError, match="16 nested loops"):
        Program(body(), [Loop(2, nest)])


@pytest.mark.parametrize("row", [-1, 4, 10**9])
def test_a_row_that_the_body_does_not_have_is_refused(row):
    with pytest.raises(SpecError, match=f"row {row} of a body of 4"):
        Program(body(), [Loop(2, [row])])
