"""What a stranger installs: an sdist and a wheel that work away from the repository, and a package light to import."""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
NOT_COPIED = shutil.ignore_patterns(".*", "build", "dist", "out", "_build", "*.egg-info", "__pycache__", "*.so")
LAYERS = ("arch", "csrc", "traces", "sim", "plots")
NO_DATA = {".so", ".c", ".html"}  # build products, in the tree or of Cython
HEAVY = ("numpy", "matplotlib", "pydantic", "yaml", "rich", "jinja2", "zstandard", "bitline.csrc.dram.memory")


def run(command, **options):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False, **options)
    assert done.returncode == 0, f"{command}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """(sdist, wheel, the copy of the tree that they were made from); the wheel is made from the sdist."""
    folder = tmp_path_factory.mktemp("package")
    shutil.copytree(ROOT, folder / "tree", symlinks=True, ignore=NOT_COPIED)
    build = [sys.executable, "-m", "build", "--no-isolation", "--outdir", folder / "dist", folder / "tree"]
    run(build, env={**os.environ, "BITLINE_BUILD": "release"})
    (sdist,) = (folder / "dist").glob("*.tar.gz")
    (wheel,) = (folder / "dist").glob("*.whl")
    return sdist, wheel, folder / "tree"


@pytest.fixture(scope="module")
def installed(built, tmp_path_factory):
    """`bin` of a fresh environment with the wheel; its dependencies are those of the running interpreter."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, symlinks=True)
    pip = [sys.executable, "-m", "pip", "--python", folder / "bin/python"]
    run([*pip, "install", "--quiet", "--no-index", "--no-deps", built[1]])
    (site,) = folder.glob("lib/python*/site-packages")
    paths = dict.fromkeys((sysconfig.get_path("purelib"), sysconfig.get_path("platlib")))
    # A path in a .pth file only lengthens sys.path: an editable install of bitline there does not come with it.
    (site / "dependencies.pth").write_text("".join(f"{path}\n" for path in paths))
    return folder / "bin"


def away(command, folder):
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return run(command, cwd=folder, env=env)


@pytest.mark.slow
def test_the_sdist_holds_sources_and_no_tests(built):
    with tarfile.open(built[0]) as archive:
        members = archive.getmembers()
    names = {member.name.partition("/")[2] for member in members}
    assert {"setup.py", "pyproject.toml", "LICENSE", "bitline/csrc/dram/memory.pyx", "bitline/py.typed"} <= names
    assert not [member.name for member in members if member.issym() or member.islnk()]
    assert not [
        name for name in names if name.startswith(("tests", "benchmarks", "docs")) or name.endswith((".so", ".c"))
    ]


@pytest.mark.slow
def test_the_wheel_holds_cores_and_every_data_file(built):
    with zipfile.ZipFile(built[1]) as archive:
        names = set(archive.namelist())
    tree = built[2]
    paths = [path for folder in LAYERS for path in (tree / folder).rglob("*") if path.suffix not in NO_DATA]
    data = {f"bitline/{path.relative_to(tree)}" for path in paths if path.is_file()}
    assert len(data) > 40
    assert data <= names
    cores = {str(path.relative_to(tree).with_suffix("")) for path in (tree / "csrc").rglob("*.pyx")}
    assert cores == {name.removeprefix("bitline/").split(".")[0] for name in names if name.endswith(".so")}
    assert "bitline/py.typed" in names
    assert not [name for name in names if "test" in name.split("/")[-1] and name.endswith(".py")]
    assert {name.split("/")[0] for name in names} == {
        "bitline",
        *(n.split("/")[0] for n in names if ".dist-info/" in n),
    }


@pytest.mark.slow
def test_the_installed_command_works_away_from_the_tree(installed, tmp_path):
    where = away([installed / "python", "-c", "import bitline; print(bitline.__file__)"], tmp_path)
    assert Path(where.strip()).is_relative_to(installed.parent)
    assert away([installed / "bitline", "--version"], tmp_path).startswith("bitline, version ")
    assert "ddr4-3200" in json.dumps(json.loads(away([installed / "bitline", "list", "specs", "--json"], tmp_path)))
    load = ["dram", "--pattern", "stream", "--requests", "1000", "--spec", "ddr4-3200"]
    result = json.loads(away([installed / "bitline", *load, "--json"], tmp_path))
    assert result["requests"] == result["reads"] == 1000
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_the_installed_references_are_met(installed, tmp_path):
    rows = json.loads(away([installed / "bitline", "validate", "dram", "--json"], tmp_path))
    assert {"closed form", "DRAMsim3", "Ramulator2.1"} <= {row["origin"] for row in rows}


def loaded_by(code):
    return json.loads(run([sys.executable, "-c", f"import json, sys\n{code}\nprint(json.dumps(sorted(sys.modules)))"]))


@pytest.mark.parametrize(
    "code",
    [
        "import bitline",
        "import contextlib, io\n"
        "from bitline.sim.cli.main import bitline\n"
        "with contextlib.redirect_stdout(io.StringIO()):\n"
        "    bitline.main(['--help'], standalone_mode=False)",
    ],
    ids=["import bitline", "bitline --help"],
)
def test_start_up_imports_nothing_heavy(code):
    modules = loaded_by(code)
    assert "bitline" in modules
    assert [name for name in HEAVY if name in modules] == []


def test_the_heavy_modules_are_those_of_a_memory():
    modules = loaded_by("import bitline.arch.dram.memory")
    assert {"numpy", "pydantic", "yaml", "bitline.csrc.dram.memory"} <= set(modules)
