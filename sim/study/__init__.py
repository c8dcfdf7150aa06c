"""Sweeps: a grid of design points, a store of what is done, a table of all."""

from bitline.sim.study.folder import TABLE_NAME, SweepSummary, sweep
from bitline.sim.study.grid import grid_points, grid_size
from bitline.sim.study.opened import OpenedStudy, open_study
from bitline.sim.study.point import Point
from bitline.sim.study.spec import StudySpec, load_study, make_study
from bitline.sim.study.store import STORE_NAME, Store
from bitline.sim.study.table import read_table

__all__ = [
    "STORE_NAME",
    "TABLE_NAME",
    "OpenedStudy",
    "Point",
    "Store",
    "StudySpec",
    "SweepSummary",
    "grid_points",
    "grid_size",
    "load_study",
    "make_study",
    "open_study",
    "read_table",
    "sweep",
]
