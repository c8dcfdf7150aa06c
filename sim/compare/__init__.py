"""Comparisons: two results side by side."""

from bitline.sim.compare.compare import Change, Comparison, OperatorPair, Quantity, compare

__all__ = ["Change", "Comparison", "OperatorPair", "Quantity", "compare"]
