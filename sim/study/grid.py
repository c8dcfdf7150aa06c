"""A study: axes whose product is a grid of design points."""

from __future__ import annotations

import itertools
import json
import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import Field, field_validator, model_validator

from bitline.base.document import Document, Source, check, read_yaml

Count = Annotated[int, Field(ge=1, le=1 << 30)]
Name = Annotated[str, Field(min_length=1)]
Level = Literal["cycle", "bound"]
Phase = Literal["prefill", "decode", "generate"]

Value = TypeVar("Value")

GENERATE: Phase = "generate"

SETTING_PATH = re.compile(r"[A-Za-z_][\w-]*(\.[\w-]+)*")


class StudySpec(Document):
    """A grid: every model x phase x batch x workload x setting, on one system under one policy."""

    schema_: Literal[1] = Field(1, alias="schema")
    system: Name = Field(description="a name of `bitline list systems`, or a file")
    policy: Name | None = Field(None, description="left out: the system's own")
    level: Level = "cycle"
    settings: dict[str, list[Any]] = Field(default_factory=dict, description="path in the system -> values to try")
    models: list[Name]
    phases: list[Phase] = ["decode"]
    batches: list[Count] = [1]
    contexts: list[Count] = Field([1024], description="tokens that a request attends to; unused by phase generate")
    prompts: list[Count] = Field([], description="tokens of the prompt; phase generate only")
    tokens: list[Count] = Field([], description="tokens to generate; phase generate only")

    @field_validator("settings")
    @classmethod
    def _paths(cls, settings: dict[str, list[Any]]) -> dict[str, list[Any]]:
        for path, values in settings.items():
            if not SETTING_PATH.fullmatch(path):
                raise ValueError(f"'{path}' is not a path such as memory.channels")
            _check_axis(values, f"{path} ")
        return settings

    @field_validator("models", "phases", "batches", "contexts")
    @classmethod
    def _filled(cls, values: list[Any]) -> list[Any]:
        _check_axis(values)
        return values

    @model_validator(mode="after")
    def _workloads(self) -> StudySpec:
        for name, values in (("prompts", self.prompts), ("tokens", self.tokens)):
            if GENERATE in self.phases:
                _check_axis(values, f"{name}, which phase generate needs, ")
            elif values:
                raise ValueError(f"{name} goes with phase generate only")
        return self


def _check_axis(values: list[Any], name: str = "") -> None:
    """Refuse an axis without values, and one that would run a point twice."""
    if not values:
        raise ValueError(f"{name}has no values: the grid is empty")
    seen = set()
    for value in values:
        text = json.dumps(value)
        if text in seen:
            raise ValueError(f"{name}has the value {text} twice")
        seen.add(text)


@dataclass(frozen=True)
class Point:
    """One design point: the arguments of one run."""

    system: str
    policy: str | None
    model: str
    phase: Phase
    batch: int
    context: int | None
    prompt: int | None
    tokens: int | None
    level: Level
    settings: dict[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)


def load_study(file: str | Path) -> StudySpec:
    """The study of a YAML file. Raises SpecError."""
    return check(read_yaml(file), StudySpec)


def make_study(**axes: Any) -> StudySpec:
    """A study from values, checked like a file. Raises SpecError."""
    return check(Source({"schema": 1, **axes}, "study"), StudySpec)


def grid_size(study: StudySpec) -> int:
    """Number of points, without making them."""
    workloads = sum(
        len(study.prompts) * len(study.tokens) if phase == GENERATE else len(study.contexts) for phase in study.phases
    )
    settings = math.prod(len(values) for values in study.settings.values())
    return len(study.models) * len(study.batches) * workloads * settings


def grid_points(study: StudySpec) -> Iterator[Point]:
    """Every point, in an order that the order of values and keys in the study does not change."""
    paths = sorted(study.settings)
    choices = [_ordered(study.settings[path]) for path in paths]
    for model, phase, batch in itertools.product(
        _ordered(study.models), _ordered(study.phases), _ordered(study.batches)
    ):
        for context, prompt, tokens in _workloads(study, phase):
            for values in itertools.product(*choices):
                yield Point(
                    system=study.system,
                    policy=study.policy,
                    model=model,
                    phase=phase,
                    batch=batch,
                    context=context,
                    prompt=prompt,
                    tokens=tokens,
                    level=study.level,
                    settings=dict(zip(paths, values)),
                )


def _workloads(study: StudySpec, phase: Phase) -> Iterator[tuple[int | None, int | None, int | None]]:
    if phase == GENERATE:
        for prompt, tokens in itertools.product(sorted(study.prompts), sorted(study.tokens)):
            yield None, prompt, tokens
    else:
        for context in sorted(study.contexts):
            yield context, None, None


def _ordered(values: Iterable[Value]) -> list[Value]:
    """Numbers by size, then text with its numbers by size (gpt2-9b before gpt2-10b), then all else."""
    return sorted(values, key=_rank)


def _rank(value: Any) -> tuple[int, Any, str]:
    text = json.dumps(value, sort_keys=True)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return 0, value, text
    if isinstance(value, str):
        # Text and digits take turns, so that equal places hold equal types.
        parts = re.split(r"([0-9]+)", value)
        return 1, [int(part) if place % 2 else part for place, part in enumerate(parts)], text
    return 2, 0, text
