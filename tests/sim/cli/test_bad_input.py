"""Wrong input to `dram`, `check` and `validate`: status 2, one line naming file and field or line, no output left."""

import gzip
import os

import pytest
import zstandard

PART = """schema: 1
standard: ddr4
source: "a test"
tck_ps: 625
organisation:
  {channel_bits: 64, device_bits: 8, bank_groups: 4, banks: 4, rows: 65536, columns: 1024, burst_length: 8}
timing_ck:
  {tBL: 4, tCL: 22, tCWL: 16, tRCD: 22, tRP: 22, tRAS: 52, tRC: 74, tWR: 24, tRTP: 12, tCCDS: 4, tCCDL: 8, tRRDS: 4,
   tRRDL: 8, tWTRS: 4, tWTRL: 12, tFAW: 34, tRTRS: 2, tRFC: 576, tREFI: 12480}
energy:
  {source: "a test", vdd_v: 1.2, interface_pj_per_bit: 11,
   idd_ma: {IDD0: 57, IDD2N: 37, IDD3N: 52, IDD4R: 168, IDD4W: 150, IDD5AB: 250}}
"""
BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]\n" for before, name in zip("abcdefghi", "bcdefghij")
)
PARTS = {
    "unknown key": (
        ("banks: 4", "bancs: 4"),
        "p.yaml:6: organisation.bancs: unknown field (and 1 more wrong fields); expected did you mean 'banks'?",
    ),
    "unknown unit": (
        ("tck_ps: 625", "tck_ns: 0.625"),
        "p.yaml:4: tck_ns: unknown field; expected did you mean 'tck_ps'?",
    ),
    "a number with a unit": (("tck_ps: 625", "tck_ps: 625 ps"), "p.yaml:4: tck_ps: input should be a valid number"),
    "unknown timing": (("tRP: 22", "tPR: 22"), "p.yaml:8: timing_ck: unknown timing 'tPR'; did you mean"),
    "missing timing": (("tWR: 24, ", ""), "timing_ck misses tWR"),
    "duplicate key": (("source: ", "tck_ps: 625\nsource: "), "p.yaml:5: tck_ps: is given twice"),
    "python tag": (('"a test"', "!!python/object/apply:os.system [id]"), "p.yaml:3: tag 'tag:yaml.org,2002:python"),
    "second document": (("standard:", "---\nstandard:"), "p.yaml:2: holds a second document"),
    "NaN": (("tRP: 22", "tRP: .nan"), "p.yaml:8: timing_ck.tRP: .nan is not a finite number"),
    "infinity": (("tck_ps: 625", "tck_ps: .inf"), "p.yaml:4: tck_ps: .inf is not a finite number"),
    "negative": (
        ("tRP: 22", "tRP: -22"),
        "p.yaml:8: timing_ck.tRP: input should be greater than or equal to 0, got -22",
    ),
    "zero": (("tRP: 22", "tRP: 0"), "p.yaml:8: timing_ck: tRP is 0; it has to be positive"),
    "zero clock": (("tck_ps: 625", "tck_ps: 0"), "p.yaml:4: tck_ps:"),
    "a clock too short to count": (("tck_ps: 625", "tck_ps: 1.0e-300"), "p.yaml:4: tck_ps:"),
    "two clocks": (("tck_ps: 625", "tck_ps: 625\nclock_mhz: 1600"), "give either tck_ps or clock_mhz"),
    "a timing beyond counting": (("tRP: 22", "tRP: 1.0e+200"), "p.yaml:8: timing_ck.tRP:"),
    "contradicting timings": (("tRC: 74", "tRC: 20"), "the timings contradict each other"),
    "no time between refreshes": (("tREFI: 12480", "tREFI: 600"), "refresh leaves no time for accesses"),
    "text for a number": (("rows: 65536", "rows: many"), "p.yaml:6: organisation.rows:"),
    "not a power of two": (("rows: 65536", "rows: 65535"), "organisation.rows: 65535 is not a power of two"),
    "too many banks": (("banks: 4", "banks: 65536"), "banks a channel; at most 512 are simulated"),
    "too many accesses a row": (("columns: 1024", "columns: 16777216"), "accesses a row; at most 65536"),
    "an access of gigabytes": (("channel_bits: 64", "channel_bits: 16777216"), "1 B to 64 KiB can be simulated"),
    "unknown standard": (("standard: ddr4", "standard: dd4"), "unknown DRAM standard 'dd4'; did you mean 'ddr4'?"),
    "unknown command": (
        ("tck_ps: 625", "tck_ps: 625\ncommand_ck: {ACTT: 2}"),
        "p.yaml:5: command_ck: unknown command 'ACTT'; did you mean 'ACT'?",
    ),
    "a later schema": (("schema: 1", "schema: 2"), "p.yaml:1: schema:"),
    "a list": ((PART, "[1, 2]"), "p.yaml: holds no fields"),
    "nothing": ((PART, ""), "p.yaml: holds no fields"),
    "alias bomb": ((PART, BOMB), "p.yaml:1: anchors are not accepted"),
    "deep nesting": ((PART, "a: " + "[" * 5000 + "]" * 5000), "p.yaml:1"),
    "deep nesting of blocks": ((PART, "- " * 5000 + "x"), "p.yaml:1: is nested too deep"),
    "bytes": ((PART, "\x00\x01"), "p.yaml"),
    "unknown base": (
        ("schema: 1", "schema: 1\nbase: ddr4-3300"),
        "unknown DRAM part 'ddr4-3300'; expected did you mean",
    ),
}
TRACES = {
    "cut in a line": (b"LD 0x40\nLD 0x8", "t:2: ends in the middle of a line"),
    "junk": (b"LD 0x40\nhello world\n", "t:2: is not a request"),
    "junk address": (b"LD 0x40\nLD 0xwxyz\n", "t:2: holds something that is not a number"),
    "negative address": (b"LD -64\n", "t:1: holds a negative number"),
    "past the end": (
        b"LD 0x40\nLD 0x200000000\n",
        "t:2: names an address past the memory's end; expected addresses below",
    ),
    "cut in its gzip": (gzip.compress(b"LD 0x40\n" * 9999)[:-20], "t: is damaged or cut off"),
    "cut in its zstd": (zstandard.compress(b"LD 0x40\n" * 9999)[:-5], "t: is damaged or cut off"),
    "cut in its gzip header": (gzip.compress(b"LD 0x40\n")[:5], "t: is damaged or cut off"),
    "binary": (bytes(range(128, 256)) * 100, "t:1: "),
    "empty": (b"", "t: holds no request"),
    "a blank line of a gigabyte": (gzip.compress(b" " * (1 << 25)), "t: has no request in its first 64 KiB"),
}


