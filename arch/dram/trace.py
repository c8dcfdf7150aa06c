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
PACKED_BYTES = 256  # of zstd at a time: even these can hold 8 MiB of equal bytes
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
        form = form or _sniff(text, file)
        if not form:
            rest = text
            continue
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
    cut_off = rest[rest.rfind(b"\n") + 1 :].strip()
    if cut_off and not cut_off.startswith(b"#"):
        raise TraceError("ends in the middle of a line", file=file, line=line + 1, expected="a line end")
    if not form:
        raise TraceError("holds no request", file=file, expected=EXPECTED["ramulator"])


def _sniff(text: bytes, file: str | Path) -> str:
    """The form of the first request among whole lines; empty while there is none."""
    for line in text[: 1 << 16].split(b"\n")[:-1]:
        words = line.split()
        if words and not words[0].startswith(b"#"):
            return "ramulator" if words[0][:1].isalpha() else "dramsim3"
    if len(text) >= 1 << 16:
        raise TraceError("has no request in its first 64 KiB", file=file, expected=EXPECTED["ramulator"])
    return ""


def _chunks(path: Path) -> Iterator[bytes]:
    """The decompressed bytes. A compressed file that ends early is an error, not a short trace."""
    try:
        with path.open("rb") as stream:
            start = stream.peek(4)[:4]
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
    unpacked = bytearray()
    while packed := stream.read(PACKED_BYTES):
        while packed:
            if decoder.eof:
                decoder = zstandard.ZstdDecompressor(max_window_size=1 << 27).decompressobj()
            unpacked += decoder.decompress(packed)
            packed = decoder.unused_data if decoder.eof else b""
        if len(unpacked) >= CHUNK_BYTES:
            yield bytes(unpacked)
            unpacked.clear()
    yield bytes(unpacked)
    if not decoder.eof:
        raise TraceError("is damaged or cut off", file=path, expected="a whole compressed file")
