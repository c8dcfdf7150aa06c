"""Content hashes: equal content, equal name, on every machine."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any


def content_hash(data: Any) -> str:
    """A hash of plain data (dicts, lists, numbers, text) that does not depend on key order."""
    text = json.dumps(data, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def source_hash(folders: Iterable[Path]) -> str:
    """A hash of the sources (.py, .pyx, .pxd, .yaml) below some folders, by relative name and content."""
    digest = hashlib.sha256()
    for folder in folders:
        files = [path for path in folder.rglob("*") if path.suffix in {".py", ".pyx", ".pxd", ".yaml"}]
        for path in sorted(files, key=lambda path: path.relative_to(folder).as_posix()):
            digest.update(f"{folder.name}/{path.relative_to(folder).as_posix()}\0".encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()[:32]
