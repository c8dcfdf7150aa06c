"""The four log formats, plain and compressed; and what is said about a file that is none of them."""

import gzip
import random
from pathlib import Path

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from bitline.base.errors import TraceError
from bitline.sim.check import ADDRESS, COMMANDS, CommandLog, read_commands

LOGS = Path(__file__).parents[2] / "reference" / "dram" / "commands"
HEADER = "cycle,command,channel,pseudo_channel,rank,bank_group,bank,row,column\n"
GOOD = HEADER + "0,ACT,0,,1,2,3,77,\n22,RD,0,,1,2,3,77,5\n90,REFab,0,,1,,,,\n"


@pytest.fixture
def write(tmp_path):
    def write(data, name="log.csv"):
        path = tmp_path / name
        path.write_bytes(data.encode() if isinstance(data, str) else data)
        return path

    return write


def row(log, index):
    return COMMANDS[log.rows["command"][index]], tuple(int(log.rows[name][index]) for name in ("cycle", *ADDRESS))


def test_our_csv(write):
    log = read_commands(write(GOOD))
    assert (log.format, len(log)) == ("bitline", 3)
    assert row(log, 0) == ("ACT", (0, 0, -1, 1, 2, 3, 77, -1))
    assert row(log, 1) == ("RD", (22, 0, -1, 1, 2, 3, 77, 5))
    assert row(log, 2) == ("REFab", (90, 0, -1, 1, -1, -1, -1, -1))
    assert log.rows["line"].tolist() == [2, 3, 4]


def test_a_log_without_commands_is_a_log(write):
    assert len(read_commands(write(HEADER))) == 0


@pytest.mark.parametrize(
    ("name", "form", "count", "first"),
    [
        ("dramsim3_DDR4_8Gb_x8_3200_mix400.trace", "dramsim3", 1122, ("ACT", (3, 0, -1, 1, 1, 2, 0x221A, 0x61))),
        ("dramsim3_HBM2_8Gb_x128_random3200_ch0.trace", "dramsim3", 1226, ("ACT", (2, 0, -1, 0, 2, 3, 0x1DBE, 0x10))),
        ("ramulator21_DDR4_3200AA_8Gbx8_mix380.csv", "ramulator", 983, ("ACT", (1, 0, -1, 0, 2, 1, 15229, 16))),
        ("ramulator21_DDR5_4800AN_16Gbx8_stream900.csv", "ramulator", 882, ("ACT", (1, 0, -1, 0, 0, 0, 0, 0))),
        ("ramulator21_HBM3_6400_16Gb8hi_random330.csv", "ramulator", 835, ("ACT", (1, 0, 1, 0, 0, 3, 14074, 0))),
        ("neupims_dual_1gw_2tiles_4heads_40reads.trace", "neupims", 159, ("ACT", (2, 0, -1, 0, 0, 0, 0, 0))),
    ],
)
def test_logs_of_the_peers(name, form, count, first):
    log = read_commands(LOGS / name)
    assert (log.format, len(log)) == (form, count)
    assert row(log, 0) == first


def test_the_number_of_comps_of_neupims_is_kept():
    log = read_commands(LOGS / "neupims_dual_1gw_2tiles_4heads_40reads.trace")
    composites = log.rows["command"] == COMMANDS.index("COMPS_READRES")
    assert set(log.rows["column"][composites]) == {8}
    assert set(log.rows["rank"][composites]) == {-1}


def test_dramsim3_writes_refreshes_without_an_address(write):
    text = "5 activate 3 1 0 0 0x1 0x2\n90 refresh -1 1 -1 -1 -0x1 -0x1\n"
    log = read_commands(write(text))
    assert row(log, 1) == ("REFab", (90, 3, -1, 1, -1, -1, -1, -1))
    assert read_commands(write("90 refresh -1 1 -1 -1 -0x1 -0x1\n")).rows["channel"].tolist() == [0]
    two = "5 activate 3 1 0 0 0x1 0x2\n6 activate 4 1 0 0 0x1 0x2\n90 refresh -1 1 -1 -1 -0x1 -0x1\n"
    with pytest.raises(TraceError, match=r":3: .*without its channel"):
        read_commands(write(two))


