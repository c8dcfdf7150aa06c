"""YAML documents, read as untrusted data: a small YAML, line numbers kept, then checked by a model class.

The grammar is YAML without what makes YAML dangerous or surprising: no tags, no anchors, no duplicate keys, one
document a file, bounded depth and size, and scalars read by the YAML 1.2 core rules (`no` is text, `1e9` a number).
"""

from __future__ import annotations

import copy
import json
import math
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import pydantic
import yaml

from bitline.base.errors import SpecError, did_you_mean

MAX_DEPTH = 32
MAX_BYTES = 4 << 20

Path_ = tuple[str | int, ...]
_INT = re.compile(r"[-+]?(0|[1-9][0-9]*)|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)|[-+]?(nan|inf)", re.IGNORECASE)
_WORDS: dict[str, Any] = {"": None, "~": None, "null": None, "true": True, "false": False, "True": True, "False": False}


class Document(pydantic.BaseModel):
    """Base of every model class: unknown keys are errors, values keep their type, loaded means frozen."""

    model_config = pydantic.ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


ModelT = TypeVar("ModelT", bound=pydantic.BaseModel)


@dataclass
class Source:
    """A parsed document before it is checked: plain data, and where each path of it was written."""

    data: Any
    file: str
    lines: dict[Path_, tuple[str, int]] = field(default_factory=dict)

    def where(self, path: Path_) -> tuple[str, int | None]:
        """File and line of a path, or of its nearest ancestor that has one."""
        for length in range(len(path), -1, -1):
            if path[:length] in self.lines:
                return self.lines[path[:length]]
        return self.file, None


def scalar(text: str) -> Any:
    """A plain scalar by the YAML 1.2 core rules. Raises ValueError for NaN and infinities."""
    if text in _WORDS:
        return _WORDS[text]
    if _INT.fullmatch(text):
        return int(text, 0)
    if _FLOAT.fullmatch(text):
        value = float(text)
        if not math.isfinite(value):
            raise ValueError(f"{text} is not a finite number")
        return value
    if _NOT_FINITE.fullmatch(text):
        raise ValueError(f"{text} is not a finite number")
    return text


def read_yaml(file: str | Path) -> Source:
    """Read one YAML file. Raises SpecError with file and line."""
    path = Path(file)
    try:
        raw = path.read_bytes() if path.stat().st_size <= MAX_BYTES else None
    except OSError as error:
        raise SpecError(f"cannot be read ({error.strerror or error})", file=file) from None
    if raw is None:
        raise SpecError("is too large for a document", file=file, expected=f"at most {MAX_BYTES >> 20} MiB")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise SpecError(f"byte {error.start} is not UTF-8", file=file, expected="a YAML text file") from None
    return parse_yaml(text, str(file))


