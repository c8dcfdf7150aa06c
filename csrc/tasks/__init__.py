"""Task graphs: the dispatcher that starts tasks, and units that take a known time."""
