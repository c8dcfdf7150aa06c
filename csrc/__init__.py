"""The cycle-level cores, in Cython: integer clocks, C structs, no Python object in a hot loop."""
