"""The summary of a study in sentences, each made from its data."""

from __future__ import annotations

from typing import Any, NamedTuple

from bitline.plots.labels import percent
from bitline.plots.report.facts import Facts, Values, bottleneck_shares
from bitline.plots.report.numbers import counted, label, listed, plain, quantity

MAX_REASONS = 5

_LEVELS = {"cycle": " cycle by cycle", "bound": " by their lower bound only"}


class Said(NamedTuple):
    """A sentence or two under a heading of one or two words."""

    about: str
    text: str


def summary(facts: Facts, result: dict[str, Any] | None) -> list[Said]:
    """What the study found. `result` is the whole result of the point that stands for it (Facts.star)."""
    parts = [_points(facts), _best(facts), _limit(facts, result), _matters(facts), _front(facts), _constraints(facts)]
    return [part for part in (*parts, _failures(facts), _screen(facts)) if part is not None]


def parameters_text(facts: Facts, values: Values, names: list[str]) -> str:
    """`memory.channels 16, asic.adders 256`: of the parameters that vary."""
    varying = set(facts.varying(names))
    return ", ".join(f"{name} {plain(value)}" for name, value in zip(names, values) if name in varying)


def _points(facts: Facts) -> Said:
    levels = {row.get("level") for row in facts.record.rows}
    how = _LEVELS.get(str(levels.pop()), "") if len(levels) == 1 else ""
    text = f"{counted(len(facts.record.rows), 'point')}: {len(facts.done):,} simulated{how}"
    return Said("Points", f"{text}, {len(facts.failed):,} failed." if facts.failed else f"{text}.")


def _best(facts: Facts) -> Said:
    name = label(facts.objective)
    word = "least" if facts.goal == "min" else "most"
    if not facts.best:
        return Said("Best point", f"No point that meets the constraints has a {name}.")
    record = facts.record
    of = " of all points that meet the constraints" if record.study.constraints else ""
    if facts.best_design is not None:
        found = facts.best_design
        design = parameters_text(facts, found.values, record.design_names)
        text = f"Over the {len(facts.best)} workloads: {design}."
        if found.worst_ratio > 1.0005:
            behind = f"its {name} is {ratio(found.mean_ratio)} the best of each (geometric mean)"
            return Said("Best design", f"{text} Over the workloads, {behind}, and {ratio(found.worst_ratio)} at worst.")
        return Said("Best design", f"{text} In each it has the {word} {name}{of}.")
    if len(facts.best) > 1:
        return Said("Best point", f"One for each of the {len(facts.best)} workloads: they stand in the table below.")
    index = next(iter(facts.best.values()))
    row = record.rows[index]
    design = parameters_text(facts, facts.design_of(index), record.design_names)
    where = f", with {design}" if design else ""
    extra = [quantity(n, row.get(n)) for n in ("tokens_per_s", "energy_j", "power_w") if n != facts.objective]
    names = [label(n) for n in ("tokens_per_s", "energy_j", "power_w") if n != facts.objective]
    rest = listed(f"{a} {b}" for a, b in zip(names, extra) if b != "none")
    text = f"Point {index + 1}{where}: {word} {name}, {quantity(facts.objective, row[facts.objective])}"
    return Said("Best point", f"{text} ({rest})." if rest else f"{text}.")


def _limit(facts: Facts, result: dict[str, Any] | None) -> Said | None:
    if facts.star is None:
        return None
    row = facts.record.rows[facts.star]
    at = f"Point {facts.star + 1}"
    if len(facts.best) > 1:
        workload = parameters_text(facts, facts.workload_of(facts.star), facts.record.workload_names)
        at += f" ({workload})"
    if result is None or not result["operators"]:
        return Said("What limits it", f"{at} is held back by {row['bottleneck']}.") if row.get("bottleneck") else None
    shares = bottleneck_shares(result)
    first, *rest = shares.items()
    text = f"{at} is held back by {first[0]} for {percent(first[1])} of its time"
    others = [f"{name} for {percent(share)}" for name, share in rest if share >= 0.02][:2]
    text += f", by {listed(others)}." if others else "."
    if row.get("level") == "cycle" and result["bound_time_s"]:
        text += f" It takes {ratio(result['time_s'] / result['bound_time_s'])} its lower bound."
    parts = result["energy_parts_j"]
    if parts and result["energy_j"]:
        most = max(parts, key=lambda part: parts[part])
        share = percent(parts[most] / result["energy_j"])
        text += f" The largest part of its energy, {share}, goes to {most.replace('_', ' ')}."
    return Said("What limits it", text)


