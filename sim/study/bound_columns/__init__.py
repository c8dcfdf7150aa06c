"""The bound level over many design points at once: what `level="bound"` says of each, in columns."""

from bitline.sim.study.bound_columns.evaluate import bound_columns, bound_of_points
from bitline.sim.study.bound_columns.metrics import MetricColumns
from bitline.sim.study.bound_columns.point_columns import PointColumns

__all__ = ["MetricColumns", "PointColumns", "bound_columns", "bound_of_points"]
