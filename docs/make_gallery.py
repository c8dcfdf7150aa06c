"""Run the blocks of gallery.md in a folder of their own and keep the figures that the page shows.

The page is the script: what it says is what made its figures.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

DOCS = Path(__file__).resolve().parent
PAGE = DOCS / "gallery.md"
FIGURES = DOCS / "figures/gallery"
BLOCK = re.compile(
    r"^```(?:\{code-block\} )?(sh|python|yaml)\n(?::caption: (\S+)\n\n?)?(.*?)^```$", re.MULTILINE | re.DOTALL
)


def run_page(folder: Path) -> None:
    """Write the files of the page's captions and run its programs. Raises CalledProcessError."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    for language, caption, text in BLOCK.findall(PAGE.read_text()):
        if caption:
            (folder / caption).write_text(text)
        else:
            program = ["bash", "-euc", text] if language == "sh" else [sys.executable, "-c", text]
            subprocess.run(program, cwd=folder, check=True, env={**os.environ, "PATH": path}, stdout=subprocess.DEVNULL)


def figures_of_page() -> list[str]:
    """Names of the figures that the page shows."""
    return re.findall(r"\]\(figures/gallery/([\w-]+\.png)\)", PAGE.read_text())


def make_gallery(target: Path = FIGURES) -> None:
    """Make every figure of the page anew; nothing is replaced before all are there."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        run_page(folder)
        target.mkdir(parents=True, exist_ok=True)
        for figure in figures_of_page():
            shutil.copyfile(folder / figure, target / figure)


if __name__ == "__main__":
    make_gallery()
