"""What two runs were configured with, field by field, under the paths that `--set` takes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from pydantic import BaseModel, ValidationError

from bitline.arch.systems.system import MemorySpec, NpuRef, memory_part, npu_spec
from bitline.base.document import dotted
from bitline.base.errors import BitlineError

Flat = dict[str, Any]

# Words about a document, not about hardware.
_NOT_COMPARED = ("schema", "description", "source", "aliases")

_PARTS: dict[str, tuple[str, type[BaseModel], Callable[[Any], BaseModel]]] = {
    "memory": ("part", MemorySpec, memory_part),
    "npu": ("core", NpuRef, npu_spec),
}


def configuration(a: dict[str, Any], b: dict[str, Any]) -> tuple[Flat, Flat]:
    """The fields of two provenances. Where both name packaged parts, the fields of those are among them.

    A part is looked up under its name now, so only for results of the sources that run now.
    """
    first, second = _documents(a), _documents(b)
    if _of_these_sources(a) and _of_these_sources(b):
        for place in _PARTS:
            expanded = [_expanded(documents, place) for documents in (first, second)]
            if all(expanded):
                first, second = ({**documents, **new} for documents, new in zip((first, second), expanded))
    return dict(_fields(first, ())), dict(_fields(second, ()))


def _documents(provenance: dict[str, Any]) -> dict[str, Any]:
    """System fields at the top, as in `--set`; the policy and the mapping under their names."""
    resolved = provenance.get("resolved")
    if not isinstance(resolved, dict):
        return {}
    system = resolved.get("system")
    others = {name: resolved[name] for name in ("policy", "mapping") if name in resolved}
    # The system's default policy is not what ran where another was asked for.
    kept = {name: value for name, value in system.items() if name != "policy"} if isinstance(system, dict) else {}
    return {**kept, **others}


def _of_these_sources(provenance: dict[str, Any]) -> bool:
    from bitline.sim.run.run import code_hash

    return provenance.get("code_hash") == code_hash()


def _expanded(documents: dict[str, Any], place: str) -> dict[str, Any]:
    """The device at a place with its part's fields in place of what overrides them; nothing where it has no name."""
    found = documents.get(place)
    name, model, load = _PARTS[place]
    if not isinstance(found, dict) or not isinstance(found.get(name), str) or found[name].endswith((".yaml", ".yml")):
        return {}
    try:
        part = load(model.model_validate(found)).model_dump(mode="json", by_alias=True)
    except (BitlineError, ValidationError):
        return {}
    return {place: {**part, **{field: value for field, value in found.items() if field != "override"}}}


def _fields(value: Any, path: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict) and value:
        for name, item in value.items():
            if name not in _NOT_COMPARED:
                yield from _fields(item, (*path, str(name)))
    elif value not in (None, {}, []):
        yield dotted(path), value
