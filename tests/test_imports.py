"""Which folder may import which: a line a folder, the longest that fits counts."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LAYERS = {"base", "traces", "csrc", "arch", "sim", "plots"}
TABLE = {
    "base": (),
    "traces": ("base",),
    "csrc": ("base",),
    "arch": ("base", "traces", "csrc"),
    "sim": ("base", "traces", "csrc", "arch"),
    "sim.cli": ("base", "traces", "csrc", "arch", "plots"),  # the command line draws, too
    "sim.check": ("base",),  # judges the cores, so it shares nothing with them
    "plots": ("base", "sim.run", "sim.study", "sim.validate", "sim.compare"),  # results alone
}
OWN = {"sim": "sim", "sim.cli": "sim", "sim.check": "sim.check"}
CYTHON_IMPORT = re.compile(r"^[ \t]*(?:from\s+([\w.]+)\s+c?import\s+\(?([\w, ]*)|c?import\s+([\w.]+))", re.MULTILINE)


def sources() -> Iterator[tuple[str, Path]]:
    """(dotted name inside bitline, file) of every module; the links of bitline/ are left to the folders themselves."""
    for layer in sorted(LAYERS):
        folder = ROOT / "bitline/base" if layer == "base" else ROOT / layer
        for path in sorted([*folder.rglob("*.py"), *folder.rglob("*.pyx"), *folder.rglob("*.pxd")]):
            yield ".".join((layer, *path.relative_to(folder).with_suffix("").parts)), path


def imported(path: Path) -> Iterator[str]:
    """Modules that a file names, `from a import b` as a.b."""
    text = path.read_text()
    if path.suffix != ".py":
        for module, names, plain in CYTHON_IMPORT.findall(text):
            yield from [plain] if plain else [f"{module}.{name.strip()}" for name in names.split(",")]
        return
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{'.' * node.level}{node.module or ''}.{alias.name}" for alias in node.names)


def within(name: str, prefix: str) -> bool:
    return name == prefix or name.startswith(prefix + ".")


def wrong(name: str, module: str) -> bool:
    """May the module called `name` not import `module`?"""
    if module.startswith(".") or module.split(".")[0] in LAYERS:  # relative, or by its bare folder name
        return True
    target = module.removeprefix("bitline.")
    if target == module or target.split(".")[0] not in LAYERS:
        return False
    row = max((key for key in TABLE if within(name, key)), key=len)
    return not any(within(target, prefix) for prefix in (*TABLE[row], OWN.get(row, row)))


def test_every_import_stands_in_the_table():
    found = {(name, module) for name, path in sources() for module in imported(path)}
    assert {"csrc.dram.memory", "arch.dram.memory", "sim.check.checker"} <= {name for name, _ in found}
    assert ("csrc.dram.memory", "bitline.csrc.engine.event_log.LogRow") in found  # a cimport is seen
    assert [f"{name} imports {module}" for name, module in sorted(found) if wrong(name, module)] == []


def test_the_table_refuses_what_it_should():
    assert wrong("arch.dram.memory", "bitline.sim.run.result.Result")
    assert wrong("sim.check.checker", "bitline.csrc.dram.memory.MemoryCore")
    assert wrong("sim.check.checker", "bitline.arch.dram.part.load_part")
    assert wrong("sim.check.checker", "bitline.sim.run.result.Result")
    assert wrong("sim.run.result", "bitline.plots.figure.draw")
    assert wrong("csrc.dram.memory", "bitline.traces.Trace")
    assert wrong("sim.run.result", "traces.Trace")
    assert not wrong("sim.cli.plot_command", "bitline.plots.figure.draw")
    assert not wrong("arch.dram.memory", "bitline.csrc.dram.memory.MemoryCore")
