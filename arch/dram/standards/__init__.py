"""One file for each DRAM standard: its levels, commands and timing rules. A new standard is a new file here."""
