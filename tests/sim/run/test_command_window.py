import gzip

import pytest

from bitline.base.errors import TraceError
from bitline.sim.run import command_window
from bitline.sim.run.command_window import FIRST_COMMANDS, HEADER, is_command_log, read_window


@pytest.fixture
def log(tmp_path):
    def write(*lines, name="commands.csv", header=HEADER):
        path = tmp_path / name
        path.write_text("".join(f"{line}\n" for line in (header, *lines)))
        return path

    return write


def test_rows_are_read_with_empty_cells_as_none(log):
    (row, other) = read_window(log("3,ACT,0,0,0,1,2,77,", "9,PREab,0,0,0,,,,"))
    assert row == {
        **{"cycle": 3, "command": "ACT", "channel": 0, "pseudo_channel": 0, "rank": 0},
        **{"bank_group": 1, "bank": 2, "row": 77, "column": None},
    }
    assert other["bank"] is None


def test_a_window_is_half_open(log):
    path = log(*(f"{cycle},RD,0,0,0,0,0,,1" for cycle in range(10)))
    assert [row["cycle"] for row in read_window(path, (3, 7))] == [3, 4, 5, 6]


def test_the_channel_is_that_of_the_first_command_unless_named(log):
    path = log("1,RD,1,0,0,0,0,,1", "2,RD,0,0,0,0,0,,1", "3,RD,1,0,0,0,0,,2")
    assert [row["cycle"] for row in read_window(path)] == [1, 3]
    assert [row["cycle"] for row in read_window(path, channel=0)] == [2]
    assert [row["cycle"] for row in read_window(path, (2, 9))] == [2]


def test_without_a_window_only_the_first_commands_are_read(log):
    lines = [f"{cycle},RD,0,0,0,0,0,,1" for cycle in range(FIRST_COMMANDS)]
    assert len(read_window(log(*lines, "junk that is never reached"))) == FIRST_COMMANDS


def test_nothing_after_the_window_is_read(log):
    assert len(read_window(log("1,RD,0,0,0,0,0,,1", "9,RD,0,0,0,0,0,,1", "junk"), (0, 5))) == 1


def test_a_window_that_no_figure_can_show_is_refused(log, monkeypatch):
    monkeypatch.setattr(command_window, "MOST_COMMANDS", 5)
    path = log(*(f"{cycle},RD,0,0,0,0,0,,1" for cycle in range(9)))
    with pytest.raises(TraceError, match=r"over 5 commands.*a narrower --window"):
        read_window(path, (0, 9))
    assert len(read_window(path, (0, 5))) == 5


def test_gzip_is_recognised_by_content(log, tmp_path):
    packed = tmp_path / "commands"
    packed.write_bytes(gzip.compress(log("1,RD,0,0,0,0,0,,1").read_bytes()))
    assert is_command_log(packed)
    assert read_window(packed)[0]["cycle"] == 1


def test_a_cut_gzip_is_an_error(log, tmp_path):
    packed = tmp_path / "commands"
    packed.write_bytes(gzip.compress(log(*["1,RD,0,0,0,0,0,,1"] * 100).read_bytes())[:-12])
    with pytest.raises(TraceError, match="cut off"):
        read_window(packed, (0, 10))


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("1,RD,0,0", "has 4 cells"),
        ("-1,RD,0,0,0,0,0,,1", ":2: cycle: '-1' is not a whole number"),
        ("1,RD,,0,0,0,0,,1", "channel: '' is not a whole number"),
        ("1,RD,0,0,0,x,0,,1", "bank_group: 'x' is not a whole number"),
        ("1,,0,0,0,0,0,,1", "command: has no command"),
        ("9" * 30 + ",RD,0,0,0,0,0,,1", "is not a whole number"),
        ("1,RD,0,0,0,0,0,,1" + "0" * 5000, "cut off or too long"),
    ],
)
def test_a_bad_line_is_named(log, line, message):
    with pytest.raises(TraceError) as error:
        read_window(log(line))
    assert message in str(error.value)


def test_a_log_that_goes_back_in_time_is_refused(log):
    with pytest.raises(TraceError, match="cycle 3 comes after cycle 4"):
        read_window(log("4,RD,0,0,0,0,0,,1", "3,RD,0,0,0,0,0,,1"))


def test_a_line_cut_in_the_middle_is_refused(log):
    path = log("1,RD,0,0,0,0,0,,1")
    path.write_text(path.read_text() + "2,RD,0,0")
    with pytest.raises(TraceError, match=":3: is cut off"):
        read_window(path)


def test_an_empty_window_says_how_far_the_log_goes(log):
    with pytest.raises(TraceError, match=r"no commands in cycles 50 to 60.*up to cycle 1"):
        read_window(log("1,RD,0,0,0,0,0,,1"), (50, 60))


def test_another_file_is_no_command_log(log):
    assert not is_command_log(log(header="a,b"))
    with pytest.raises(TraceError, match="is no command log"):
        read_window(log(header="a,b"))
    with pytest.raises(TraceError, match="cannot be read"):
        is_command_log(log().parent / "absent.csv")