@pytest.fixture
def part_file(tmp_path):
    def write(text):
        path = tmp_path / "p.yaml"
        path.write_text(text)
        return path

    return write


def test_the_part_that_the_cases_break_is_sound(bitline, part_file):
    ended = bitline("dram", "--spec", part_file(PART), "--pattern", "stream", "--requests", 10)
    assert (ended.status, ended.err) == (0, "")


@pytest.mark.parametrize("case", PARTS)
def test_a_broken_part_file(refused, part_file, tmp_path, case):
    (old, new), says = PARTS[case]
    assert old in PART
    path = part_file(PART.replace(old, new, 1))
    log = tmp_path / "commands.csv"
    said = refused("dram", "--spec", path, "--pattern", "stream", "--requests", 10, "--commands", log)
    assert says in said
    assert len(said) <= len("bitline: \n") + 300
    assert [entry.name for entry in tmp_path.iterdir()] == ["p.yaml"]


@pytest.mark.parametrize("case", TRACES)
def test_a_broken_trace(refused, tmp_path, case):
    content, says = TRACES[case]
    path = tmp_path / "t"
    path.write_bytes(content)
    log = tmp_path / "commands.csv"
    said = refused("dram", path, "--spec", "ddr4-3200", "--commands", log)
    assert says in said
    assert [entry.name for entry in tmp_path.iterdir()] == ["t"]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--spec", "ddr4-3020"), "unknown DRAM part 'ddr4-3020'; expected did you mean 'ddr4-3200'?"),
        (
            ("--spec", "ddr4-3200", "--controller", "frfcf"),
            "unknown memory controller 'frfcf'; expected did you mean 'frfcfs'?",
        ),
        (
            ("--spec", "ddr4-3200", "--mapping", "rrrbbcc"),
            "mapping 'rrrbbcc' gives 0 bits to the bank_group; expected 2 of 27 address bits",
        ),
        (("--spec", "ddr4-3200", "--mapping", ""), "'' is not an address mapping"),
        (("--spec", "ddr4-3200", "--mapping", "rochrababgco;b0^b0"), "send two addresses to one place"),
        (
            ("--spec", "ddr4-3200", "--channels", "3"),
            "3 channels cannot be cut out of an address; expected a power of two",
        ),
        (("--spec", "ddr4-3200", "--channels", "0"), "'--channels': 0 is not in the range"),
        (("--spec", "ddr4-3200", "--requests", "0"), "'--requests': 0 is not in the range"),
        (("--spec", "ddr4-3200", "--requests", "1e3"), "'--requests': '1e3' is not a valid integer"),
        (("--spec", "ddr4-3200", "--set", "timing_ck.tRPP=3"), "timing_ck: unknown timing 'tRPP'; did you mean 'tRP'"),
        (("--spec", "ddr4-3200", "--set", "timing_ck.tRP=-3"), "--set: timing_ck.tRP: input should be greater than"),
        (("--spec", "ddr4-3200", "--set", "timing_ck.tRP=.nan"), "--set: timing_ck.tRP: .nan is not a finite number"),
        (
            ("--spec", "ddr4-3200", "--set", "timing_ck.tRP"),
            "--set: 'timing_ck.tRP' is not a setting; expected path=value",
        ),
        (("--spec", "ddr4-3200", "--set", "tck_ps=600", "--set", "tck_ps=700"), "--set: tck_ps: is set twice"),
        (("--spec", "ddr4-3200", "--controller", "frfcfs-per-bank"), "ddr4 has no per-bank refresh"),
        (("--spec", "lpddr5-6400", "--controller", "dramsim3"), "banked queues cannot drive the split activation"),
        (("--spec", "ddr4-3200", "--speck", "x"), "No such option"),
        ((), "Missing option '--spec'"),
    ],
)
def test_a_wrong_option(refused, options, says):
    assert says in refused("dram", "--pattern", "stream", *options)