def parse_yaml(text: str, file: str = "<text>") -> Source:
    """Parse YAML text without recursion, so that depth is bounded by a count and not by the stack."""
    source = Source(None, file)
    # One frame an open collection: (container, path, pending key or None)
    stack: list[list[Any]] = []
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

    def fail(problem: str, mark: Any, path: Path_ = (), expected: str | None = None) -> SpecError:
        return SpecError(problem, file=file, line=mark.line + 1, field=dotted(path) or None, expected=expected)

    def here(event: Any) -> Path_:
        if not stack:
            return ()
        container, path, key = stack[-1]
        return (*path, len(container) if isinstance(container, list) else key)

    def place(value: Any, event: Any) -> None:
        path = here(event)
        source.lines[path] = (file, event.start_mark.line + 1)
        if not stack:
            source.data = value
        elif isinstance(stack[-1][0], list):
            stack[-1][0].append(value)
        else:
            stack[-1][0][stack[-1][2]] = value
            stack[-1][2] = None

    documents = 0
    try:
        for event in yaml.parse(text, Loader=loader):
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    raise fail("holds a second document", event.start_mark, expected="one document a file")
            elif isinstance(event, yaml.AliasEvent):
                raise fail("aliases are not accepted", event.start_mark, expected="the value itself, or `base:`")
            elif isinstance(event, yaml.ScalarEvent | yaml.CollectionStartEvent):
                if event.anchor is not None:
                    raise fail("anchors are not accepted", event.start_mark, expected="plain values, or `base:`")
                if event.tag is not None:
                    raise fail(f"tag '{event.tag}' is not accepted", event.start_mark, expected="plain values")
                in_mapping = bool(stack) and isinstance(stack[-1][0], dict)
                if in_mapping and stack[-1][2] is None:
                    _take_key(event, stack[-1], fail)
                elif isinstance(event, yaml.ScalarEvent):
                    try:
                        value = scalar(event.value) if event.style in (None, "") else event.value
                    except ValueError as error:
                        raise fail(str(error), event.start_mark, here(event), "a finite number") from None
                    place(value, event)
                else:
                    if len(stack) >= MAX_DEPTH:
                        raise fail("is nested too deep", event.start_mark, expected=f"at most {MAX_DEPTH} levels")
                    container: Any = {} if isinstance(event, yaml.MappingStartEvent) else []
                    path = here(event)
                    place(container, event)
                    stack.append([container, path, None])
            elif isinstance(event, yaml.CollectionEndEvent):
                stack.pop()
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or "is not YAML"
        raise SpecError(str(problem), file=file, line=None if mark is None else mark.line + 1) from None
    return source


def _take_key(event: Any, frame: list[Any], fail: Any) -> None:
    container, path, _ = frame
    if not isinstance(event, yaml.ScalarEvent) or not event.value:
        raise fail("a key has to be a word", event.start_mark, path)
    if event.value in container:
        raise fail("is given twice", event.start_mark, (*path, event.value), "each key once")
    frame[2] = event.value


