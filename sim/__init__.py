"""What happens in a run: simulation, studies, validation, the timing checker, the command line."""
