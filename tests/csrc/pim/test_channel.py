"""What a PIM channel does, command by command.

Timings of GDDR6-AiM: Lee et al., ISSCC 2022, 11.1, and the timing set "AiM" of arkhadem/aim_simulator.
"""

import itertools

import pytest

from bitline.arch.dram.part import load_part
from bitline.arch.pim.aim import MAC, OPEN, READ, READ_RESULT, WRITE, WRITE_BUFFER
from bitline.arch.pim.device import rows_of_body
from bitline.arch.pim.hbm_pim import ODD, READ_ALL, REGISTER_ROW, WRITE_ALL
from bitline.base.errors import SpecError
from bitline.csrc.engine.program import Loop, Program
from bitline.csrc.pim.channel import PimChannel

TICK_PS = 500


def program(*rows, items=None):
    return Program(rows_of_body(rows), list(range(len(rows))) if items is None else items)


def mac_row(row=0, count=64):
    return (row, MAC, 0, 0, count, -1, 0)


def gaps(ticks):
    return [b - a for a, b in itertools.pairwise(ticks)]


# --- the spacing of commands ---


def test_a_full_row_pass_takes_the_time_of_its_timings(aim, run):
    passes = program(mac_row(), items=[Loop(5, [0], stride=1)])
    found = run(aim, [passes], [(0, 0, 0)], refresh=False)
    opened, multiplied, closed = found.at("ACT16"), found.at("MAC16"), found.at("PREab")
    assert found.issued == {"ACT16": 5, "MAC16": 320, "PREab": 4}
    assert multiplied[0] - opened[0] == 56
    assert gaps(multiplied[:64]) == [2] * 63
    assert closed[0] - multiplied[63] == 12
    assert opened[1] - closed[0] == 32
    # 56 + 63 x 2 + 12 + 32
    assert gaps(opened) == [226] * 4


def test_a_short_row_pass_waits_for_the_row_cycle(aim, run):
    passes = program(mac_row(count=1), items=[Loop(3, [0], stride=1)])
    found = run(aim, [passes], [(0, 0, 0)], refresh=False)
    # ACT16 56 MAC16 12 PREab 32 ACT16: longer than tRC 89
    assert gaps(found.at("ACT16")) == [100, 100]


def test_a_row_that_is_open_is_not_opened_again(aim, run):
    found = run(aim, [program(mac_row(count=8))], [(0, 0, 7), (0, 0, 7), (0, 0, 8)], refresh=False)
    assert found.issued == {"ACT16": 2, "MAC16": 24, "PREab": 1}
    assert [row for _tick, name, _bank, row, _column in found.log if name == "ACT16"] == [7, 8]


def test_reading_results_and_writing_the_buffer_turn_the_pins_around(aim, run):
    turn = program(
        (0, WRITE_BUFFER, 0, 0, 2, -1, 0), (0, READ_RESULT, 0, 0, 1, -1, 0), (0, WRITE_BUFFER, 0, 0, 1, -1, 0)
    )
    found = run(aim, [turn], [(0, 0, 0)], refresh=False)
    assert [name for _tick, name, *_ in found.log] == ["WRGB", "WRGB", "RDMAC16", "WRGB"]
    ticks = [row[0] for row in found.log]
    # tBL; tCWLGB 1 + tBL 2 + tWTRL 11; tCLREG 0 + tBL 2 + 3 - tCWLGB 1 + tWPRE 1
    assert gaps(ticks) == [2, 14, 5]


def test_a_result_is_read_beside_the_next_multiplication(aim, run):
    found = run(aim, [program(mac_row(count=2), (0, READ_RESULT, 0, 0, 1, -1, 0), mac_row(count=2))], [(0, 0, 0)])
    names = [name for _tick, name, *_ in found.log]
    assert names == ["ACT16", "MAC16", "MAC16", "RDMAC16", "MAC16", "MAC16"]
    assert gaps([row[0] for row in found.log]) == [56, 2, 2, 2, 2]


def test_one_bank_is_opened_alone(aim, run):
    found = run(aim, [program((3, READ, 5, 1, 2, -1, 0), (3, WRITE, 6, 0, 1, -1, 0))], [(0, 0, 0)])
    assert [row[1:] for row in found.log] == [
        ("ACT", 5, 3, 0), ("RD", 5, 3, 1), ("RD", 5, 3, 2), ("ACT", 6, 3, 0), ("WR", 6, 3, 0)
    ]  # fmt: skip


def test_all_banks_are_closed_before_all_are_opened(aim, run):
    """One bank on the right row is not enough for a command that needs them all."""
    found = run(aim, [program((3, READ, 5, 0, 1, -1, 0), mac_row(3, 1))], [(0, 0, 0)])
    assert [name for _tick, name, *_ in found.log] == ["ACT", "RD", "PREab", "ACT16", "MAC16"]


def test_the_answer_comes_when_the_last_data_is_done(aim, run):
    found = run(aim, [program((0, READ, 0, 0, 1, -1, 0))], [(0, 0, 0)])
    ((time, task, start, opened),) = found.answers
    read = found.at("RD")[0]
    assert (task, opened) == (0, 1)
    # tCL 50 + tBL 2, and one edge of the host for the way
    assert time == (read + 52) * TICK_PS + 1
    assert start == found.at("ACT")[0] * TICK_PS


def test_a_program_waits_for_the_data_of_the_one_before_or_its_own_time(aim, run):
    found = run(aim, [program(mac_row(count=1))], [(0, 0, 0), (0, 0, 1), (10_000_000, 0, 2)], refresh=False)
    assert [task for _time, task, *_ in found.answers] == [0, 1, 2]
    starts = [start for *_, start, _opened in found.answers]
    assert starts[2] == 10_000_000 + TICK_PS
    assert found.ticks["busy"] * TICK_PS == sum(time - 1 - start for time, _task, start, _ in found.answers)


