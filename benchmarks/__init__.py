"""Speed (`python -m benchmarks`) and reliability (`python -m benchmarks.reliability`), measured."""