def test_ramulator_writes_all_banks_as_minus_one(write):
    text = "clock,command,Channel,Rank,BankGroup,Bank,Row,Column,type,source\n1,REFab,0,0,-1,-1,-1,-1,5,-1\n"
    assert row(read_commands(write(text)), 0) == ("REFab", (1, 0, -1, 0, -1, -1, -1, -1))


@pytest.mark.parametrize("compress", [gzip.compress, zstandard.ZstdCompressor().compress], ids=["gzip", "zstandard"])
def test_compressed_logs(write, compress):
    assert len(read_commands(write(compress(GOOD.encode()), "log.any"))) == 3
    two_frames = compress(GOOD[:60].encode()) + compress(GOOD[60:].encode())
    assert len(read_commands(write(two_frames))) == 3
    whole = compress((GOOD + "".join(f"{n},PRE,0,,0,0,0,,\n" for n in range(100, 5000))).encode())
    for size in (len(whole) // 2, len(whole) - 1, 10):
        with pytest.raises(TraceError):
            read_commands(write(whole[:size]))


def test_line_ends_of_other_systems(write):
    assert len(read_commands(write(GOOD.replace("\n", "\r\n")))) == 3


def test_comments_where_the_format_has_them(write):
    text = "# one\n\n5 activate 0 0 0 0 0x1 0x2\n# two\n40 precharge 0 0 0 0 0x1 0x2\n"
    assert read_commands(write(text)).rows["line"].tolist() == [3, 5]
    with pytest.raises(TraceError, match=r":3: '# two' is no command"):
        read_commands(write(HEADER + "0,ACT,0,,0,0,0,1,\n# two\n"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "holds no commands"),
        ("# only a comment\n", "holds no commands"),
        ("hello\n", r":1: is no command log; expected the header 'cycle,command,"),
        ("\x00\x01\x02\n", r":1: is no command log"),
        ("cycle,command,channel\n0,ACT,0\n", r":1: is no command log"),
        (GOOD + "95,RD,0,,0,0,0,7\n", r":5: '95,RD,0,,0,0,0,7' is no command; expected cycle,command,channel"),
        (GOOD + "95,RD,0,,0,0,0,7,1,1\n", r":5: .* is no command"),
        (GOOD + "95,RD,0,,0,0,-2,7,1\n", r":5: .* is no command"),
        (GOOD + "-5,RD,0,,0,0,2,7,1\n", r":5: .* is no command"),
        (GOOD + "1e3,RD,0,,0,0,2,7,1\n", r":5: .* is no command"),
        (GOOD + "95,RD,0,,0,0,2,7777777777,1\n", r":5: .* is no command"),
        (GOOD + "9999999999999999999999,RD,0,,0,0,2,7,1\n", r":5: .* is no command"),
        (GOOD + "95,READ,0,,0,0,2,7,1\n", r":5: unknown command 'READ'; "),
        (GOOD + "89,RD,0,,0,0,2,7,1\n", r":5: cycle 89 comes after cycle 90; expected cycles that do not decrease"),
        (GOOD + "95,RD,0,,0,0,2,7,1", r":5: the last line is cut off"),
        (GOOD[:-8], r":4: the last line is cut off"),
        (GOOD + "\n", r":5: '' is no command"),
        ("clock,command,Channel\n", r":1: is no header of a Ramulator 2.1 log"),
        ("clock,command,Channel,Rank,Sid,BankGroup,Bank,Row,Column\n", r":1: is no header"),
        ("clock,order,Channel,Rank,BankGroup,Bank,Row,Column\n", r":1: is no header"),
        ("clock,command,Channel,BankGroup,Bank,Row,Column,type,source\n1,ACT,0,0,-2,0,0,0,-1\n", r":2: .* no command"),
        ("5 activate 0 0 0 0 0x1 0x2\n7 fly 0 0 0 0 0x1 0x2\n", r":2: unknown command 'fly'"),
        ("5 activate 0 0 0 0 0x1 0x2\n7 read 0 0 0 0 1 2\n", r":2: .* is no command; expected cycle command channel"),
        ("CMD 2 ACTIVATE ra0 bg0 ba0 row0 nc0\nCMD 3 READ ra0 bg0\n", r":2: .* is no command; expected CMD cycle"),
    ],
)
def test_bad_input_is_named_with_its_line(write, text, message):
    with pytest.raises(TraceError, match=message) as caught:
        read_commands(write(text))
    assert "log.csv" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_files_that_cannot_be_read(tmp_path, write):
    for path in (tmp_path / "missing.csv", tmp_path):
        with pytest.raises(TraceError, match="cannot be read"):
            read_commands(path)
    with pytest.raises(TraceError):
        read_commands(write(b"\x1f\x8b junk"))
    with pytest.raises(TraceError, match="cannot be decompressed"):
        read_commands(write(b"\x28\xb5\x2f\xfd junk junk junk"))
    with pytest.raises(TraceError, match="too long"):
        read_commands(write(b"1" * 100_000))


