"""The event engine: clocks, ports, components, programs, and exact fast-forward."""

import importlib
from typing import Any

_MODULES = {
    "simulator": ("Simulator",),
    "component": ("Component",),
    "python_component": ("PythonComponent", "Received"),
    "program": ("Loop", "Program"),
    "region": ("Region",),
    "transitions": ("TransitionTable",),
    "clock": ("ClockDomain",),
    "event_log": ("LOG_ROW",),
    "requester": ("ANSWERED", "ASKED", "READ", "REQUEST_BODY", "WRITE", "Requester"),
    "ideal": ("IdealMemory",),
    "null": ("NullDevice",),
}
_WHERE = {name: module for module, names in _MODULES.items() for name in names}

__all__ = sorted(_WHERE)


def __getattr__(name: str) -> Any:
    # Cores are loaded when they are asked for: `import bitline` stays light.
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_WHERE[name]}"), name)
