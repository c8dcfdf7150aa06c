"""Processing in memory: channels that execute programs of DRAM and compute commands."""