def test_a_trace_and_a_pattern_or_neither(refused, tmp_path):
    assert "give either a TRACE file or --pattern" in refused("dram", "--spec", "ddr4-3200")
    options = ("dram", tmp_path / "t", "--pattern", "stream", "--spec", "ddr4-3200")
    assert "give either a TRACE file or --pattern" in refused(*options)


def test_a_trace_that_is_not_there(refused, tmp_path):
    said = refused("dram", tmp_path / "none", "--spec", "ddr4-3200", "--commands", tmp_path / "c.csv")
    assert "none: cannot be read (No such file or directory)" in said
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("place", ["none/c.csv", "file/c.csv", "folder"])
def test_a_log_that_cannot_be_written(refused, tmp_path, place):
    (tmp_path / "file").write_text("")
    (tmp_path / "folder").mkdir()
    options = ("--spec", "ddr4-3200", "--pattern", "stream", "--requests", 10)
    said = refused("dram", *options, "--commands", tmp_path / place)
    assert f"{place}: cannot be written" in said
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["file", "folder"]


def test_an_old_log_survives_a_run_that_fails(refused, tmp_path):
    log, trace = tmp_path / "c.csv", tmp_path / "t"
    log.write_text("old")
    trace.write_text("LD 0x40\n" * 1000 + "junk\n")
    refused("dram", trace, "--spec", "ddr4-3200", "--commands", log)
    assert log.read_text() == "old"
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["c.csv", "t"]


@pytest.mark.parametrize(
    ("kind", "case"),
    [
        *(("part", case) for case in ("alias bomb", "deep nesting", "python tag", "NaN")),
        *(("trace", case) for case in ("cut in its gzip", "past the end")),
    ],
)
def test_as_a_user_meets_it(process, part_file, tmp_path, kind, case):
    """The same in a process of its own: no traceback, nothing on stdout, the status of the shell."""
    if kind == "part":
        (old, new), says = PARTS[case]
        ended = process("dram", "--spec", part_file(PART.replace(old, new, 1)), "--pattern", "stream")
    else:
        content, says = TRACES[case]
        (tmp_path / "t").write_bytes(content)
        ended = process("dram", tmp_path / "t", "--spec", "ddr4-3200")
    assert (ended.returncode, ended.stdout) == (2, "")
    assert says in ended.stderr
    assert ended.stderr.count("\n") == 1
    assert "Traceback" not in ended.stderr


def test_a_long_path_leaves_room_for_the_problem(refused, tmp_path):
    folder = tmp_path
    for _ in range(6):
        folder = folder / ("d" * 60)
    folder.mkdir(parents=True)
    (folder / "t").write_bytes(b"LD 0x40\nLD -1\n")
    said = refused("dram", folder / "t", "--spec", "ddr4-3200")
    assert "t:2: holds a negative number" in said
    assert len(said) <= len("bitline: \n") + 300


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read anything")
def test_a_trace_without_permission(refused, tmp_path):
    (tmp_path / "t").touch(mode=0o000)
    assert "cannot be read (Permission denied)" in refused("dram", tmp_path / "t", "--spec", "ddr4-3200")
