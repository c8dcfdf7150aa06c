"""One HTML page from a template, its style, its script and its data, which no text in the data can break out of.

The page's own policy (Content-Security-Policy) lets nothing be loaded, and nothing run but the script whose digest it
names. Data stands in blocks that no browser runs, with `<`, `>` and `&` escaped.
"""

from __future__ import annotations

import base64
import json
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

FOLDER = Path(__file__).parent / "page"
SCRIPTS = (
    *("format.js", "columns.js"),
    *("scales.js", "marks.js", "axes.js", "scatter.js"),
    *("filters.js", "grid.js", "point.js", "main.js"),
)


def render(template: str, data: dict[str, Any], blocks: list[str], **context: Any) -> bytes:
    """The page. `data` and `blocks` (see breakdowns.py) are for its script, `context` is for the template."""
    style = (FOLDER / "report.css").read_text()
    script = "".join(['"use strict";\n', *((FOLDER / name).read_text() for name in SCRIPTS)])
    policy = (
        f"default-src 'none'; script-src '{_digest(script)}'; style-src '{_digest(style)}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
    page: str = (
        _templates()
        .get_template(template)
        .render(
            policy=policy,
            style=Markup(style),
            script=Markup(script),
            data=script_json(data),
            blocks=Markup("\n".join(blocks)),
            **context,
        )
    )
    return page.encode()


def script_json(data: Any) -> Markup:
    """Data as JSON that may stand in a script element, whatever texts it holds. Raises ValueError for NaN."""
    text = json.dumps(data, separators=(",", ":"), allow_nan=False, ensure_ascii=True)
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)


@cache
def _templates() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _digest(text: str) -> str:
    return f"sha256-{base64.b64encode(sha256(text.encode()).digest()).decode()}"
