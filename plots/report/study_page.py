"""The report of a study."""

from __future__ import annotations

import math
from typing import Any

from bitline.plots.report.breakdowns import blocks, pack_block
from bitline.plots.report.columns import page_columns
from bitline.plots.report.documents import yaml_text
from bitline.plots.report.facts import Facts
from bitline.plots.report.numbers import label, plain, quantity
from bitline.plots.report.render import render
from bitline.plots.report.words import summary
from bitline.sim.study.point import METRICS
from bitline.sim.study.record import StudyRecord

MAX_POINTS = 5000
"""Points in a page where no other number is asked for."""
MAX_BOUND_POINTS = 5000
MAX_BEST = 40
_METRICS_SHOWN = ("tokens_per_s", "energy_j", "power_w")
_KNOWN_GOALS = {"tokens_per_s": "max", **dict.fromkeys(("time_s", "time_per_token_s", "energy_j", "power_w"), "min")}


def study_page(record: StudyRecord, max_points: int = MAX_POINTS) -> bytes:
    """The page of a study; of more than `max_points`, the fronts and the best are kept and the page says so."""
    facts = Facts(record)
    shown = sorted(facts.shown[:max_points])
    star = facts.star
    star_result = None if star is None else _result(record, star)
    packed = [pack_block([(record.keys[i], _result(record, i)) for i in part]) for part in blocks(shown)]
    return render(
        "study.html.j2",
        _data(facts, shown),
        packed,
        title=record.study.title or f"Study of {', '.join(record.study.systems)}",
        question=record.study.question,
        said=summary(facts, star_result),
        best=_best_table(facts),
        effects=_effects(facts),
        objective=label(facts.objective),
        shared=_shared(facts),
        study_text=yaml_text(_asked(record)),
        resolved=_resolved(star_result),
        star=None if star is None else star + 1,
        provenance=_provenance(record, star, star_result),
        points=len(record.rows),
        shown=len(shown),
    )


def _result(record: StudyRecord, index: int) -> dict[str, Any] | None:
    key = record.keys[index]
    return None if key is None else record.result_of(key)


def _data(facts: Facts, shown: list[int]) -> dict[str, Any]:
    """What the page's script works on."""
    record = facts.record
    rows = [record.rows[i] for i in shown]
    place = {index: at for at, index in enumerate(shown)}
    workloads = facts.workloads
    number = {workload: at for at, workload in enumerate(workloads)}
    varying = facts.varying(record.workload_names)
    roles = _roles(record)
    bound = _bound(facts)
    return {
        "kind": "study",
        "numbers": [i + 1 for i in shown],
        "columns": page_columns(rows, roles, set(record.parameters) - set(facts.varying(record.parameters))),
        "bound": page_columns(bound, {name: role for name, role in roles.items() if role != "status"}),
        "bound_workload": _workload_places(facts, bound, number),
        "objectives": record.study.objectives,
        "goals": {**_KNOWN_GOALS, **record.study.objectives},
        "front": [place[i] for i in facts.front if i in place],
        "star": place.get(facts.star) if facts.star is not None else None,
        "workload": [number[facts.workload_of(i)] for i in shown],
        "workloads": [_workload_text(facts, workload, varying) for workload in workloads],
        "colour": next((effect.name for effect in facts.effects.of if effect.name in record.design_names), None),
    }


def _roles(record: StudyRecord) -> dict[str, str]:
    """Every column of the table and what it is."""
    parameters = dict.fromkeys(record.workload_names, "workload") | dict.fromkeys(record.design_names, "design")
    known = {name: parameters[name] for name in record.parameters}
    names = list(record.rows[0])
    metrics = {name: "metric" for name in METRICS if name in names}
    derived = {name: "derived" for name in names if name not in known | metrics and name not in ("status", "error")}
    return known | metrics | derived | {"status": "status", "error": "status"}


