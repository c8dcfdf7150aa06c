"""The report of one run."""

from __future__ import annotations

from typing import Any

from bitline.plots.labels import percent
from bitline.plots.report.breakdowns import pack_block
from bitline.plots.report.documents import yaml_text
from bitline.plots.report.facts import bottleneck_shares
from bitline.plots.report.numbers import label, listed, quantity
from bitline.plots.report.render import render
from bitline.plots.report.words import Said, ratio

_HEAD = ("time_s", "bound_time_s", "time_per_token_s", "tokens_per_s", "energy_j", "power_w", "row_hit_rate")


def run_page(result: dict[str, Any]) -> bytes:
    """The page of a result (`Result.to_dict`)."""
    workload = result["workload"]
    made = result["provenance"]
    provenance = [
        ("version", made.get("version", "")),
        ("code", made.get("code_hash", "")),
        ("key", made.get("key", "")),
        ("command", made.get("command", "")),
    ]
    return render(
        "run.html.j2",
        {"kind": "run"},
        [pack_block([(made.get("key"), result)])],
        title=f"{workload.get('model', 'Run')} on {result['system']}",
        question=", ".join(f"{name} {value}" for name, value in workload.items() if name != "model"),
        head=[(label(name), quantity(name, result[name])) for name in _HEAD if result[name] is not None],
        said=_said(result),
        resolved=yaml_text(made.get("resolved", {})),
        provenance=[(name, text) for name, text in provenance if text],
    )


def _said(result: dict[str, Any]) -> list[Said]:
    """What the run shows, in sentences."""
    shares = bottleneck_shares(result)
    found = []
    if shares:
        told = listed(f"{name} for {percent(share)}" for name, share in list(shares.items())[:3])
        text = f"Held back by {told} of the time."
        if result["level"] == "cycle" and result["bound_time_s"]:
            text += f" It takes {ratio(result['time_s'] / result['bound_time_s'])} its lower bound."
        found.append(Said("What limits it", text))
    longest = sorted(result["operators"], key=lambda operator: -operator["time_s"])[:3]
    if longest and result["time_s"]:
        told = listed(f"{one['name']} {percent(one['time_s'] / result['time_s'])}" for one in longest)
        found.append(Said("Where time goes", f"{told} of the time."))
    parts = sorted(result["energy_parts_j"].items(), key=lambda part: -part[1])[:3]
    if parts and result["energy_j"]:
        told = listed(f"{name.replace('_', ' ')} {percent(part / result['energy_j'])}" for name, part in parts)
        found.append(Said("Where energy goes", f"{told} of the energy."))
    return found
