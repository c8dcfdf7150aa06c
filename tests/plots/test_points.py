import itertools

import pytest

from bitline.plots.points import name_points
from bitline.plots.style import drawing


@pytest.fixture
def ax():
    with drawing(None, "column") as ax:
        ax.set_xlim(0, 10)
        ax.set_ylim(0, 10)
    return ax


def test_names_stand_inside_and_apart(ax):
    points = [(x, y) for x in range(11) for y in range(0, 11, 5)]
    name_points(ax, [(x, y, f"point {x}, {y}") for x, y in points], points)
    boxes = [text.get_window_extent() for text in ax.texts]
    room = ax.get_window_extent()
    assert 5 < len(boxes) < len(points)
    assert all(room.x0 <= box.x0 and box.x1 <= room.x1 and room.y0 <= box.y0 and box.y1 <= room.y1 for box in boxes)
    assert not any(one.overlaps(two) for one, two in itertools.combinations(boxes, 2))
    spots = ax.transData.transform(points)
    assert not any(box.contains(*spot) for box in boxes for spot in spots)


def test_the_first_of_points_on_each_other_is_named(ax):
    name_points(ax, [(5, 5, "long"), (5.01, 5, "short")], [(5, 5), (5.01, 5)])
    assert [text.get_text() for text in ax.texts] == ["long"]


def test_a_name_without_room_is_left_out(ax):
    name_points(ax, [(5, 5, "x" * 200)], [(5, 5)])
    assert list(ax.texts) == []