def _bound(facts: Facts) -> list[dict[str, Any]]:
    """The points of a screen, an even part of them where they are many."""
    rows = [row for row in facts.record.bound_rows if row["status"] == "done"]
    return rows[:: -(-len(rows) // MAX_BOUND_POINTS) or 1]


def _workload_places(facts: Facts, rows: list[dict[str, Any]], number: dict[Any, int]) -> list[int | None]:
    names = facts.record.workload_names
    return [number.get(tuple(row.get(name) for name in names)) for row in rows]


def _workload_text(facts: Facts, workload: tuple[Any, ...], varying: list[str]) -> str:
    pairs = [(name, value) for name, value in zip(facts.record.workload_names, workload) if name in varying]
    return ", ".join(plain(value) if name in ("model", "phase") else f"{name} {plain(value)}" for name, value in pairs)


def _best_table(facts: Facts) -> dict[str, Any]:
    """The best point of each workload: headings, then a row each."""
    record = facts.record
    names = facts.varying(record.parameters)
    metrics = [facts.objective, *(name for name in _METRICS_SHOWN if name != facts.objective)]
    metrics = [name for name in metrics if name in record.rows[0]]
    rows = [
        {
            "number": i + 1,
            "cells": [
                *(plain(record.rows[i][name]) if record.rows[i][name] is not None else "" for name in names),
                *(quantity(name, record.rows[i].get(name)) for name in metrics),
                record.rows[i].get("bottleneck") or "",
            ],
        }
        for i in list(facts.best.values())[:MAX_BEST]
    ]
    headings = [*names, *(label(name) for name in metrics), "bottleneck"]
    return {"headings": headings, "rows": rows, "left": max(0, len(facts.best) - MAX_BEST)}


def _effects(facts: Facts) -> list[dict[str, Any]]:
    """Bars of a tornado: each parameter's range of the objective, on a logarithmic axis that all share."""
    effects = facts.effects.of
    ends = [value for effect in effects for _, value in effect.levels]
    if not ends:
        return []
    low, high = math.log(min(ends)), math.log(max(ends))
    width = high - low or 1.0
    bars = []
    for effect in effects:
        least, most = min(effect.levels, key=lambda level: level[1]), max(effect.levels, key=lambda level: level[1])
        start, end = (100 * (math.log(value) - low) / width for value in (least[1], most[1]))
        bars.append(
            {
                "name": effect.name,
                "ratio": f"{effect.ratio:.3g}",
                "least": f"{least[0]}: {least[1]:.3g}",
                "most": f"{most[0]}: {most[1]:.3g}",
                "start": round(start, 2),
                "width": round(max(end - start, 0.4), 2),
                "middle": round(100 * (0 - low) / width, 2),
                "design": effect.name in facts.record.design_names,
            }
        )
    return bars


def _shared(facts: Facts) -> list[tuple[str, str]]:
    """Parameters that all points have alike."""
    record = facts.record
    varying = set(facts.varying(record.parameters))
    row = record.rows[0]
    return [(name, plain(row[name])) for name in record.parameters if name not in varying and row[name] is not None]


def _asked(record: StudyRecord) -> dict[str, Any]:
    """The study's document, without what it leaves as it is."""
    return {"schema": 1, **record.study.model_dump(mode="json", by_alias=True, exclude_defaults=True)}


def _resolved(result: dict[str, Any] | None) -> str:
    """The documents of a run in full, as YAML."""
    return "" if result is None else yaml_text(result["provenance"].get("resolved", {}))


def _provenance(record: StudyRecord, star: int | None, result: dict[str, Any] | None) -> list[tuple[str, str]]:
    made = {} if result is None else result["provenance"]
    study = record.study
    chosen = study.sample or study.search or study.screen
    seed = getattr(chosen, "seed", None)
    pairs = [
        ("version", made.get("version", "")),
        ("code", made.get("code_hash", "")),
        ("seed", "" if seed is None else str(seed)),
        ("command", made.get("command", "")),
        ("key in the store", "" if star is None else record.keys[star] or ""),
        ("folder", record.folder),
    ]
    return [(name, text) for name, text in pairs if text]
