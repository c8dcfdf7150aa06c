"""The one style of every figure: sizes, fonts, colours for colour-blind eyes and grey print, and how it is saved.

Nothing here or in the other figures touches pyplot or leaves a changed rcParams behind.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from bitline.base.errors import CapacityError, OutputError, SpecError, did_you_mean
from bitline.base.files import write_atomically


@dataclass(frozen=True)
class Size:
    """A place that a figure goes to. Height is for figures whose content does not ask for another."""

    width_in: float
    height_in: float
    font_pt: float
    line_pt: float
    dpi: int


SIZES = {
    "column": Size(width_in=3.4, height_in=2.3, font_pt=7, line_pt=1.0, dpi=300),
    "page": Size(width_in=7.0, height_in=3.2, font_pt=8, line_pt=1.2, dpi=300),
    "slide": Size(width_in=11.0, height_in=5.6, font_pt=15, line_pt=2.4, dpi=150),
}

# All come with matplotlib: the same figure on every machine. DejaVu Sans reads well on slides and screens; STIX is cut
# like Times, which the templates of IEEE, ACM's older classes and USENIX set their text in.
FONTS = {"sans": "DejaVu Sans", "serif": "STIXGeneral"}
_FONT = ContextVar("font", default="sans")

FORMATS = (".png", ".svg", ".pdf")
MAX_HEIGHT_IN = 100


@dataclass(frozen=True)
class Look:
    """How one category looks: `color` and `hatch` as an area, `line`, `dashes` and `marker` as a line."""

    color: str
    hatch: str
    line: str
    dashes: str
    marker: str


# Okabe and Ito's palette (https://jfly.uni-koeln.de/color, 2008), ordered so that neighbours differ in lightness;
# hatches part those that are alike in grey. A line of the palette's yellow would vanish on white, so it is darker.
LOOKS = (
    Look("#0072B2", "", "#0072B2", "-", "o"),
    Look("#E69F00", "", "#E69F00", "--", "s"),
    Look("#009E73", "////", "#009E73", "-.", "^"),
    Look("#F0E442", "", "#b8a800", ":", "D"),
    Look("#D55E00", "\\\\\\\\", "#D55E00", "-", "v"),
    Look("#56B4E9", "....", "#56B4E9", "--", "P"),
    Look("#CC79A7", "xxxx", "#CC79A7", "-.", "X"),
    Look("#BBBBBB", "||||", "#555555", ":", "*"),
)
INK = "#222222"
SOFT = "#8c8c8c"
FAINT = "#e4e4e4"

# A label at the end of a bar: readable over grid lines.
BESIDE_BAR: Any = {
    "xytext": (3, 0),
    "textcoords": "offset points",
    "va": "center",
    "fontsize": "small",
    "bbox": {"facecolor": "white", "edgecolor": "none", "pad": 0.6},
}

_ALWAYS: Any = {
    "pdf.fonttype": 42,
    "ps.fonttype": 42,
    "svg.fonttype": "none",
    "svg.hashsalt": "bitline",
    "text.parse_math": False,  # a name may hold a dollar sign
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "grid.color": FAINT,
    "patch.edgecolor": INK,
    "patch.force_edgecolor": True,
    "legend.frameon": False,
    "legend.handlelength": 1.4,
    "legend.columnspacing": 1.2,
}

_METADATA: dict[str, dict[str, None]] = {
    ".png": {"Software": None},
    ".svg": {"Date": None, "Creator": None},
    ".pdf": {"Creator": None, "Producer": None, "CreationDate": None},
}


class StyledFigure(Figure):
    """A figure of a known size and font. Ticks are made while it is drawn, so saving needs the style again."""

    size: Size
    font: str


def look(index: int) -> Look:
    """The look of the n-th category; they repeat after eight."""
    return LOOKS[index % len(LOOKS)]


def find_size(name: str) -> Size:
    """The size of that name. Raises SpecError."""
    if name not in SIZES:
        raise SpecError(f"unknown figure size '{name}'", field="size", expected=did_you_mean(name, SIZES))
    return SIZES[name]


@contextmanager
def lettered(font: str) -> Iterator[None]:
    """Figures that are made in the block are lettered in one of FONTS. Raises SpecError."""
    if font not in FONTS:
        raise SpecError(f"unknown font '{font}'", field="font", expected=did_you_mean(font, FONTS))
    token = _FONT.set(font)
    try:
        yield
    finally:
        _FONT.reset(token)


@contextmanager
def styled(size: Size, font: str | None = None) -> Iterator[None]:
    """The style, over matplotlib's defaults and not over a user's own settings, until the block ends."""
    by_size: Any = {
        "font.family": [FONTS[font or _FONT.get()], FONTS["sans"]],  # the second has what the first lacks
        "font.size": size.font_pt,
        "axes.titlesize": size.font_pt,
        "axes.labelsize": size.font_pt,
        "legend.fontsize": 0.9 * size.font_pt,
        "xtick.labelsize": 0.9 * size.font_pt,
        "ytick.labelsize": 0.9 * size.font_pt,
        "lines.linewidth": size.line_pt,
        "lines.markersize": 3.2 * size.line_pt,
        "patch.linewidth": 0.4 * size.line_pt,
        "hatch.linewidth": 0.4 * size.line_pt,
        "axes.linewidth": 0.6 * size.line_pt,
        "grid.linewidth": 0.5 * size.line_pt,
        "xtick.major.width": 0.6 * size.line_pt,
        "ytick.major.width": 0.6 * size.line_pt,
        "xtick.major.size": 2.5 * size.line_pt,
        "ytick.major.size": 2.5 * size.line_pt,
    }
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update({**_ALWAYS, **by_size})
        yield


@contextmanager
def drawing(ax: Axes | None, size_name: str, height_in: float | None = None) -> Iterator[Axes]:
    """Axes to draw on: those given, under the style that their owner has chosen, or new ones in ours.

    Raises CapacityError for a figure that no page can hold.
    """
    size = find_size(size_name)
    if ax is not None:
        yield ax
        return
    height_in = height_in or size.height_in
    if height_in > MAX_HEIGHT_IN:
        raise CapacityError(f"the figure would be {height_in:.0f} inches high", expected=f"at most {MAX_HEIGHT_IN}")
    with styled(size):
        figure = StyledFigure(figsize=(size.width_in, height_in), layout="constrained")
        figure.size, figure.font = size, _FONT.get()
        FigureCanvasAgg(figure)
        yield figure.add_subplot()


def lay_out(figure: Figure) -> None:
    """Settle where everything stands, so that it can be measured."""
    if isinstance(figure, StyledFigure):
        with styled(figure.size, figure.font):
            figure.draw_without_rendering()
    else:
        figure.draw_without_rendering()


def figure_of(ax: Axes) -> Figure:
    """The figure that axes belong to."""
    figure = ax.get_figure(root=True)
    assert figure is not None, "axes without a figure"
    return figure


def render(figure: Figure, suffix: str) -> bytes:
    """A figure as the bytes of a .png, .svg or .pdf file: the same for the same figure, without a date."""
    size, font = (figure.size, figure.font) if isinstance(figure, StyledFigure) else (SIZES["column"], None)
    stream = io.BytesIO()
    with styled(size, font):
        figure.savefig(stream, format=suffix[1:], dpi=size.dpi, metadata=_METADATA[suffix])
    return stream.getvalue()


def check_figure_path(path: str | Path) -> Path:
    """The path of a figure. Raises OutputError for an ending that is none of FORMATS."""
    path = Path(path)
    if path.suffix.lower() not in FORMATS:
        raise OutputError(f"cannot tell the format from '{path.suffix}'", file=path, expected="a .png, .svg or .pdf")
    return path


def save(figure: Figure, path: str | Path) -> None:
    """Write a figure, whole or not at all. Raises OutputError."""
    path = check_figure_path(path)
    write_atomically(path, render(figure, path.suffix.lower()))
