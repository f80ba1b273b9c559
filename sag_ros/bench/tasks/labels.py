"""Names beside the points of a picture, placed so that they can be read."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from math import cos, hypot, pi, sin
from typing import Any

Box = tuple[float, float, float, float]  # left, bottom, right, top
Label = tuple[float, float, str, Any]  # x, y, text, colour
_ANGLES = [pi * n / 8 for n in (1, 15, 7, 9, 3, 13, 5, 11, 4, 12, 0, 8, 2, 14, 6, 10)]
_DISTANCES = (11.0, 18.0, 28.0, 40.0, 54.0, 70.0, 88.0, 108.0)  # from the point, pixels at 100 dpi
_FAR = 22.0  # so far away a name needs a line to its point


def overlap(a: Box, b: Box) -> float:
    """Area that two boxes share."""
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    return width * height if width > 0 and height > 0 else 0.0


def choose_boxes(
    points: Sequence[tuple[float, float]],
    sizes: Sequence[tuple[float, float]],
    obstacles: Sequence[tuple[float, float]],
    frame: Box,
    unit: float = 1.0,
) -> list[Box]:
    """A place for each label, one after the other, where it covers least; all in pixels.

    Args:
        points: what the labels belong to; sizes: width and height of each label.
        obstacles: points that should not be covered.
        frame: where labels must stay; unit: pixels for one of ``_DISTANCES``.
    """
    taken: list[Box] = []
    margin = 2.0 * unit
    for (x, y), (width, height) in zip(points, sizes, strict=True):
        found = []
        for distance, angle in product(_DISTANCES, _ANGLES):
            # The nearest point of the label lies in this direction.
            left = x + unit * distance * cos(angle) - width * (0.5 - 0.5 * cos(angle))
            bottom = y + unit * distance * sin(angle) - height * (0.5 - 0.5 * sin(angle))
            box = (left, bottom, left + width, bottom + height)
            wide = (left - margin, bottom - margin, box[2] + margin, box[3] + margin)
            shared = [overlap(wide, other) for other in taken]
            cost = 0.02 * distance + sum(3.0 + area / (height * height) for area in shared if area)
            cost += sum(0.7 for a, b in obstacles if wide[0] < a < wide[2] and wide[1] < b < wide[3])
            inside = frame[0] <= left and box[2] <= frame[2] and frame[1] <= bottom and box[3] <= frame[3]
            found.append((cost + (0.0 if inside else 50.0), box))
        taken.append(min(found, key=lambda one: one[0])[1])
    return taken


def place_labels(
    axes: Any, labels: Sequence[Label], obstacles: Sequence[tuple[float, float]], size: float = 9.0
) -> None:
    """Write names beside their points, with a line to those that had to go far.

    Args:
        axes: of a figure that was drawn once, so that layout, scales and limits are final.
        labels: text and colour for data coordinates.
        obstacles: data coordinates that names should not cover, such as error bars.
        size: of the letters, points.
    """
    from matplotlib.patheffects import withStroke

    figure = axes.figure
    renderer, unit = figure.canvas.get_renderer(), figure.dpi / 100
    texts = [
        axes.annotate(text, (x, y), xytext=(0, 0), textcoords="offset points", fontsize=size, color=colour)
        for x, y, text, colour in labels
    ]
    for text in texts:
        text.set_in_layout(False)
        text.set_path_effects([withStroke(linewidth=2.5, foreground="white", alpha=0.8)])
    extents = [text.get_window_extent(renderer) for text in texts]
    points = [tuple(axes.transData.transform((x, y))) for x, y, _, _ in labels]
    around = [tuple(axes.transData.transform(place)) for place in obstacles]
    window = axes.get_window_extent(renderer)
    frame = (window.x0 + 3, window.y0 + 3, window.x1 - 3, window.y1 - 3)
    boxes = choose_boxes(points, [(e.width, e.height) for e in extents], around, frame, unit)
    for text, extent, (x, y), box in zip(texts, extents, points, boxes, strict=True):
        text.set_position(((box[0] - extent.x0) * 72 / figure.dpi, (box[1] - extent.y0) * 72 / figure.dpi))
        near = min(max(x, box[0]), box[2]), min(max(y, box[1]), box[3])
        if hypot(near[0] - x, near[1] - y) > _FAR * unit:
            ends = axes.transData.inverted().transform([(x, y), near])
            axes.plot(ends[:, 0], ends[:, 1], color="0.55", linewidth=0.6, scalex=False, scaley=False)
