"""Bitline: a cycle-level simulator of LLM accelerators."""

__version__ = "0.1.0"
