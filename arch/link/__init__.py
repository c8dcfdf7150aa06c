"""Links between devices, at the bound level: bandwidth and start-up time."""
