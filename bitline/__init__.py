"""Bitline: a cycle-level simulator of LLM accelerators."""

from typing import Any

__version__ = "0.1.0"

# Imported on first use: `import bitline` stays light.
_LAZY = {
    "Result": "bitline.sim.run.result",
    "compare": "bitline.sim.compare",
    "run": "bitline.sim.run.run",
    "sweep": "bitline.sim.study",
    "validate": "bitline.sim.validate.suites",
}

__all__ = ["Result", "__version__", "compare", "run", "sweep", "validate"]


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module 'bitline' has no attribute '{name}'")
    import importlib

    return getattr(importlib.import_module(_LAZY[name]), name)
