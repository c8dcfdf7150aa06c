import importlib.util
import sys
from pathlib import Path

import pytest


def _load(name):
    spec = importlib.util.spec_from_file_location(f"systolic_{name}", Path(__file__).with_name(f"{name}.py"))
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # where dataclasses look
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def reference():
    """The module reference.py."""
    return _load("reference")


@pytest.fixture(scope="session")
def machine():
    """The module machine.py."""
    return _load("machine")