def test_opened_rows_count_every_bank(aim, run):
    found = run(aim, [program(mac_row(0), (0, OPEN, 0, 0, 1, -1, 0), mac_row(1))], [(0, 0, 0)])
    assert [opened for *_, opened in found.answers] == [32]


# --- pauses ---


def test_a_barrier_waits_for_the_data_before_it(aim, run):
    for pause, waits in ((0, 52), (7, 59)):
        fenced = program((0, READ, 0, 0, 1, -1, 0), (0, READ, 0, 1, 1, pause, 0))
        found = run(aim, [fenced], [(0, 0, 0)])
        assert gaps(found.at("RD")) == [waits]


def test_no_barrier_leaves_the_pace_to_the_timings(aim, run):
    found = run(aim, [program((0, READ, 0, 0, 2, -1, 0))], [(0, 0, 0)])
    assert gaps(found.at("RD")) == [2]


# --- refresh ---


def test_a_refresh_goes_before_the_next_row_is_opened(aim, run):
    passes = program(mac_row(), items=[Loop(60, [0], stride=1)])
    found = run(aim, [passes], [(0, 0, 0)])
    for tick, name, *_ in found.log:
        if name == "REFab":
            before = max(t for t in found.at("ACT16") if t < tick)
            after = min(t for t in found.at("ACT16") if t > tick)
            multiplied = [t for t in found.at("MAC16") if before < t < after]
            # The row that was open when it fell due is finished: 64 commands, none after the refresh.
            assert len(multiplied) == 64
            assert max(multiplied) < tick
            assert after - tick == 210


@pytest.mark.parametrize("tREFI", [3333, 997, 1501])
def test_refreshes_come_every_trefi_on_average(run, tREFI):
    from bitline.arch.pim.device import pim_device

    device = pim_device(load_part("gddr6-aim", {"timing_ck.tREFI": tREFI}), "gddr6-aim")
    passes = program(mac_row(), items=[Loop(300, [0], stride=1)])
    found = run(device, [passes], [(0, 0, 0)])
    ticks = found.at("REFab")
    assert len(ticks) == found.log[-1][0] // tREFI
    for number, tick in enumerate(ticks, 1):
        # At most one whole row late, and the precharge before it.
        assert 0 <= tick - number * tREFI <= 226 + 12 + 32


def test_idle_refreshes_come_at_their_times(aim, run):
    found = run(aim, [program(mac_row(count=1))], [(20_000 * TICK_PS, 0, 0)], until=40_000 * TICK_PS)
    due = [3333 * i for i in range(1, 13)]
    closed = {tick for tick, name, *_ in found.log if name == "PREab"}
    for tick, wanted in zip(found.at("REFab"), due, strict=True):
        assert tick == wanted or (tick == wanted + 32 and wanted in closed)
    # The row that the program left open is closed by the refresh after it, and only by that.
    assert closed == {3333 * 7}


def test_no_refresh_where_none_is_asked_for(aim, run):
    found = run(aim, [program(mac_row(count=1))], [(0, 0, 0)], refresh=False, until=10**9)
    assert set(found.issued) == {"ACT16", "MAC16"}


def test_standby_adds_up_to_the_time(aim, run):
    until = 50_000 * TICK_PS
    found = run(aim, [program(mac_row())], [(9_999_000, 0, 3)], until=until)
    assert found.ticks["open_standby"] + found.ticks["closed_standby"] == 50_000
    opened, closed = found.at("ACT16"), [t for t in found.at("PREab") if t > found.at("ACT16")[0]]
    assert found.ticks["open_standby"] == closed[0] - opened[0]


# --- rows with a meaning of their own ---


def test_fixed_rows_stay_where_they_are(hbm_pim, run):
    one = program(
        (REGISTER_ROW, WRITE_ALL, ODD, 8, 1, -1, 1), (2, READ_ALL, 0, 0, 1, -1, 0), items=[Loop(3, [0, 1], stride=5)]
    )
    for fast_forward in (False, True):
        found = run(hbm_pim, [one], [(0, 0, 100)], fast_forward=fast_forward)
        assert [row for _t, name, _b, row, _c in found.log if name == "WR_AB"] == [REGISTER_ROW] * 3
        assert [row for _t, name, _b, row, _c in found.log if name == "RD_AB"] == [102, 107, 112]


def test_a_register_row_stays_open_beside_data_rows(hbm_pim, run):
    one = program(
        (REGISTER_ROW, WRITE_ALL, ODD, 8, 1, -1, 1), (0, READ_ALL, 0, 0, 1, -1, 0), items=[Loop(4, [0, 1], stride=1)]
    )
    found = run(hbm_pim, [one], [(0, 0, 0)])
    assert [row for _t, name, bank, row, _c in found.log if name == "ACT_AB" and bank == ODD] == [REGISTER_ROW]


# --- multiplicity and reset ---


def test_multiplicity_changes_nothing_of_one_channel(aim, run):
    passes = program(mac_row(), items=[Loop(20, [0], stride=1)])
    one = run(aim, [passes], [(0, 0, 0)])
    assert run(aim, [passes], [(0, 0, 0)], multiplicity=5).seen == one.seen


def test_what_cannot_be_a_channel_or_a_program_is_refused(aim):
    channel = PimChannel("channel", aim.table, aim.accesses)
    with pytest.raises(SpecError, match="PIM_BODY"):
        channel.add_program(Program(aim.accesses, [0]))
