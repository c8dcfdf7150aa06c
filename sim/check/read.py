"""Reading command logs: plain, gzip or zstandard, in bounded memory, every line checked."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np
import zstandard
from numpy.typing import NDArray

from bitline.base.errors import TraceError, did_you_mean
from bitline.sim.check.commands import ADDRESS, CODE, ROW, CommandLog
from bitline.sim.check.formats import LineFormat, recognise

_CHUNK_BYTES = 4 << 20
_LONGEST_LINE = 1 << 16


def read_commands(path: str | Path) -> CommandLog:
    """Read a command log of any of the four formats; the format is recognised by content.

    Ours is a CSV with the header `cycle,command,channel,pseudo_channel,rank,bank_group,bank,row,column`. Raises
    TraceError with file, line and what was expected for a line that is not of the format, an unknown command, cycles
    that decrease, and a file that is cut off.
    """
    name = str(path)
    form: LineFormat | None = None
    parts: list[NDArray[np.void]] = []
    for first, lines in _chunks(Path(path)):
        numbers = np.arange(first, first + len(lines))
        if form is None:
            skip = next((at for at, line in enumerate(lines) if not _is_comment(line)), len(lines))
            if skip == len(lines):
                continue
            form = recognise(lines[skip], name, int(numbers[skip]))
            skip += form.has_header
            lines, numbers = lines[skip:], numbers[skip:]
        if form.has_comments:
            kept = [at for at, line in enumerate(lines) if not _is_comment(line)]
            lines, numbers = [lines[at] for at in kept], numbers[kept]
        if lines:
            parts.append(_rows(form, lines, numbers, name))
    if form is None:
        raise TraceError("holds no commands", file=name, expected="a command log")
    rows = np.concatenate(parts) if parts else np.zeros(0, ROW)
    if form.name == "dramsim3":
        _fill_channel(rows, name)
    log = CommandLog(rows, form.name, name)
    log.require_time_order()
    return log


def _is_comment(line: bytes) -> bool:
    text = line.strip()
    return not text or text.startswith(b"#")


def _rows(form: LineFormat, lines: list[bytes], numbers: NDArray[np.int64], file: str) -> NDArray[np.void]:
    """One chunk of lines as rows. All lines are matched at once; a line is looked at alone only if one is bad."""
    found = form.pattern.findall(b"\n".join(lines))
    if len(found) != len(lines):
        at = next(at for at, line in enumerate(lines) if not form.pattern.fullmatch(line))
        text = lines[at].decode("ascii", "backslashreplace").strip()
        shown = text if len(text) <= 60 else text[:57] + "..."
        raise TraceError(f"'{shown}' is no command", file=file, line=int(numbers[at]), expected=form.expected)
    rows = np.zeros(len(lines), ROW)
    rows["line"] = numbers
    cells = dict(zip(form.columns, zip(*found)))
    codes = {written: CODE[ours] for written, ours in form.names.items()}
    try:
        rows["command"] = [codes[written] for written in cells["command"]]
    except KeyError as error:
        written = error.args[0]
        at = cells["command"].index(written)
        known = [word.decode() for word in codes]
        hint = did_you_mean(written.decode(), known)
        raise TraceError(
            f"unknown command '{written.decode()}'", file=file, line=int(numbers[at]), expected=hint
        ) from None
    rows["cycle"] = list(map(int, cells["cycle"]))
    numbers_of = _Numbers()
    for column in ADDRESS:
        if column not in cells:
            rows[column] = 0 if column == "channel" else -1
        elif column in form.hexadecimal:
            rows[column] = [int(cell, 16) for cell in cells[column]]
        else:
            rows[column] = list(map(numbers_of.__getitem__, cells[column]))
    return rows


class _Numbers(dict[bytes, int]):
    """The number that a cell stands for; cells repeat, so each one is converted once."""

    def __missing__(self, cell: bytes) -> int:
        self[cell] = number = int(cell) if cell else -1
        return number


def _fill_channel(rows: NDArray[np.void], file: str) -> None:
    """DRAMsim3 writes channel -1 with a refresh; its logs hold one channel each."""
    unknown = rows["channel"] < 0
    if not unknown.any():
        return
    known = np.unique(rows["channel"][~unknown])
    if len(known) > 1:
        line = int(rows["line"][unknown][0])
        raise TraceError("a refresh without its channel in a log of several channels", file=file, line=line)
    rows["channel"][unknown] = known[0] if len(known) else 0


def _chunks(path: Path) -> Iterator[tuple[int, list[bytes]]]:
    """Lines with the number of the first one, a few megabytes at a time."""
    number = 1
    rest = b""
    try:
        with path.open("rb") as raw:
            stream = _decompressed(raw)
            while block := stream.read(_CHUNK_BYTES):
                *lines, rest = (rest + block).split(b"\n")
                if len(rest) > _LONGEST_LINE:
                    raise TraceError("a line is too long", file=path, line=number + len(lines))
                if lines:
                    yield number, lines
                number += len(lines)
    except EOFError:
        raise TraceError("the compressed file is cut off", file=path, expected="a whole .gz or .zst file") from None
    except (gzip.BadGzipFile, zlib.error, zstandard.ZstdError) as error:
        raise TraceError(f"cannot be decompressed ({error})", file=path) from None
    except OSError as error:
        raise TraceError(f"cannot be read ({error.strerror or error})", file=path) from None
    if rest:
        raise TraceError("the last line is cut off", file=path, line=number, expected="a line end after it")


def _decompressed(raw: IO[bytes]) -> IO[bytes]:
    magic = raw.read(4)
    raw.seek(0)
    if magic[:2] == b"\x1f\x8b":
        return gzip.open(raw)  # type: ignore[return-value]
    if magic == b"\x28\xb5\x2f\xfd":
        return io.BufferedReader(_Zstandard(raw), 1 << 20)
    return raw


class _Zstandard(io.RawIOBase):
    """A zstandard file as a stream that ends only where a frame ends (the library's own reader accepts a cut)."""

    def __init__(self, raw: IO[bytes]) -> None:
        self._raw = raw
        self._frame: Any = None
        self._rest = b""
        self._ready = b""

    def readable(self) -> bool:
        """Always."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill `buffer` with decompressed bytes; 0 at the end of the last frame."""
        while not self._ready:
            compressed = self._rest or self._raw.read(1 << 12)
            self._rest = b""
            if not compressed:
                if self._frame is not None:
                    raise EOFError
                return 0
            if self._frame is None:
                self._frame = zstandard.ZstdDecompressor().decompressobj()
            self._ready = self._frame.decompress(compressed)
            if self._frame.eof:
                self._rest = self._frame.unused_data
                self._frame = None
        count = min(len(buffer), len(self._ready))
        buffer[:count] = self._ready[:count]
        self._ready = self._ready[count:]
        return count
