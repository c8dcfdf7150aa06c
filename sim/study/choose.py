"""The points of a study by the way that it says: its grid, a list, a sample, a search."""

from __future__ import annotations

from bitline.sim.study.asker import Asker, OneRound
from bitline.sim.study.grid import Grid, Size, grid_points
from bitline.sim.study.spec import StudySpec


def make_asker(study: StudySpec) -> Asker:
    """Who asks for the points of a study, from the first round on. Raises SpecError, also for a missing extra."""
    if study.screen is not None:
        from bitline.sim.study.screen import ScreenAsker

        return ScreenAsker(study)
    return OneRound(grid_points(study))


def study_size(study: StudySpec) -> Size:
    """How many points a study runs, or at most runs, without making them."""
    size = Grid(study).count()
    if study.screen is not None:
        return Size(min(size.points, study.screen.keep + study.screen.check), exact=False)
    return size
