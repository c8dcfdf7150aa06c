"""Traces from files: both forms, plain or compressed, in blocks; what is damaged is an error, not a short trace."""

import gzip
import resource
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from bitline.arch.dram import trace as trace_module
from bitline.arch.dram.trace import read_requests
from bitline.base.errors import TraceError

SIZE = 1 << 33
PACKERS = {
    "plain": lambda text: text,
    "gzip": lambda text: gzip.compress(text),
    "gzip of two members": lambda text: gzip.compress(text[:41]) + gzip.compress(text[41:]),
    "zstd": lambda text: zstandard.ZstdCompressor().compress(text),
    "zstd of two frames": lambda text: b"".join(map(zstandard.ZstdCompressor().compress, (text[:41], text[41:]))),
    "zstd without a size": lambda text: zstandard.ZstdCompressor(write_content_size=False).compress(text),
}


def requests_of(path, size=SIZE):
    blocks = list(read_requests(path, size))
    return [tuple(map(int, row)) for block in blocks for row in zip(*block)]


def write(path, content):
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("pack", PACKERS.values(), ids=PACKERS)
def test_ramulator_lines(tmp_path, pack):
    text = b"LD 0x1f40\nST 0x1F80\nld 64\nst 128\n\n# a remark\n  LD\t0x0  \r\n"
    path = write(tmp_path / "t", pack(text))
    assert requests_of(path) == [(0x1F40, 0, 0), (0x1F80, 1, 0), (64, 0, 0), (128, 1, 0), (0, 0, 0)]


@pytest.mark.parametrize("pack", PACKERS.values(), ids=PACKERS)
def test_dramsim3_lines(tmp_path, pack):
    text = b"# address, operation, cycle\n0x1f40 READ 3\n0x1F80 WRITE 3\n0x40 read 9\n0x80 W 10\n"
    path = write(tmp_path / "t", pack(text))
    assert requests_of(path) == [(0x1F40, 0, 3), (0x1F80, 1, 3), (0x40, 0, 9), (0x80, 1, 10)]


@pytest.mark.parametrize("pack", PACKERS.values(), ids=PACKERS)
def test_a_long_trace_comes_in_blocks_and_loses_nothing(tmp_path, pack, monkeypatch):
    monkeypatch.setattr(trace_module, "CHUNK_BYTES", 1000)
    monkeypatch.setattr(trace_module, "BLOCK_REQUESTS", 64)
    addresses = np.random.default_rng(1).integers(0, SIZE, 3_000)
    path = write(
        tmp_path / "t", pack(b"".join(b"0x%x READ %d\n" % (a, 3 * i) for i, a in enumerate(addresses.tolist())))
    )
    blocks = list(read_requests(path, SIZE))
    assert max(len(block[0]) for block in blocks) <= 64
    assert np.concatenate([block[0] for block in blocks]).tolist() == addresses.tolist()
    assert np.concatenate([block[2] for block in blocks]).tolist() == list(range(0, 9_000, 3))


@given(
    st.lists(st.tuples(st.integers(0, SIZE - 1), st.booleans(), st.integers(0, 99)), min_size=1, max_size=40),
    st.sampled_from(["0x%x", "%d", "0X%X"]),
    st.sampled_from(["\n", "\r\n", "\n\n", "\n# x\n"]),
)
def test_what_is_written_is_read(tmp_path_factory, rows, number, end):
    path = tmp_path_factory.mktemp("trace") / "t"
    cycles = np.cumsum([pause for _address, _write, pause in rows]).tolist()
    kinds = [int(write_) for _address, write_, _pause in rows]
    plain = "".join(f"{('LD', 'ST')[kind]} {number % row[0]}{end}" for row, kind in zip(rows, kinds))
    assert requests_of(write(path, plain.encode())) == [(row[0], kind, 0) for row, kind in zip(rows, kinds)]
    timed = "".join(
        f"{number % row[0]} {('READ', 'WRITE')[kind]} {cycle}{end}" for row, kind, cycle in zip(rows, kinds, cycles)
    )
    expected = [(row[0], kind, cycle) for row, kind, cycle in zip(rows, kinds, cycles)]
    assert requests_of(write(path, timed.encode())) == expected


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        (b"LD 0x40\nLD 0x80", 2, "ends in the middle of a line"),
        (b"LD 0x40\nLD\n", 2, "holds something that is not a number"),
        (b"LD 0x40\nLD 0xzz\n", 2, "holds something that is not a number"),
        (b"LD 0x40\nLD 0x\n", 2, "holds something that is not a number"),
        (b"LD -64\n", 1, "holds a negative number"),
        (b"LD 0x40 0x80\n", 1, "is not a request"),
        (b"LOAD 0x40\n", 1, "is not a request"),
        (b"LD 0x200000000\n", 1, "names an address past the memory's end; expected addresses below 0x200000000"),
        (b"LD 99999999999999999999999\n", 1, "holds a number of more than 62 bits"),
        (b"0x40 READ 5\n0x40 READ 4\n", 2, "goes back in time"),
        (b"0x40 READ\n", 1, "holds something that is not a number"),
        (b"0x40 READ -1\n", 1, "holds a negative number"),
        (b"0x40 5 READ\n", 1, "is not a request"),
        (b"LD 0x40\n0x80 READ 5\n", 2, "is not a request"),
        (b"\xff\xfe\x00garbage\n", 1, "holds something that is not a number"),
        (b"", None, "holds no request"),
        (b"\n\n", None, "holds no request"),
        (b"# nothing here\n# nor here", None, "holds no request"),
        (b"# x\n" * 20_000, None, "has no request in its first 64 KiB"),
        (b"LD 0x40\nLD " + b"1" * 100_000, 2, "is too long for a request"),
    ],
)
def test_damage_is_named_with_its_line(tmp_path, text, line, says):
    path = write(tmp_path / "t.trace", text)
    with pytest.raises(TraceError) as caught:
        requests_of(path)
    error = caught.value
    assert (error.file, error.line) == (str(path), line)
    assert says in str(error)


