"""The DRAM core: timing rules, banks, controllers, request sources."""
