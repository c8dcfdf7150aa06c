"""The checker judges the cores, so it shares nothing with them but data files."""

import ast
import sys
from pathlib import Path

import bitline.sim.check

FOLDER = Path(bitline.sim.check.__file__).parent
ALLOWED = ("bitline.base.", "bitline.sim.check", "numpy", "zstandard")
STANDARD_LIBRARY = sys.stdlib_module_names - {"ctypes", "importlib", "runpy", "subprocess"}


def imports(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name}: a relative import"
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id not in ("__import__", "eval", "exec"), path.name


def test_no_file_imports_from_the_cores_or_their_tables():
    files = sorted(FOLDER.rglob("*.py"))
    assert len(files) > 15
    for path in files:
        for name in imports(path):
            root = name.split(".")[0]
            fine = name == "bitline" or name.startswith(ALLOWED) or root in STANDARD_LIBRARY
            assert fine, f"{path.name} imports {name}"
            assert not name.startswith(("bitline.arch", "bitline.csrc")), f"{path.name} imports {name}"


def test_part_files_are_the_only_files_that_it_opens_by_itself():
    text = "".join(path.read_text() for path in FOLDER.rglob("*.py"))
    assert text.count('"arch"') == 1
    assert 'Library("part", Path(bitline.__file__).parent / "arch" / "dram" / "parts")' in text
