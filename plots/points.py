"""Names beside points, where there is room for them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.transforms import Bbox

from bitline.plots.style import figure_of, lay_out

# Where a name may stand: offset in points, horizontal and vertical alignment.
_PLACES = (
    ((4, 3), "left", "bottom"),
    ((-4, 3), "right", "bottom"),
    ((4, -3), "left", "top"),
    ((-4, -3), "right", "top"),
)

_ALIKE = 2.5  # radii within which points lie on each other


def name_points(
    ax: Axes, names: Iterable[tuple[float, float, str]], points: Sequence[tuple[float, float]], **style: Any
) -> None:
    """Write each name, the most important first, beside its point, unless it would cover another name or a point.

    Of points that lie on each other, only the first is named.

    `points`: all that is drawn as points, the named ones among them. Limits and labels of the axes must be final.
    """
    figure = figure_of(ax)
    lay_out(figure)
    room = ax.get_window_extent()
    radius = figure.dpi / 72 * 2
    taken = [text.get_window_extent() for text in ax.texts]
    dots = []
    for x, y in ax.transData.transform(list(points)) if points else ():
        dots.append(Bbox.from_extents(x - radius, y - radius, x + radius, y + radius))
    named: list[Any] = []
    for x, y, name in names:
        at = ax.transData.transform((x, y))
        if any(abs(at - other).max() < _ALIKE * radius for other in named):
            continue
        for offset, across, up in _PLACES:
            text = ax.annotate(
                name,
                (x, y),
                xytext=offset,
                textcoords="offset points",
                ha=across,
                va=up,
                fontsize="small",
                bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.4, "alpha": 0.75},
                **style,
            )
            box = text.get_window_extent()
            inside = room.x0 <= box.x0 and box.x1 <= room.x1 and room.y0 <= box.y0 and box.y1 <= room.y1
            if inside and not any(box.overlaps(other) for other in (*taken, *dots)):
                taken.append(box)
                named.append(at)
                break
            text.remove()