@pytest.mark.parametrize("kind", [kind for kind in PACKERS if kind != "plain"])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.999])
def test_a_compressed_trace_that_was_cut_off_is_an_error(tmp_path, kind, share):
    random = np.random.default_rng(0)
    text = b"".join(b"LD 0x%x\n" % address for address in random.integers(0, SIZE, 5_000).tolist())
    packed = PACKERS[kind](text)
    path = write(tmp_path / "t", packed[: int(len(packed) * share)])
    with pytest.raises(TraceError, match=r"cut off|ends in the middle") as caught:
        requests_of(path)
    assert caught.value.file == str(path)


@pytest.mark.parametrize("kind", ["gzip", "zstd"])
def test_a_compressed_trace_with_a_flipped_bit_is_an_error(tmp_path, kind):
    text = b"".join(b"LD 0x%x\n" % (i * 7919 * 64 % SIZE) for i in range(5_000))
    pack = PACKERS[kind] if kind == "gzip" else zstandard.ZstdCompressor(write_checksum=True).compress
    packed = bytearray(pack(text))
    packed[len(packed) // 2] ^= 4
    with pytest.raises(TraceError):
        requests_of(write(tmp_path / "t", bytes(packed)))


def test_a_file_that_cannot_be_read(tmp_path):
    for path in (tmp_path / "none", tmp_path):
        with pytest.raises(TraceError, match="cannot be read"):
            requests_of(path)


def test_a_remark_that_a_chunk_cuts_does_not_hide_the_form(tmp_path, monkeypatch):
    monkeypatch.setattr(trace_module, "CHUNK_BYTES", 8)
    assert requests_of(write(tmp_path / "t", b"# a remark of some length\n0x40 READ 5\n")) == [(0x40, 0, 5)]


def test_a_pipe_can_be_read():
    """Standard input has no end to seek from."""
    code = (
        "from bitline.arch.dram.trace import read_requests\n"
        "print(sum(len(block[0]) for block in read_requests('/dev/stdin', 1 << 33)))"
    )
    run = subprocess.run([sys.executable, "-c", code], input=b"LD 0x40\n" * 1000, capture_output=True, check=True)
    assert run.stdout == b"1000\n"


@pytest.mark.parametrize("kind", ["gzip", "zstd"])
def test_a_compression_bomb_is_refused_before_it_grows(tmp_path, kind):
    """A gigabyte of blanks in a few kilobytes: the line is too long long before it is all there."""
    if kind == "zstd":
        packer = zstandard.ZstdCompressor(level=3).compressobj()
        packed = b"".join(packer.compress(b" " * (1 << 20)) for _ in range(1024)) + packer.flush()
    else:
        packed = gzip.compress(b" " * (64 << 20), compresslevel=1)
    path = write(tmp_path / "t", b"" + packed)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(TraceError, match="no request in its first 64 KiB"):
        requests_of(path)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 << 10


PEAK = """
import resource, sys
from bitline.arch.dram.memory import Memory
from bitline.arch.dram.trace import read_requests
memory = Memory("ddr4-3200")
result = memory.run_blocks(read_requests(sys.argv[1], memory.size_bytes))
print(result.requests, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def _peak_kib(path):
    run = subprocess.run([sys.executable, "-c", PEAK, str(path)], capture_output=True, check=True, text=True)
    requests, peak = map(int, run.stdout.split())
    return requests, peak


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["plain", "gzip", "zstd"])
def test_memory_does_not_grow_with_the_trace(tmp_path, kind):
    part = b"".join(b"LD 0x%x\n" % (i * 7919 * 64 % SIZE) for i in range(100_000))
    peaks = []
    for copies in (1, 100):
        path = tmp_path / f"t{copies}"
        with {"plain": Path.open, "gzip": gzip.open, "zstd": zstandard.open}[kind](path, "wb") as stream:
            for _ in range(copies):
                stream.write(part)
        requests, peak = _peak_kib(path)
        assert requests == 100_000 * copies
        peaks.append(peak)
    assert peaks[1] <= 1.1 * peaks[0]