def dotted(path: Path_) -> str:
    """`memory.timing_ck[2]` for ("memory", "timing_ck", 2)."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


def merge(base: Source, child: Source) -> Source:
    """`child` over `base`: mappings are merged key by key, everything else is replaced."""
    merged = Source(copy.deepcopy(base.data), child.file, dict(base.lines))

    def put(target: dict[str, Any], extra: dict[str, Any], path: Path_) -> None:
        for key, value in extra.items():
            if isinstance(value, dict) and isinstance(target.get(key), dict):
                put(target[key], value, (*path, key))
            else:
                target[key] = copy.deepcopy(value)

    put(merged.data, child.data, ())
    merged.lines.update(child.lines)
    return merged


def apply_settings(source: Source, settings: dict[str, Any]) -> Source:
    """Apply `path=value` overrides (`memory.channels` -> 16) to a copy. Unknown keys are found by the model class."""
    changed = Source(copy.deepcopy(source.data), source.file, dict(source.lines))
    for name, value in settings.items():
        keys = name.split(".")
        node = changed.data
        for depth, key in enumerate(keys[:-1]):
            if not isinstance(node, dict) or not isinstance(node.setdefault(key, {}), dict):
                raise SpecError(f"'{'.'.join(keys[: depth + 1])}' has no fields", file="--set", field=name)
            node = node[key]
        if not isinstance(node, dict):
            raise SpecError(f"'{'.'.join(keys[:-1])}' has no fields", file="--set", field=name)
        node[keys[-1]] = value
        changed.lines[tuple(keys)] = ("--set", 0)
    return changed


def parse_setting(text: str) -> tuple[str, Any]:
    """`path=value` from the command line; the value is read as a YAML scalar or flow list."""
    name, sign, value = text.partition("=")
    if not sign or not re.fullmatch(r"[A-Za-z_][\w-]*(\.[\w-]+)*", name.strip()):
        raise SpecError(f"'{text}' is not a setting", file="--set", expected="path=value, such as memory.channels=16")
    try:
        return name.strip(), parse_yaml(value.strip(), "--set").data
    except SpecError as error:
        raise SpecError(error.problem, file="--set", field=name.strip(), expected=error.expected) from None


def check(source: Source, model: type[ModelT]) -> ModelT:
    """Validate plain data against a model class. Raises SpecError for one wrong field, counting the others."""
    if not isinstance(source.data, dict):
        raise SpecError("holds no fields", file=source.file, expected=f"the fields of a {model.__name__}")
    try:
        return model.model_validate_json(json.dumps(source.data))
    except pydantic.ValidationError as error:
        problems = error.errors(include_url=False)
        raise _first_problem(source, model, problems) from None


def _first_problem(source: Source, model: type[pydantic.BaseModel], problems: list[Any]) -> SpecError:
    # A misspelt key comes before the missing one that it was meant to be.
    problem = next((found for found in problems if found["type"] == "extra_forbidden"), problems[0])
    path: Path_ = tuple(part for part in problem["loc"])
    kind = problem["type"]
    expected: str | None = None
    if kind == "extra_forbidden":
        text = "unknown field"
        expected = did_you_mean(str(path[-1]), _fields_at(model, path[:-1]))
    elif kind == "missing":
        text = "is missing"
    else:
        text = problem["msg"].removeprefix("Value error, ").removeprefix("Assertion failed, ")
        shown = json.dumps(problem.get("input"), default=str)
        if kind != "value_error" and len(shown) <= 40:
            text = f"{text}, got {shown}"
        text = text[0].lower() + text[1:]
    if len(problems) > 1:
        text += f" (and {len(problems) - 1} more wrong fields)"
    file, line = source.where(path)
    return SpecError(text, file=file, line=line or None, field=dotted(path) or None, expected=expected)


def _fields_at(model: Any, path: Path_) -> list[str]:
    """Field names of the model class that sits at a path, as far as annotations tell."""
    for part in path:
        info = getattr(model, "model_fields", {}).get(part)
        if info is None:
            return []
        model = info.annotation
        for candidate in getattr(model, "__args__", ()):
            if isinstance(candidate, type) and issubclass(candidate, pydantic.BaseModel):
                model = candidate
    return list(getattr(model, "model_fields", {}))


def _is_file(path: Path) -> bool:
    """Is there a file of this name? A name too long for the file system names none."""
    try:
        return path.is_file()
    except OSError:
        return False


class Library:
    """A folder of documents of one kind, found by file name; `base:` names another of the same folder."""

    def __init__(self, kind: str, folder: Path) -> None:
        self.kind = kind
        self.folder = folder

    def names(self) -> list[str]:
        """The names that come with the package, sorted."""
        return sorted(path.stem for path in self.folder.glob("*.yaml"))

    def source(self, name: str, settings: dict[str, Any] | None = None) -> Source:
        """The document called `name`, or the file of that path, with its `base:` merged and settings applied."""
        source = self._with_base(name, ())
        return apply_settings(source, settings) if settings else source

    def load(self, name: str, model: type[ModelT], settings: dict[str, Any] | None = None) -> ModelT:
        """`source`, checked."""
        return check(self.source(name, settings), model)

    def _find(self, name: str) -> Path:
        packaged = self.folder / f"{name}.yaml"
        if re.fullmatch(r"[\w.+-]+", name) and _is_file(packaged):
            return packaged
        if name.endswith((".yaml", ".yml")):
            return Path(name)
        raise SpecError(f"unknown {self.kind} '{name}'", expected=did_you_mean(name, self.names()))

    def _with_base(self, name: str, seen: tuple[str, ...]) -> Source:
        path = self._find(name)
        source = read_yaml(path)
        if path.parent == self.folder:
            source.file = path.name
            source.lines = {key: (path.name, line) for key, (_, line) in source.lines.items()}
        if not isinstance(source.data, dict):
            raise SpecError("holds no fields", file=source.file, expected=f"a {self.kind}")
        base = source.data.pop("base", None)
        if base is None:
            return source
        if not isinstance(base, str) or base in seen or len(seen) >= 8:
            problem = "leads back to itself" if base in seen else "is not the name of a document"
            raise SpecError(problem, file=source.file, line=source.where(("base",))[1], field="base")
        beside = path.parent / base
        if path.parent != self.folder and _is_file(beside):
            base = str(beside)
        return merge(self._with_base(base, (*seen, name)), source)
