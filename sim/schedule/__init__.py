"""Schedules: which operator runs where, and what may overlap; policies as data."""
