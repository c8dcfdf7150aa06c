"""The gallery shows every figure, and its blocks are what makes them (test_commands.py runs the page, too)."""

import importlib.util
import re
from pathlib import Path

import pytest

from bitline.sim.cli.figures import FIGURES

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def gallery():
    spec = importlib.util.spec_from_file_location("make_gallery", ROOT / "docs/make_gallery.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_figure_of_the_command_line_is_shown(gallery):
    text = gallery.PAGE.read_text()
    assert [name for name in FIGURES if f"{name}.png" not in text] == []


def test_every_figure_of_the_folder_is_shown_and_every_shown_one_is_made(gallery):
    shown = gallery.figures_of_page()
    made = re.findall(r"(?:-o |\")([\w-]+\.png)", gallery.PAGE.read_text())
    assert sorted(shown) == sorted(made) == sorted(path.name for path in gallery.FIGURES.iterdir())


def test_a_failing_block_leaves_the_figures_as_they_were(gallery, tmp_path, monkeypatch):
    page = tmp_path / "page.md"
    page.write_text("```sh\ntouch a.png\nfalse\n```\n![a](figures/gallery/a.png)\n")
    monkeypatch.setattr(gallery, "PAGE", page)
    with pytest.raises(gallery.subprocess.CalledProcessError):
        gallery.make_gallery(tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_the_page_makes_its_figures(gallery, tmp_path):
    gallery.make_gallery(tmp_path / "out")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted(gallery.figures_of_page())
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in (tmp_path / "out").iterdir())
