"""The event engine: clocks, ports, components, programs, and exact fast-forward."""
