"""The axes of a study in their fixed order. Each is a sequence of places; a place gives one or more parameters.

Design axes (system, policy, devices, number format, settings) are what an architect chooses; workload axes (model,
phase, batch, lengths) are what the design has to run.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from bitline.sim.study.domains import Choices, Countable, Free, Interval, Linked
from bitline.sim.study.order import ordered
from bitline.sim.study.point import GENERATE, Phase
from bitline.sim.study.spec import DEFAULT_CONTEXT, StudySpec

Place = tuple[Any, ...]
WORKLOAD = ("phase", "batch", "context", "prompt", "tokens", "lengths", "seed")


@dataclass(frozen=True)
class Axis:
    """`names` of the parameters that a place of this axis gives, and its places."""

    names: tuple[str, ...]
    places: Sequence[Place]


class OneByOne(Sequence[Place]):
    """A domain as places of one parameter, none of them made before it is asked for."""

    def __init__(self, domain: Countable) -> None:
        self.domain = domain

    def __len__(self) -> int:
        return len(self.domain)

    def __getitem__(self, index: Any) -> Any:
        return (self.domain[index],)


class Loads(Sequence[Place]):
    """phase x batch x what its requests are: a context, a prompt and tokens to generate, or drawn lengths."""

    def __init__(self, study: StudySpec) -> None:
        self._batches = ordered(study.batches)
        self._blocks = [(phase, _requests(study, phase)) for phase in ordered(study.phases)]

    def __len__(self) -> int:
        return len(self._batches) * sum(len(requests) for _, requests in self._blocks)

    def __getitem__(self, index: Any) -> Any:
        for phase, requests in self._blocks:
            size = len(self._batches) * len(requests)
            if index < size:
                batch, request = divmod(index, len(requests))
                return (phase, self._batches[batch], *requests[request])
            index -= size
        raise IndexError(index)


def _requests(study: StudySpec, phase: Phase) -> list[Place]:
    """(context, prompt, tokens, lengths, seed) of a phase."""
    if phase == GENERATE:
        pairs = itertools.product(ordered(study.prompts), ordered(study.tokens))
        return [(None, prompt, tokens, None, None) for prompt, tokens in pairs]
    seeds: list[int | None] = [*ordered(study.seeds)] or [None]
    drawn = itertools.product(ordered(study.lengths), seeds)
    contexts = study.contexts or ([] if study.lengths else [DEFAULT_CONTEXT])
    return [
        *((context, None, None, None, None) for context in ordered(contexts)),
        *((None, None, None, lengths, seed) for lengths, seed in drawn),
    ]


def workload_axes(study: StudySpec) -> list[Axis]:
    """What a design has to run."""
    return [Axis(("model",), _ones(study.models)), Axis(WORKLOAD, Loads(study))]


def design_axes(study: StudySpec) -> list[Axis]:
    """What an architect chooses, as far as it is countable: settings of an Interval are not among them."""
    axes = [
        Axis(("system",), _ones(study.systems)),
        Axis(("policy",), _ones(study.policies)),
        *(Axis((name,), _ones(values)) for name, values in _parallel(study)),
    ]
    if study.points:
        paths = tuple(sorted(study.points[0]))
        axes.append(Axis(paths, [tuple(point[path] for path in paths) for point in study.points]))
    for path in sorted(study.settings):
        domain = study.settings[path]
        if not isinstance(domain, Interval | Linked):
            axes.append(Axis((path,), OneByOne(domain)))
    return axes


def free_dimensions(study: StudySpec) -> list[tuple[str, Free]]:
    """Design parameters with more than one value, by name, with the domain that samples and searches draw from."""
    return [(name, domain) for name, domain in _design_domains(study) if not _is_fixed(domain)]


def fixed_design(study: StudySpec) -> dict[str, Any]:
    """Design parameters with one value, by name."""
    return {name: domain.at(0) for name, domain in _design_domains(study) if _is_fixed(domain)}


def _design_domains(study: StudySpec) -> Iterator[tuple[str, Free]]:
    named: list[tuple[str, list[Any]]] = [("system", study.systems), ("policy", study.policies), *_parallel(study)]
    for name, values in named:
        yield name, Choices(tuple(ordered(values)))
    for path in sorted(study.settings):
        domain = study.settings[path]
        if not isinstance(domain, Linked):
            yield path, domain


def _is_fixed(domain: Free) -> bool:
    return domain.first == domain.to if isinstance(domain, Interval) else len(domain) == 1


def grid_axes(study: StudySpec) -> list[Axis]:
    """All axes, the slowest first."""
    system, policy, *rest = design_axes(study)
    return [system, policy, *workload_axes(study), *rest]


def workloads(study: StudySpec) -> Iterator[dict[str, Any]]:
    """Every workload of a study, parameters by name."""
    axes = workload_axes(study)
    for places in itertools.product(*(axis.places for axis in axes)):
        yield {name: value for axis, place in zip(axes, places) for name, value in zip(axis.names, place)}


def _ones(values: Sequence[Any]) -> list[Place]:
    return [(value,) for value in ordered(values)]


def _parallel(study: StudySpec) -> list[tuple[str, list[Any]]]:
    return [
        ("tensor", list(study.tensors) or [None]),
        ("pipeline", list(study.pipelines) or [None]),
        ("dtype", list(study.dtypes) or [None]),
    ]
