"""Files that appear whole or not at all."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from bitline.base.errors import OutputError


@contextmanager
def whole_file(path: str | Path) -> Iterator[BinaryIO]:
    """A stream to a file beside `path`, renamed to it at the end. An error or interrupt leaves the old file as it was.

    Raises OutputError.
    """
    path = Path(path)
    beside = path.with_name(f".{path.name}.{secrets.token_hex(6)}.tmp")
    try:
        try:
            with beside.open("xb") as stream:
                yield stream
                stream.flush()
                os.fsync(stream.fileno())
            beside.replace(path)
        finally:
            beside.unlink(missing_ok=True)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise OutputError(f"cannot be written ({reason})", file=path) from None


def write_atomically(path: str | Path, content: bytes) -> None:
    """Write a whole file. Raises OutputError."""
    with whole_file(path) as stream:
        stream.write(content)


def make_folder(path: str | Path) -> Path:
    """Create a folder and its parents where they are missing. Raises OutputError when it cannot be written to."""
    path = Path(path)
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot be created ({error.strerror or error})", file=path) from None
    if not os.access(path, os.W_OK | os.X_OK):
        raise OutputError("cannot be written to", file=path, expected="a folder with write permission")
    return path