def _matters(facts: Facts) -> Said | None:
    effects = facts.effects
    if not effects.of:
        return None
    name = label(facts.objective)
    design = [effect for effect in effects.of if effect.name in facts.record.design_names]
    workload = [effect for effect in effects.of if effect.name in facts.record.workload_names]
    texts = []
    if design:
        first, *rest = design
        ends = [pick(first.levels, key=lambda level: level[1])[0] for pick in (min, max)]
        worst, best = ends if facts.goal == "max" else reversed(ends)
        moves = "rises" if facts.goal == "max" else "falls"
        if first.ratio < 1.005:
            texts.append(f"No parameter of the design moves the {name} by 0.5% on average.")
        else:
            text = (
                f"{first.name}: from {worst} to {best}, the {name} {moves} by a factor of {first.ratio:.3g} on average"
            )
            others = [f"{effect.name} ({effect.ratio:.3g})" for effect in rest[:3]]
            texts.append(f"{text}; then {listed(others)}." if others else f"{text}.")
    if workload:
        told = listed(f"{effect.name} {effect.ratio:.3g}" for effect in workload[:3])
        texts.append(f"Of the workload, by a factor: {told}.")
    if effects.explained is not None:
        told = f"{percent(effects.explained)} of the spread"
        texts.append(f"The parameters one by one explain {told}; the rest is how they work together.")
    else:
        texts.append("There are hardly more points than values of parameters, so take this as a guess.")
    return Said("What matters", " ".join(texts))


def _front(facts: Facts) -> Said | None:
    goals = facts.record.study.objectives
    if len(goals) < 2 or not facts.front:
        return None
    aims = listed(f"{'less' if goal == 'min' else 'more'} {label(name)}" for name, goal in goals.items())
    where = " of their workload" if len(facts.workloads) > 1 else ""
    return Said("Front", f"{counted(len(facts.front), 'point')} that no other point{where} beats in {aims} at once.")


def _constraints(facts: Facts) -> Said | None:
    texts = facts.record.study.constraints
    if not texts:
        return None
    feasible = len(facts.done) - len(facts.infeasible)
    return Said("Constraints", f"{feasible:,} of {counted(len(facts.done), 'point')} meet {listed(texts)}.")


def _failures(facts: Facts) -> Said | None:
    if not facts.failures:
        return None
    told = [f"{one.count:,}: {one.example}" for one in facts.failures[:MAX_REASONS]]
    left = sum(one.count for one in facts.failures[MAX_REASONS:])
    more = f" {left:,} more for other reasons." if left else ""
    return Said("Failed", f"{'; '.join(told)}.{more}")


def _screen(facts: Facts) -> Said | None:
    screen = facts.record.screen
    if screen is None:
        return None
    kept = f"{counted(screen['kept'], 'point')} on or near the front" if screen["kept"] != 1 else "1 point"
    text = f"The bound level looked at {counted(screen['points'], 'point')}; {kept} went on to the cycle level"
    text += f", and {screen['checked']:,} of the others, drawn at random, to check it." if screen["checked"] else "."
    quality = screen["quality"]
    ranks = [
        f"{label(name)} {measures['spearman']:.2f}"
        for name, measures in quality["objectives"].items()
        if measures["spearman"] is not None
    ]
    if ranks:
        text += f" Rank correlation of bound and cycle level: {listed(ranks)} (1 is perfect)."
    if quality["front_recall"] is not None:
        text += f" Of the front of all simulated points it had kept {percent(quality['front_recall'])}."
    if not screen["checked"]:
        text += " No other point was simulated, so what it dropped is not known to be worse."
    return Said("Screen", text)


def ratio(value: float) -> str:
    """`1.2 times`."""
    return f"{value:.3g} times"
