"""Figures, from results alone. Each is a function `plot_x(table, ax=None)` of a table that is also written as CSV."""
