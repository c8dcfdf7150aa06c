"""Tables of other simulators' cycle counts (DRAMsim3, Ramulator 2.1) as references for the `dram` experiment."""

from __future__ import annotations

from pathlib import Path

from bitline.base.errors import TraceError, did_you_mean
from bitline.sim.validate.rows import Reference

# What a column of the peers' table is called by the experiment, and how near it has to be.
CYCLES_PCT, LATENCY_PCT, COUNT_PCT, ENERGY_PCT = 1.0, 2.0, 1.0, 1.0
METRICS = {
    "cycles": ("ticks", CYCLES_PCT),
    "cycles_all_accepted": ("last_accepted_tick", CYCLES_PCT),
    "avg_read_latency": ("read_latency_mean_ticks", LATENCY_PCT),
    "read_cmds": ("read_commands", COUNT_PCT),
    "write_cmds": ("write_commands", COUNT_PCT),
    "acts": ("activates", COUNT_PCT),
    "pres": ("precharges", COUNT_PCT),
    "refs": ("refreshes", COUNT_PCT),
    "energy_pJ": ("energy_pj_per_ns_of_clock", ENERGY_PCT),
    "reads_served": ("read_commands", COUNT_PCT),
    "writes_served": ("write_commands", COUNT_PCT),
    "row_misses": ("row_misses", COUNT_PCT),
    "row_conflicts": ("row_conflicts", COUNT_PCT),
}
CONTROLLERS = {
    ("DRAMsim3", ""): "dramsim3",
    ("Ramulator2.1", "FRFCFS"): "ramulator2",
    ("Ramulator2.1", "FRFCFSRowHit"): "ramulator2-rowhit",
}
_REFRESH = {"AllBank": "all_bank", "PerBank": "per_bank", "HBM34PerBankRefresh": "per_bank", "NoRefresh": "none"}
# DRAMsim3's configuration files name their mapping; the others of the table use rochrababgco.
_DRAMSIM3_MAPPINGS = {"configs/HBM2_8Gb_x128.ini": "rorabgbachco"}


def is_peer_table(row: dict[str, str]) -> bool:
    """Does a table have the columns of a peers' table?"""
    return {"peer", "config", "workload", "requests", "cycles"} <= set(row)


def peer_references(rows: list[tuple[int, dict[str, str]]], file: str | Path) -> list[Reference]:
    """One reference for each number of the table. Raises TraceError for what it does not know."""
    references = []
    for line, row in rows:
        try:
            inputs = _inputs(row)
            name = f"{row['peer']} {_short(row)} {row['workload']}"
            for column, (metric, tolerance) in _metrics(row).items():
                if row.get(column):
                    references.append(Reference(name, metric, row["peer"], float(row[column]), tolerance, inputs))
        except (KeyError, ValueError) as error:
            raise TraceError(f"holds {error}, which is not known here", file=file, line=line) from None
    return references


def _metrics(row: dict[str, str]) -> dict[str, tuple[str, float]]:
    # DRAMsim3 counts accesses to a row that was used before, Ramulator requests that began with their access.
    hits = "reused_rows" if row["peer"] == "DRAMsim3" else "row_hits"
    return {**METRICS, "row_hits": (hits, COUNT_PCT)}


def _short(row: dict[str, str]) -> str:
    variant = row.get("variant", "")
    parts = [part for part in variant.split(";")[1:3] if part not in ("FRFCFS", "RoBaRaCoCh")]
    return " ".join([row["config"].removeprefix("configs/").removesuffix(".ini").split("/")[-1], *parts])


def _inputs(row: dict[str, str]) -> str:
    words = {"part": row["config"], "pattern": row["workload"], "requests": row["requests"]}
    if row["peer"] == "DRAMsim3":
        words["controller"] = CONTROLLERS["DRAMsim3", ""]
        if row["config"] in _DRAMSIM3_MAPPINGS:
            words["mapping"] = _DRAMSIM3_MAPPINGS[row["config"]]
    else:
        variant = row.get("variant") or "GenericDDR;FRFCFS;RoBaRaCoCh;Open;AllBank;1ch"
        _controller, scheduler, mapping, page, refresh, channels = variant.split(";")
        if (row["peer"], scheduler) not in CONTROLLERS:
            hint = did_you_mean(scheduler, ["FRFCFS", "FRFCFSRowHit"])
            raise ValueError(f"{row['peer']} with '{scheduler}' ({hint})")
        if page != "Open":
            raise ValueError(f"row policy '{page}'")
        words["controller"] = CONTROLLERS[row["peer"], scheduler]
        words["mapping"] = mapping
        words["channels"] = channels.removesuffix("ch")
        if _REFRESH[refresh] != "all_bank":
            words["refresh"] = _REFRESH[refresh]
    return "dram " + " ".join(f"{key}={value}" for key, value in words.items())
