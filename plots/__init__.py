"""Figures and reports, from results alone."""
