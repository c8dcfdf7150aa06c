"""A window of a command log: `cycle,command,channel,...` as `bitline dram --commands` writes it, plain or gzip."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from bitline.base.errors import TraceError

ADDRESS = ("channel", "pseudo_channel", "rank", "bank_group", "bank", "row", "column")
COLUMNS = ("cycle", "command", *ADDRESS)
HEADER = ",".join(COLUMNS)

FIRST_COMMANDS = 160
"""Commands that are shown where no window is given."""
MOST_COMMANDS = 20_000
"""Commands beyond which a window is no figure any more."""

_LONGEST_LINE = 1 << 12


def read_window(
    file: str | Path, window: tuple[int, int] | None = None, channel: int | None = None
) -> list[dict[str, Any]]:
    """The commands of one channel (default: that of the first command) with START <= cycle < END.

    Without a window: the first FIRST_COMMANDS. Reads no further than it has to, in memory for the window alone.
    Raises TraceError.
    """
    rows: list[dict[str, Any]] = []
    limit = FIRST_COMMANDS if window is None else MOST_COMMANDS + 1
    last = 0
    for number, cells in _lines(Path(file)):
        row = _row(cells, file, number)
        if row["cycle"] < last:
            problem = f"cycle {row['cycle']} comes after cycle {last}"
            raise TraceError(problem, file=file, line=number, expected="cycles that do not decrease")
        last = row["cycle"]
        if window is not None and last >= window[1]:
            break
        if window is not None and last < window[0]:
            continue
        channel = row["channel"] if channel is None else channel
        if row["channel"] == channel:
            rows.append(row)
        if len(rows) == limit:
            break
    if len(rows) > MOST_COMMANDS:
        raise TraceError(f"the window holds over {MOST_COMMANDS:,} commands", file=file, expected="a narrower --window")
    if not rows:
        where = "" if window is None else f" in cycles {window[0]} to {window[1]}"
        where += "" if channel is None else f" on channel {channel}"
        raise TraceError(f"holds no commands{where}", file=file, expected=f"a window up to cycle {last}")
    return rows


def is_command_log(file: Path) -> bool:
    """Does a file begin as a command log does? Raises TraceError where it cannot be read."""
    with _opened(file) as stream:
        return stream.readline(_LONGEST_LINE).rstrip(b"\r\n") == HEADER.encode()


def _lines(file: Path) -> Iterator[tuple[int, list[str]]]:
    with _opened(file) as stream:
        if stream.readline(_LONGEST_LINE).rstrip(b"\r\n") != HEADER.encode():
            raise TraceError("is no command log", file=file, line=1, expected=f"the header '{HEADER}'")
        number = 1
        while line := stream.readline(_LONGEST_LINE):
            number += 1
            if not line.endswith(b"\n"):
                raise TraceError("is cut off or too long", file=file, line=number, expected="a whole line")
            yield number, line.decode("ascii", "backslashreplace").rstrip("\r\n").split(",")


def _row(cells: list[str], file: str | Path, number: int) -> dict[str, Any]:
    if len(cells) != len(COLUMNS):
        raise TraceError(f"has {len(cells)} cells", file=file, line=number, expected=f"{len(COLUMNS)}: {HEADER}")
    row: dict[str, Any] = {}
    for name, cell in zip(COLUMNS, cells):
        if name == "command":
            row[name] = cell
        elif cell.isdecimal() and len(cell) <= 18:
            row[name] = int(cell)
        elif cell == "" and name not in ("cycle", "channel"):
            row[name] = None
        else:
            raise TraceError(f"'{cell[:40]}' is not a whole number", file=file, line=number, field=name)
    if not 0 < len(row["command"]) <= 24:
        raise TraceError("has no command, or one with too long a name", file=file, line=number, field="command")
    return row


@contextmanager
def _opened(file: Path) -> Iterator[BinaryIO | gzip.GzipFile]:
    try:
        with file.open("rb") as raw:
            packed = raw.read(2) == b"\x1f\x8b"
            raw.seek(0)
            if packed:
                with gzip.GzipFile(fileobj=raw) as stream:
                    yield stream
            else:
                yield raw
    except EOFError:
        raise TraceError("the compressed file is cut off", file=file, expected="a whole .gz file") from None
    except (gzip.BadGzipFile, zlib.error) as error:
        raise TraceError(f"cannot be decompressed ({error})", file=file) from None
    except OSError as error:
        raise TraceError(f"cannot be read ({error.strerror or error})", file=file) from None
