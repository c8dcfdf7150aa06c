"""What can be wrong with a study as a whole is found here, before any of its points runs."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from typing import Any

from bitline.arch.npu.mapping import load_mapping
from bitline.arch.systems.system import load_system
from bitline.base.errors import SpecError, did_you_mean
from bitline.sim.run.run import POLICY_PREFIX, TILING_PREFIX
from bitline.sim.schedule.serving_policy import BatchPolicy, load_any_policy
from bitline.sim.study.contradiction import check_ranges
from bitline.sim.study.domains import Choices, Domain, Interval, Linked
from bitline.sim.study.expressions import Expression, parse
from bitline.sim.study.grid import MAX_COUNTED, Grid
from bitline.sim.study.point import METRICS, PARAMETERS
from bitline.sim.study.rows import RowFinish
from bitline.sim.study.scope import Scope, document_value
from bitline.sim.study.spec import StudySpec
from bitline.traces import DTYPES, load_model
from bitline.traces.requests import load_lengths

# Of a long range so many values are tried; all of its fields' other rules are on single values.
TRIED = 64
ENERGIES = ("energy_j", "power_w")


def check_study(study: StudySpec) -> None:
    """Refuse a study that names what is not there, or of which no point can be. Raises SpecError."""
    _check_documents(study)
    _check_names(study)
    check_ranges(study.conditions, "conditions")
    check_ranges(study.constraints, "constraints")
    if study.conditions and not study.draws:
        _check_some_point(study)


def _check_documents(study: StudySpec) -> None:
    for model in study.models:
        load_model(model)
    for dtype in study.dtypes:
        if dtype not in DTYPES:
            raise SpecError(f"unknown number format '{dtype}'", field="dtypes", expected=did_you_mean(dtype, DTYPES))
    for lengths in study.lengths:
        load_lengths(lengths)
    for system, policy in itertools.product(study.systems, study.policies):
        default = policy or load_system(system).policy
        if default is not None:
            load_any_policy(default)
        for path, value in _settings(study):
            _check_setting(system, default, path, value)


def _settings(study: StudySpec) -> Iterator[tuple[str, Any]]:
    for path, domain in study.settings.items():
        for value in _some_values(domain):
            yield path, value
    for point in study.points:
        yield from point.items()


def _some_values(domain: Domain) -> Iterable[Any]:
    if isinstance(domain, Linked):
        return ()  # its values are known point by point
    if isinstance(domain, Choices):
        return domain.values
    if isinstance(domain, Interval) or len(domain) > TRIED:
        return [domain.at(part / TRIED) for part in (0, TRIED // 2, TRIED)]
    return [domain[index] for index in range(len(domain))]


def _check_setting(system: str, policy: str | None, path: str, value: Any) -> None:
    """Refuse a path that is not there, or a value that its field never takes."""
    try:
        if path.startswith(TILING_PREFIX):
            _check_tiling(system, policy, path, value)
        elif not path.startswith(POLICY_PREFIX):
            load_system(system, {path: value})
        elif policy is not None:
            load_any_policy(policy, {path.removeprefix(POLICY_PREFIX): value})
    except SpecError as error:
        # What is wrong elsewhere in the document may come right with the other settings of a point.
        if error.file == "--set":
            raise


def _check_tiling(system: str, policy: str | None, path: str, value: Any) -> None:
    schedule = None if policy is None else load_any_policy(policy)
    if not isinstance(schedule, BatchPolicy):
        raise SpecError(f"is of an NPU, which system '{system}' has not", file="--set", field=path)
    load_mapping(schedule.tiling, {path.removeprefix(TILING_PREFIX): value})


# --- names in formulas ---


def _check_names(study: StudySpec) -> None:
    linked = {f"settings.{path}": one.expression for path, one in study.settings.items() if isinstance(one, Linked)}
    conditions = {f"conditions[{i}]": parse(text) for i, text in enumerate(study.conditions)}
    derived = {f"derived.{name}": parse(text) for name, text in study.derived.items()}
    constraints = {f"constraints[{i}]": parse(text) for i, text in enumerate(study.constraints)}
    parameters = [*PARAMETERS, *study.setting_paths]
    results = [*METRICS, *study.derived]
    for field, formula in (linked | conditions).items():
        for name in formula.names:
            if name in results:
                problem = f"'{name}' is a result, which no point has before it runs"
                raise SpecError(problem, field=field, expected="parameters; constraints speak of results")
            _check_name(study, field, name, parameters)
    for field, formula in (derived | constraints).items():
        for name in formula.names:
            _check_name(study, field, name, [*results, *parameters])
    for name in study.objectives:
        if name not in results:
            raise SpecError(f"unknown column '{name}'", field="objectives", expected=did_you_mean(name, results))
    if study.level == "bound":
        _check_energy(study, {**derived, **constraints})
    # Formulas that lead in a circle are found where they are put in order.
    Scope(study), RowFinish(study)


def _check_name(study: StudySpec, field: str, name: str, known: list[str]) -> None:
    if name in known:
        return
    head = name.split(".")[0]
    try:
        for system, policy in itertools.product(study.systems, study.policies):
            document_value(system, policy, name)
    except SpecError as error:
        # A dotted name is meant for a document, whose nearest field is known by then; any other for a column.
        expected = error.expected if "." in name and head not in known else did_you_mean(name, known)
        raise SpecError(error.problem, field=field, expected=expected) from None


def _check_energy(study: StudySpec, formulas: dict[str, Expression]) -> None:
    """Energy and power are 0 in a bound of anything but a processor: nothing may be judged by them."""
    read = {name: field for field, formula in formulas.items() for name in formula.names}
    read |= dict.fromkeys(study.objectives, "objectives")
    for name in ENERGIES:
        for system in study.systems if name in read else ():
            if load_system(system).processor is None:
                problem = f"the bound level of '{system}' says no {name}"
                raise SpecError(problem, field=read[name], expected="level: cycle, or other columns")


def _check_some_point(study: StudySpec) -> None:
    grid = Grid(study)
    if grid.size <= MAX_COUNTED and next(grid.indices(), None) is None:
        conditions = " and ".join(study.conditions)
        raise SpecError(f"no point of {grid.size:,} meets {conditions}", field="conditions", expected="at least one")
