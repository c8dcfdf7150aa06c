"""Every example runs, and says what its page says."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from bitline.sim.study import grid_size, load_study
from bitline.sim.study.check import check_study

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
STUDIES = {"pim_gpt_design.yaml": 64, "neupims_row_buffers.yaml": 12}
NOTEBOOK = EXAMPLES / "pim_gpt_design.ipynb"

EXECUTE = """
import sys, nbclient, nbformat
notebook = nbformat.read(sys.argv[1], as_version=4)
nbclient.NotebookClient(notebook, timeout=300, kernel_name="python3").execute()
nbformat.write(notebook, sys.argv[2])
"""


def python(*arguments, **options):
    done = subprocess.run(
        [sys.executable, *map(str, arguments)], capture_output=True, text=True, check=False, **options
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def test_no_example_is_left_out():
    scripts = {"engine_component.py", "pim_gpt_design.py", "pim_gpt_study.py"}  # the first has a test of its own
    assert {path.name for path in EXAMPLES.iterdir() if path.is_file()} == scripts | {*STUDIES, NOTEBOOK.name}


@pytest.mark.parametrize("name", STUDIES)
def test_studies_can_be_run(name):
    study = load_study(EXAMPLES / name)
    check_study(study)
    assert grid_size(study) == STUDIES[name]


def test_the_study_from_python(tmp_path):
    first = python("-W", "error", EXAMPLES / "pim_gpt_design.py", "--quick", tmp_path)
    assert "6 points, 6 of them run now" in first
    assert "memory.pim.lanes_per_bank: 1.90 x" in first
    again = python(EXAMPLES / "pim_gpt_design.py", "--quick", tmp_path)
    assert again == first.replace("6 of them run now", "0 of them run now")


@pytest.mark.slow
def test_the_published_study_prints_its_tables():
    out = python("-W", "error", EXAMPLES / "pim_gpt_study.py", "--quick")
    assert out.count("| gpt3-1.3b |") == 6


def test_the_notebook_is_kept_without_outputs():
    cells = json.loads(NOTEBOOK.read_text())["cells"]
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in cells if "outputs" in cell)


@pytest.mark.slow
def test_the_notebook_runs(tmp_path):
    python("-c", EXECUTE, NOTEBOOK, tmp_path / "done.ipynb", cwd=tmp_path)
    cells = [cell for cell in json.loads((tmp_path / "done.ipynb").read_text())["cells"] if cell["cell_type"] == "code"]
    figures = [output for cell in cells for output in cell["outputs"] if "image/png" in output.get("data", {})]
    assert len(figures) == 3
    assert "'memory.channels': (8, 32)" in str(cells[-2]["outputs"])
