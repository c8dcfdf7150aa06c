"""Suites of references that come with the package, by name, and the run of a list of references."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from bitline.arch.dram.bound import peak_spacing_ticks, unloaded_read_latency_ticks
from bitline.arch.dram.part import PARTS, load_part
from bitline.base.errors import BitlineError, SpecError, did_you_mean
from bitline.sim.validate.experiments import run_experiment
from bitline.sim.validate.npu import closed_form_references
from bitline.sim.validate.peers import is_peer_table, peer_references
from bitline.sim.validate.rows import Reference, Row, parse_references, read_table

REFERENCES = Path(__file__).parent / "references"


def read_references(file: str | Path) -> list[Reference]:
    """References from a file of the rows' own form, or from a peers' table. Raises TraceError."""
    rows = read_table(file)
    if rows and is_peer_table(rows[0][1]):
        return peer_references(rows, file)
    return parse_references(rows, file)


def dram_references() -> list[Reference]:
    """Other simulators' runs, then closed forms of every part."""
    references = read_references(REFERENCES / "dram_peers.csv")
    for name in PARTS.names():
        part = load_part(name)
        latency = unloaded_read_latency_ticks(part)
        spacing = peak_spacing_ticks(part)
        references.append(
            Reference(f"{name} lone read", "latency_ticks", "closed form", latency, 0, f"unloaded_read part={name}")
        )
        references.append(
            Reference(f"{name} peak reads", "spacing_ticks", "closed form", spacing, 0, f"peak_reads part={name}")
        )
    return references


def pim_gpt_references() -> list[Reference]:
    """What was published of PIM-GPT."""
    return read_references(REFERENCES / "pim_gpt.csv")


def npu_references() -> list[Reference]:
    """Closed forms of arrays, then what other simulators print, and their rules."""
    return [*closed_form_references(), *read_references(REFERENCES / "npu.csv")]


def neupims_references() -> list[Reference]:
    """NeuPIMs' command timing, estimate and throughput."""
    return read_references(REFERENCES / "neupims.csv")


SUITES: dict[str, Callable[[], list[Reference]]] = {
    "dram": dram_references,
    "pim-gpt": pim_gpt_references,
    "npu": npu_references,
    "neupims": neupims_references,
}


def suite_references(names: Sequence[str]) -> list[Reference]:
    """The references of some suites, or of all. Raises SpecError for an unknown name."""
    for name in names:
        if name not in SUITES:
            raise SpecError(f"unknown validation '{name}'", expected=did_you_mean(name, SUITES))
    return [reference for name in (names or SUITES) for reference in SUITES[name]()]


def run_references(references: Sequence[Reference]) -> Iterator[Row]:
    """Run what the references need, in their order. Raises BitlineError with the row's name."""
    for reference in references:
        try:
            metrics = run_experiment(reference.inputs)
        except BitlineError as error:
            error.problem = f"{reference.name}: {error.problem}"
            raise
        if reference.metric not in metrics:
            problem = f"{reference.name}: unknown metric '{reference.metric}'"
            raise SpecError(problem, expected=did_you_mean(reference.metric, metrics))
        yield Row(reference, metrics[reference.metric])


def validate(*names: str, reference: str | Path | None = None) -> list[Row]:
    """The rows of some suites (all, if none is named), or of a reference file. Raises BitlineError."""
    return list(run_references(read_references(reference) if reference else suite_references(names)))
