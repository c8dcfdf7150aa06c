"""Request traces from files: plain, gzip or zstd, in Ramulator's or DRAMsim3's form, a block at a time."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np
import zstandard

from bitline.base.errors import TraceError
from bitline.csrc.dram.trace_text import parse_lines

CHUNK_BYTES = 1 << 20
BLOCK_REQUESTS = 1 << 16
MAX_LINE_BYTES = 4096
EXPECTED = {
    "ramulator": "lines such as 'LD 0x1f40' or 'ST 0x1f80'",
    "dramsim3": "lines such as '0x1f40 READ 120', cycles that do not go back",
}


def read_requests(file: str | Path, size_bytes: int) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Blocks of (byte addresses int64, kinds int8 with 1 for writes, first cycles int64) of a memory of `size_bytes`.

    Memory use does not depend on the length of the trace. Raises TraceError with file and line.
    """
    rest, line, last_cycle, form = b"", 0, 0, ""
    for chunk in _chunks(Path(file)):
        text = rest + chunk
        if not form:
            form = _sniff(text, file)
        while True:
            block = (
                np.empty(BLOCK_REQUESTS, np.int64),
                np.empty(BLOCK_REQUESTS, np.int8),
                np.empty(BLOCK_REQUESTS, np.int64),
            )
            requests, used, lines, problem, bad_line = parse_lines(text, form, size_bytes, last_cycle, *block)
            if problem:
                expected = f"addresses below {size_bytes:#x}" if "past" in problem else EXPECTED[form]
                raise TraceError(problem, file=file, line=line + bad_line + 1, expected=expected)
            text, line = text[used:], line + lines
            if requests:
                last_cycle = int(block[2][requests - 1])
                yield block[0][:requests], block[1][:requests], block[2][:requests]
            if requests < BLOCK_REQUESTS:
                break
        if len(text) > MAX_LINE_BYTES:
            raise TraceError("is too long for a request", file=file, line=line + 1, expected=EXPECTED[form])
        rest = text
    if rest.strip():
        raise TraceError("ends in the middle of a line", file=file, line=line + 1, expected="a line end")


def _sniff(text: bytes, file: str | Path) -> str:
    for line in text[: 1 << 16].splitlines():
        words = line.split()
        if words and not words[0].startswith(b"#"):
            return "ramulator" if words[0][:1].isalpha() else "dramsim3"
    if len(text) >= 1 << 16:
        raise TraceError("starts with 64 KiB of comments", file=file, expected="requests")
    return "ramulator"


def _chunks(path: Path) -> Iterator[bytes]:
    """The decompressed bytes. A compressed file that ends early is an error, not a short trace."""
    try:
        with path.open("rb") as stream:
            start = stream.read(4)
            stream.seek(0)
            if start[:2] == b"\x1f\x8b":
                yield from _gzip_chunks(stream)
            elif start == b"\x28\xb5\x2f\xfd":
                yield from _zstd_chunks(stream, path)
            else:
                while chunk := stream.read(CHUNK_BYTES):
                    yield chunk
    except (EOFError, gzip.BadGzipFile, zlib.error, zstandard.ZstdError) as error:
        raise TraceError(f"is damaged or cut off ({error})", file=path, expected="a whole compressed file") from None
    except OSError as error:
        raise TraceError(f"cannot be read ({error.strerror or error})", file=path) from None


def _gzip_chunks(stream: BinaryIO) -> Iterator[bytes]:
    with gzip.open(stream) as unpacked:
        while chunk := unpacked.read(CHUNK_BYTES):
            yield chunk


def _zstd_chunks(stream: BinaryIO, path: Path) -> Iterator[bytes]:
    decoder = zstandard.ZstdDecompressor(max_window_size=1 << 27).decompressobj()
    while packed := stream.read(CHUNK_BYTES >> 3):
        while packed:
            if decoder.eof:
                decoder = zstandard.ZstdDecompressor(max_window_size=1 << 27).decompressobj()
            chunk = decoder.decompress(packed)
            packed = decoder.unused_data if decoder.eof else b""
            if chunk:
                yield chunk
    if not decoder.eof:
        raise TraceError("is damaged or cut off", file=path, expected="a whole compressed file")
