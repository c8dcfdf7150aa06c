"""Bitline: a cycle-level simulator of LLM accelerators."""

from typing import Any

__version__ = "0.1.0"

# Imported on first use: `import bitline` stays light.
_LAZY = {
    "Result": ("bitline.sim.run.result", "Result"),
    "compare": ("bitline.sim.compare", "compare"),
    "open": ("bitline.sim.study", "open_study"),
    "run": ("bitline.sim.run.run", "run"),
    "sweep": ("bitline.sim.study", "sweep"),
    "validate": ("bitline.sim.validate.suites", "validate"),
}

# `open` is left out: a star import would hide the builtin.
__all__ = ["Result", "__version__", "compare", "run", "sweep", "validate"]


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module 'bitline' has no attribute '{name}'")
    import importlib

    module, attribute = _LAZY[name]
    return getattr(importlib.import_module(module), attribute)
