"""What the pages say works: every shell block and every Python block is run, page by page, in one folder a page.

A fenced block `sh` or `console` is a bash script (in `console`, the lines that begin with `$ `), run with -e. A block
`python` is a program. A block with a `:caption:` is a file of that name, for the blocks behind it. `text` is not run.
"""

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
GENERATED = {"docs/validation.md", "docs/reliability.md"}
PAGES = [
    name
    for name in ("README.md", "CONTRIBUTING.md", *sorted(str(p.relative_to(ROOT)) for p in ROOT.glob("docs/**/*.md")))
    if name not in GENERATED and "_build" not in name
]
# They install, fetch, or take the whole project through its paces: CI does that by itself.
NOT_RUN = {
    "make run",
    "make test",
    "make test-all",
    "make lint",
    "make docs",
    "make bench",
    "make validation",
    "make reliability",
    "pip install .",
    "pip install '.[parquet]'",
    "pip install '.[parquet,search,frames,cluster]'",
    "pip install '.[search]'",
    "pre-commit install",
    ". .venv/bin/activate",
}
# Pages whose blocks take longer than a few seconds together.
SLOW = {
    *("README.md", "docs/devices/npu.md", "docs/first-run.md", "docs/concepts.md", "docs/extending.md"),
    *("docs/gallery.md", "docs/studies.md"),
    *("docs/tutorials/pim-gpt-design.md", "docs/tutorials/neupims-row-buffers.md"),
}
FENCE = re.compile(r"^( *)```(\{code-block\} )?([a-z]+)\n((?::\w+: [^\n]*\n)*)(.*?)^\1```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    language: str
    caption: str
    text: str


def blocks_of(page):
    for match in FENCE.finditer((ROOT / page).read_text()):
        indent, _, language, options, text = match.groups()
        caption = re.search(r"^:caption: (.*)$", options, re.MULTILINE)
        lines = [line.removeprefix(indent) for line in text.strip("\n").splitlines()]
        yield Block(language, caption[1].strip() if caption else "", "\n".join(lines) + "\n")


def script_of(block):
    """The lines of a shell block that are commands."""
    if block.language == "sh":
        return block.text.splitlines()
    lines, goes_on = [], False
    for line in block.text.splitlines():
        if goes_on or line.startswith("$ "):
            lines.append(line if goes_on else line[2:])
            goes_on = line.endswith("\\")
    return lines


def run_block(block, folder, environment):
    if block.caption:
        (folder / block.caption).write_text(block.text)
    elif block.language == "python":
        run([sys.executable, "-W", "error", "-c", block.text], folder, environment)
    elif block.language in ("sh", "console"):
        lines = [line for line in script_of(block) if line.partition(" #")[0].strip() not in NOT_RUN]
        if any(lines):
            run(["bash", "-eo", "pipefail", "-c", "\n".join(lines)], folder, environment)


def run(command, folder, environment):
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    text = f"{command[-1]}\n-- status {done.returncode}\n{done.stdout[-1500:]}\n{done.stderr[-1500:]}"
    assert done.returncode == 0, text


@pytest.mark.parametrize(
    "page", [pytest.param(page, marks=pytest.mark.slow) if page in SLOW else page for page in PAGES]
)
def test_the_blocks_of_a_page_run(page, tmp_path):
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "MPLBACKEND": "agg"}
    (tmp_path / "examples").symlink_to(ROOT / "examples")  # pages speak from the root of a checkout
    for block in blocks_of(page):
        run_block(block, tmp_path, environment)


def test_a_wrong_command_is_noticed(tmp_path):
    for language, text in (("sh", "true\nfalse\ntrue\n"), ("console", "$ false\n"), ("python", "1 / 0\n")):
        with pytest.raises(AssertionError, match="status 1"):
            run_block(Block(language, "", text), tmp_path, os.environ)


def test_blocks_are_found():
    languages = {block.language for page in PAGES for block in blocks_of(page)}
    assert {"sh", "console", "python", "yaml"} <= languages
    assert languages <= {"sh", "console", "python", "yaml", "text"}  # no block escapes under another name
    fences = sum(len(re.findall(r"^ *```\S", (ROOT / page).read_text(), re.MULTILINE)) for page in PAGES)
    others = sum(len(re.findall(r"^ *```\{(?!code-block)", (ROOT / page).read_text(), re.MULTILINE)) for page in PAGES)
    assert fences - others == sum(1 for page in PAGES for _ in blocks_of(page))


def test_what_is_not_run_is_still_said():
    said = {
        line.partition(" #")[0].strip()
        for page in PAGES
        for block in blocks_of(page)
        if block.language in ("sh", "console")
        for line in script_of(block)
    }
    assert said >= NOT_RUN
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert {line.split()[1] for line in NOT_RUN if line.startswith("make ")} <= targets


def test_every_command_of_the_program_is_shown():
    from bitline.sim.cli.main import COMMANDS

    text = "\n".join(line for page in PAGES for block in blocks_of(page) for line in script_of(block))
    assert [name for name in COMMANDS if f"bitline {name}" not in text] == []


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page):
    text = re.sub(r"^ *```.*?^ *```$", "", (ROOT / page).read_text(), flags=re.MULTILINE | re.DOTALL)
    targets = re.findall(r"\]\(([^)#\s]+)", text)
    missing = [
        target for target in targets if "://" not in target and not ((ROOT / page).parent / target).resolve().exists()
    ]
    assert missing == []
