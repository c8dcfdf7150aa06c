"""A study: what is varied, which points of it exist, what is asked of them, and how they are chosen."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Field, PlainSerializer, PlainValidator, field_validator, model_validator

from bitline.base.document import Document, Source, check, read_yaml
from bitline.base.errors import SpecError, did_you_mean
from bitline.sim.study.domains import Domain, Interval, Linked, parse_domain
from bitline.sim.study.expressions import parse, parse_condition
from bitline.sim.study.order import check_axis
from bitline.sim.study.point import GENERATE, METRICS, PARAMETERS, SETTING_PATH, Level, Phase

Count = Annotated[int, Field(ge=1, le=1 << 30)]
Seed = Annotated[int, Field(ge=0, lt=1 << 31)]
Name = Annotated[str, Field(min_length=1)]
Formula = Annotated[str, Field(min_length=1)]
Axis: TypeAlias = Annotated[
    Domain, PlainValidator(parse_domain), PlainSerializer(lambda domain: domain.to_data(), return_type=Any)
]
Goal = Literal["min", "max"]

MAX_DESIGNS = 1 << 20
MAX_EVALUATIONS = 100_000
DEFAULT_CONTEXT = 1024


class Sample(Document):
    """Designs drawn from the whole space in place of its grid."""

    method: Literal["grid", "random", "lhs", "sobol"] = "lhs"
    points: Annotated[int, Field(ge=1, le=MAX_DESIGNS)] | None = Field(None, description="designs to draw")
    seed: Seed = 0

    @model_validator(mode="after")
    def _counted(self) -> Sample:
        if (self.method == "grid") == (self.points is not None):
            raise ValueError("points go with every method but grid")
        return self


class Search(Document):
    """Designs chosen after the results of those before, in rounds of one size."""

    method: Literal["tpe", "cmaes", "nsga2", "nsga3", "random"] = "tpe"
    evaluations: Annotated[int, Field(ge=1, le=MAX_EVALUATIONS)] = Field(200, description="designs to run at most")
    round: Annotated[int, Field(ge=2, le=4096)] = Field(16, description="designs chosen at a time")
    seed: Seed = 0


class Screen(Document):
    """The bound level on all points, then the cycle level on those that it leaves."""

    keep: Annotated[int, Field(ge=1, le=1 << 20)] = 200
    margin: Annotated[float, Field(ge=0, le=10)] = Field(0.1, description="how far from the front; 10% or 0.1")
    check: Annotated[int, Field(ge=0, le=1 << 20)] = Field(0, description="others to simulate, drawn at random")
    seed: Seed = 0

    @field_validator("margin", mode="before")
    @classmethod
    def _percent(cls, value: Any) -> Any:
        if isinstance(value, str) and value.endswith("%"):
            try:
                return float(value.removesuffix("%")) / 100
            except ValueError:
                raise ValueError(f"'{value}' is not a percentage") from None
        return value


class StudySpec(Document):
    """Every system x policy x model x phase x batch x workload x setting, or a choice among them."""

    schema_: Literal[1] = Field(1, alias="schema")
    title: str = ""
    question: str = Field("", description="what the study is to answer; heads its report")
    system: Name | list[Name] = Field(description="names of `bitline list systems`, or files")
    policy: Name | list[Name] | None = Field(None, description="left out: the system's own")
    level: Level = "cycle"
    settings: dict[str, Axis] = Field(
        default_factory=dict, description="path -> values, {from, to, step}, {from, to, factor}, {from, to} or {expr}"
    )
    points: list[dict[str, Any]] = Field([], description="settings point by point, in place of their product")
    models: list[Name]
    phases: list[Phase] = ["decode"]
    batches: list[Count] = [1]
    contexts: list[Count] = Field(
        [], description=f"tokens that a request attends to (default: {DEFAULT_CONTEXT}); unused by phase generate"
    )
    prompts: list[Count] = Field([], description="tokens of the prompt; phase generate only")
    tokens: list[Count] = Field([], description="tokens to generate; phase generate only")
    lengths: list[Name] = Field([], description="requests of the lengths of sharegpt, alpaca or a file; batched runs")
    seeds: list[Seed] = Field([], description="seeds with which requests are drawn from lengths")
    tensors: list[Count] = Field([], description="tensor-parallel devices; batched runs")
    pipelines: list[Count] = Field([], description="pipeline stages; batched runs")
    dtypes: list[Name] = Field([], description="number formats")
    conditions: list[Formula] = Field([], description="on parameters: which points there are")
    derived: dict[str, Formula] = Field(default_factory=dict, description="column -> formula of other columns")
    constraints: list[Formula] = Field([], description="on results: which points are feasible")
    objectives: dict[str, Goal] = Field({"time_per_token_s": "min"}, description="column -> min or max")
    sample: Sample | None = None
    search: Search | None = None
    screen: Screen | None = None

    @property
    def systems(self) -> list[str]:
        """The systems, one or several."""
        return [self.system] if isinstance(self.system, str) else list(self.system)

    @property
    def policies(self) -> list[str | None]:
        """The policies; None: the system's own."""
        return [self.policy] if self.policy is None or isinstance(self.policy, str) else list(self.policy)

    @property
    def setting_paths(self) -> list[str]:
        """Every path that the points set, sorted."""
        return sorted({*self.settings, *(self.points[0] if self.points else ())})

    @field_validator("settings")
    @classmethod
    def _paths(cls, settings: dict[str, Domain]) -> dict[str, Domain]:
        _check_paths(settings)
        return settings

    @field_validator("points")
    @classmethod
    def _alike(cls, points: list[dict[str, Any]]) -> list[dict[str, Any]]:
        for number, point in enumerate(points):
            if not point or set(point) != set(points[0]):
                raise ValueError(f"point {number + 1} has not the paths of the first: {', '.join(sorted(points[0]))}")
        if points:
            _check_paths(points[0])
            check_axis(points)
        return points

    @field_validator("system", "policy", "models", "phases", "batches")
    @classmethod
    def _filled(cls, values: Any) -> Any:
        if isinstance(values, list):
            check_axis(values)
        return values

    @field_validator("contexts", "prompts", "tokens", "lengths", "seeds", "tensors", "pipelines", "dtypes")
    @classmethod
    def _given_once(cls, values: list[Any]) -> list[Any]:
        if values:
            check_axis(values)
        return values

    @field_validator("objectives")
    @classmethod
    def _some_objective(cls, objectives: dict[str, Goal]) -> dict[str, Goal]:
        if not objectives:
            raise ValueError("has no column to aim at")
        return objectives

    @field_validator("conditions", "constraints")
    @classmethod
    def _conditions(cls, texts: list[str]) -> list[str]:
        for text in texts:
            _as_value_error(parse_condition, text)
        return texts

    @field_validator("derived")
    @classmethod
    def _formulas(cls, derived: dict[str, str]) -> dict[str, str]:
        for name, text in derived.items():
            if not name.isidentifier():
                raise ValueError(f"'{name}' is not a name for a column")
            if name in METRICS or name in PARAMETERS or name in ("status", "error", "feasible"):
                raise ValueError(f"'{name}' is a column already")
            _as_value_error(parse, text)
        return derived

    @model_validator(mode="after")
    def _workloads(self) -> StudySpec:
        for name, values in (("prompts", self.prompts), ("tokens", self.tokens)):
            if GENERATE in self.phases:
                check_axis(values, f"{name}, which phase generate needs, ")
            elif values:
                raise ValueError(f"{name} goes with phase generate only")
        if self.seeds and not self.lengths:
            raise ValueError("seeds go with lengths only")
        return self

    @model_validator(mode="after")
    def _choice(self) -> StudySpec:
        ways = [name for name in ("sample", "search", "points") if getattr(self, name)]
        if len(ways) > 1:
            raise ValueError(f"{ways[0]} and {ways[1]} are two ways to choose points: give one")
        if self.search is not None and self.screen is not None:
            raise ValueError("search and screen are two ways to choose points: give one")
        for path, domain in self.settings.items():
            if self.points and not isinstance(domain, Linked):
                raise ValueError(f"points stand in place of settings, which then hold formulas only, not {path}")
            if isinstance(domain, Interval) and not self.draws:
                raise ValueError(f"{path} is a range without steps: give a step or a factor, or a sample or search")
        return self

    @property
    def draws(self) -> bool:
        """Are designs drawn, by a sample or a search, and not counted through?"""
        return self.search is not None or (self.sample is not None and self.sample.method != "grid")

    @model_validator(mode="after")
    def _search_fits(self) -> StudySpec:
        if self.search is not None:
            several = len(self.objectives) > 1
            if self.search.method == "cmaes" and several:
                raise ValueError("search by cmaes has one objective; nsga2, nsga3 and tpe have several")
            if self.search.method == "nsga3" and not several:
                raise ValueError("search by nsga3 has two objectives or more; nsga2 has one, too")
        return self


def load_study(file: str | Path) -> StudySpec:
    """The study of a YAML file. Raises SpecError."""
    return check(read_yaml(file), StudySpec)


def make_study(**fields: Any) -> StudySpec:
    """A study from values, checked like a file. Raises SpecError."""
    return check(Source({"schema": 1, **fields}, "study"), StudySpec)


def _check_paths(paths: Any) -> None:
    for path in paths:
        if not SETTING_PATH.fullmatch(path):
            raise ValueError(f"'{path}' is not a path such as memory.channels")
        if path in PARAMETERS:
            plural = {**{name: f"{name}s" for name in PARAMETERS}, "batch": "batches", "policy": "policy"}
            raise ValueError(f"'{path}' is no path in the system; {did_you_mean(plural[path], StudySpec.model_fields)}")


def _as_value_error(check_text: Any, text: str) -> None:
    try:
        check_text(text)
    except SpecError as error:
        raise ValueError(str(error)) from None
