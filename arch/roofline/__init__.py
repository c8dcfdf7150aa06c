"""Processors at the bound level: peak compute, memory bandwidth, power."""
