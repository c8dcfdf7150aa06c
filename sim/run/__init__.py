"""Runs: of a request trace, of an operator, of a model on a system."""
