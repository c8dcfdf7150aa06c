"""What the names in a study's formulas stand for: parameters of the point, linked ones, and fields of its documents."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from bitline.arch.systems.system import full_path, load_system, memory_part, npu_spec
from bitline.base.document import Document
from bitline.base.errors import SpecError, did_you_mean
from bitline.sim.run.run import POLICY_PREFIX
from bitline.sim.schedule.serving_policy import load_any_policy
from bitline.sim.study.domains import Linked
from bitline.sim.study.expressions import Array, Expression, parse_condition
from bitline.sim.study.point import PARAMETERS, Point
from bitline.sim.study.spec import StudySpec

Columns = dict[str, list[Any]]


class Scope:
    """The formulas of a study over its parameters."""

    def __init__(self, study: StudySpec) -> None:
        self._level = study.level
        linked = {path: domain.expression for path, domain in study.settings.items() if isinstance(domain, Linked)}
        self._linked = in_order(linked, "settings")
        self._conditions = [parse_condition(text) for text in study.conditions]
        self._paths = study.setting_paths
        known = {*PARAMETERS, *self._paths}
        named = {name for formula in (*self._linked.values(), *self._conditions) for name in formula.names}
        self._documents = DocumentFields(named - known)
        self.reads = named | {"system", "policy"}
        """Parameters that the formulas may need."""

    @property
    def has_conditions(self) -> bool:
        """Does every place of the product exist?"""
        return bool(self._conditions)

    def with_linked(self, columns: Columns) -> Columns:
        """The columns with those of the linked parameters. Raises SpecError where one cannot be worked out."""
        if not self._linked:
            return columns
        found = self._with_documents(columns)
        rows = len(next(iter(columns.values())))
        for path, formula in self._linked.items():
            values = np.broadcast_to(formula.over(found), rows).tolist()
            found[path] = [_plain(value, path, formula) for value in values]
        return columns | {path: found[path] for path in self._linked}

    def exist(self, columns: Mapping[str, Any], rows: int) -> Array:
        """On which rows the conditions are met. Of `columns`, those in `reads` are used; linked ones are worked out."""
        kept = np.ones(rows, dtype=bool)
        if not self._conditions:
            return kept
        found = self._with_documents(columns)
        for path, formula in self._linked.items():
            found[path] = formula.over(found)
        for condition in self._conditions:
            kept &= condition.holds(found)
        return kept

    def point(self, parameters: Mapping[str, Any]) -> Point:
        """The point of some parameters, with its linked settings. Raises SpecError where one cannot be worked out."""
        row = parameters
        if self._linked:
            columns = self.with_linked({name: [value] for name, value in parameters.items()})
            row = {name: values[0] for name, values in columns.items()}
        fields = {name: row[name] for name in PARAMETERS if name in row}
        return Point(**{"level": self._level, **fields}, settings={path: row[path] for path in self._paths})

    def _with_documents(self, columns: Mapping[str, Any]) -> dict[str, Any]:
        found = {"level": [self._level], **columns}
        if self._documents.names:
            found |= self._documents.columns(columns["system"], columns["policy"])
        return found


def in_order(linked: dict[str, Expression], where: str) -> dict[str, Expression]:
    """Named formulas, each behind those that it reads. Raises SpecError where they lead in a circle."""
    found: dict[str, Expression] = {}
    left = dict(sorted(linked.items()))
    while left:
        ready = [path for path, formula in left.items() if not any(name in left for name in formula.names)]
        if not ready:
            expected = f"one of {', '.join(left)} without the others"
            raise SpecError("each is a formula of the other", field=where, expected=expected)
        found |= {path: left.pop(path) for path in ready}
    return found


def _plain(value: Any, path: str, formula: Expression) -> Any:
    """A linked value as a setting: whole numbers are integers, as a file would say them."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        raise SpecError(f"'{formula.text}' has no value on some point", field=f"settings.{path}")
    if isinstance(value, float) and value.is_integer() and abs(value) < 1 << 53:
        return int(value)
    return value


class DocumentFields:
    """Fields of the systems and policies that no setting changes, read once."""

    def __init__(self, names: Iterable[str]) -> None:
        self.names = sorted(names)
        self._known: dict[tuple[str, str | None, str], Any] = {}

    def columns(self, systems: Sequence[str], policies: Sequence[str | None]) -> Columns:
        """Each field on every row. Raises SpecError where a document has no such field."""
        return {name: [self._value(*pair, name) for pair in zip(systems, policies)] for name in self.names}

    def _value(self, system: str, policy: str | None, path: str) -> Any:
        key = (system, policy, path)
        if key not in self._known:
            self._known[key] = document_value(system, policy, path)
        return self._known[key]


def document_value(system: str, policy: str | None, path: str) -> Any:
    """The value of a field that no setting changes, as settings name it. Raises SpecError where there is none."""
    node, of = _document(system, policy, path)
    for key in of.split("."):
        if not isinstance(node, dict) or key not in node:
            expected = did_you_mean(key, node) if isinstance(node, dict) else "the path of a field"
            raise SpecError(f"unknown name '{path}'", expected=expected)
        node = node[key]
    return node if isinstance(node, int | float | str | bool) else None


def _document(system: str, policy: str | None, path: str) -> tuple[Any, str]:
    """The document that a path leads into (policy, part of a memory, core of an NPU, or system), and its rest there."""
    hardware = load_system(system)
    document: Document = hardware
    of = path
    if path.startswith(POLICY_PREFIX):
        name = policy or hardware.policy
        if name is None:
            raise SpecError("the system names no policy", file=system, field=path)
        document, of = load_any_policy(name), path.removeprefix(POLICY_PREFIX)
    else:
        try:
            place, _, reached = full_path(path).partition(".override.")
        except SpecError as error:
            raise SpecError(f"unknown name '{path}'", expected=error.expected) from None
        if reached and place == "memory" and hardware.memory is not None:
            document, of = memory_part(hardware.memory), reached
        elif reached and place == "npu" and hardware.npu is not None:
            document, of = npu_spec(hardware.npu), reached
    return document.model_dump(mode="json", by_alias=True), of
