"""What a check found, and how much of it is run."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """One line of the page. `met` is None where the figure asked for was not tried in this run."""

    topic: str
    property: str
    asked: str
    found: str
    met: bool | None
    note: str = ""


@dataclass(frozen=True)
class Scale:
    """How much to run."""

    name: str
    requests: int
    """Requests of each stream."""
    streams: int
    """Streams for each part and controller."""
    mutants: int
    """Mutants of each kind and log."""
    programs: int
    """Random programs of each kind with fast-forward on and off."""
    documents: int
    """Wrong inputs."""


SCALES = {
    "quick": Scale("quick", requests=120, streams=1, mutants=1, programs=6, documents=60),
    "default": Scale("default", requests=2_400, streams=1, mutants=1, programs=1_000, documents=10_000),
    "night": Scale("night", requests=100_000, streams=20, mutants=20, programs=50_000, documents=1_000_000),
}
