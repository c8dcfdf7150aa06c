"""Systolic arrays: when the blocks of a matrix product enter and leave them."""