def test_a_log_longer_than_a_chunk(write):
    lines = [f"{number},ACT,0,,0,{number % 4},3,{number % 65536}," for number in range(200_000)]
    path = write(HEADER + "\n".join(lines) + "\n")
    log = read_commands(path)
    assert log.rows["cycle"].tolist() == list(range(200_000))
    assert log.rows["line"][-1] == 200_001
    lines[150_000] = "150000,ACT,x,,0,0,3,1,"
    with pytest.raises(TraceError, match=r":150002: "):
        read_commands(write(HEADER + "\n".join(lines) + "\n"))


@given(st.binary(max_size=400))
def test_junk_never_gets_through(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("junk") / "log"
    path.write_bytes(data)
    with pytest.raises(TraceError):
        read_commands(path)


@pytest.mark.parametrize("name", sorted(path.name for path in LOGS.iterdir() if path.suffix != ".md"))
def test_damaged_logs_are_read_or_refused(name, write):
    whole = (LOGS / name).read_bytes()
    dice = random.Random(name)
    for _ in range(150):
        data = bytearray(whole[:4000])
        for _ in range(dice.randint(1, 3)):
            at = dice.randrange(len(data))
            damage = dice.choice(["flip", "cut", "double", "insert"])
            if damage == "flip":
                data[at] ^= 1 << dice.randrange(8)
            elif damage == "cut":
                del data[at:]
                data = data or bytearray(b"x")
            elif damage == "double":
                data[at:at] = data[at : at + 40]
            else:
                data[at:at] = dice.choice([b"-1", b"\xff", b"1e9", b",,", b"\n", b"99999999999999999999"])
        try:
            said = read_commands(write(bytes(data))).format
        except TraceError as error:
            said = str(error)
        assert 0 < len(said) <= 300


def test_logs_from_memory():
    log = CommandLog.from_columns([0, 5], ["ACT", "PRE"], channel=0, bank=[1, 2])
    assert row(log, 1) == ("PRE", (5, 0, -1, -1, -1, 2, -1, -1))
    with pytest.raises(TraceError, match="cycle 4 comes after cycle 5"):
        CommandLog.from_columns([5, 4], ["ACT", "PRE"])
    with pytest.raises(TraceError, match="negative"):
        CommandLog.from_columns([-1, 4], ["ACT", "PRE"])
    with pytest.raises(TraceError, match="unknown command 'ACTT'; expected did you mean 'ACT"):
        CommandLog.from_columns([0], ["ACTT"])
    with pytest.raises(TraceError, match="bankgroup: unknown column"):
        CommandLog.from_columns([0], ["ACT"], bankgroup=0)
