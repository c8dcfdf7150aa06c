"""What a point is made of: its documents in full, and a key that changes when the result could."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

from bitline.arch.systems.system import SYSTEMS
from bitline.base.document import read_yaml
from bitline.base.errors import SpecError
from bitline.base.hashing import content_hash
from bitline.sim.run.run import code_hash
from bitline.sim.schedule.policy import POLICIES
from bitline.sim.study.point import Point
from bitline.traces import load_model

ENDINGS = (".yaml", ".yml")


class PointKeys:
    """Names of points, under which their results are kept. Reads each document once, so it serves one sweep."""

    def __init__(self) -> None:
        self._hashes: dict[tuple[str, str], str] = {}

    def __call__(self, point: Point) -> str:
        """The key of a point. Raises SpecError where one of its documents is wrong."""
        documents = [self._document("system", point.system), self._document("model", point.model)]
        if point.policy is not None:
            documents.append(self._document("policy", point.policy))
        if point.lengths is not None:
            documents.append(self._document("lengths", point.lengths))
        named = _named_files(point.settings) if point.settings else {}
        return content_hash({"point": point.to_dict(), "documents": documents, "files": named, "code": code_hash()})

    def _document(self, kind: str, name: str) -> str:
        known = self._hashes.get((kind, name))
        if known is None:
            data = _READERS[kind](name)
            known = content_hash({"document": data, "files": _named_files(data, Path(name).parent)})
            self._hashes[kind, name] = known
        return known


_READERS: dict[str, Callable[[str], Any]] = {
    "system": lambda name: SYSTEMS.source(name).data,
    "policy": lambda name: POLICIES.source(name).data,
    "model": lambda name: load_model(name).model_dump(mode="json"),
    "lengths": lambda name: _file_hash(Path(name)) if Path(name).is_file() else name,
}


def _named_files(data: Any, beside: Path = Path()) -> dict[str, str]:
    """The users' own files that a document names, and those that they name, by content.

    Packaged documents are not among them: they are part of the code.
    """
    hashes: dict[str, str] = {}
    todo = [(data, beside)]
    while todo:
        document, folder = todo.pop()
        for text in _texts(document):
            for path in (Path(text), folder / text) if text.endswith(ENDINGS) else ():
                if path.is_file() and str(path) not in hashes:
                    hashes[str(path)] = _file_hash(path)
                    todo.append((read_yaml(path).data, path.parent))
    return hashes


def _texts(data: Any) -> Iterator[str]:
    if isinstance(data, str):
        yield data
    elif isinstance(data, dict):
        for value in data.values():
            yield from _texts(value)
    elif isinstance(data, list):
        for value in data:
            yield from _texts(value)


def _file_hash(path: Path) -> str:
    try:
        return sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise SpecError(f"cannot be read ({error.strerror})", file=path) from None
