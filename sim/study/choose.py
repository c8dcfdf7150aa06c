"""The points of a study by the way that it says: its grid, a list, a sample, a search."""

from __future__ import annotations

from bitline.sim.study.asker import Asker, OneRound
from bitline.sim.study.designs import Designs
from bitline.sim.study.grid import Grid, Size, grid_points
from bitline.sim.study.sampling import sample_points
from bitline.sim.study.screen import ScreenAsker
from bitline.sim.study.search import make_search
from bitline.sim.study.spec import StudySpec


def make_asker(study: StudySpec) -> Asker:
    """Who asks for the points of a study, from the first round on. Raises SpecError, also for a missing extra."""
    if study.search is not None:
        return make_search(study)
    points = sample_points(study) if study.draws else None
    if study.screen is not None:
        return ScreenAsker(study, points)
    return OneRound(grid_points(study) if points is None else points)


def study_size(study: StudySpec) -> Size:
    """How many points a study runs, or at most runs, without making them."""
    size = _chosen(study) if study.draws else Grid(study).count()
    if study.screen is not None:
        return Size(min(size.points, study.screen.keep + study.screen.check), exact=False)
    return size


def _chosen(study: StudySpec) -> Size:
    """Points of a sample or a search."""
    designs = study.search.evaluations if study.search is not None else study.sample.points  # type: ignore[union-attr]
    assert designs is not None
    return Size(designs * Designs(study).workloads, study.search is None and not study.conditions)
