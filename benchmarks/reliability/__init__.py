"""How far the simulator can be relied on, counted: `python -m benchmarks.reliability`."""
