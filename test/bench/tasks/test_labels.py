from __future__ import annotations

from itertools import combinations

import numpy as np

from sag_ros.bench.tasks.labels import choose_boxes, overlap

FRAME = (0.0, 0.0, 1000.0, 500.0)


def test_overlap():
    assert overlap((0, 0, 2, 2), (1, 1, 3, 3)) == 1
    assert overlap((0, 0, 1, 1), (1, 0, 2, 1)) == 0
    assert overlap((0, 0, 1, 1), (5, 5, 6, 6)) == 0


def test_crowded_labels_do_not_overlap():
    rng = np.random.default_rng(1)
    points = [
        (float(x), 430.0 + float(y))
        for x, y in zip(rng.uniform(100, 900, 20), rng.uniform(0, 40, 20), strict=True)
    ]
    boxes = choose_boxes(points, [(70.0, 14.0)] * 20, points, FRAME)
    assert all(overlap(a, b) == 0 for a, b in combinations(boxes, 2))
    for left, bottom, right, top in boxes:
        assert left >= 0 and bottom >= 0 and right <= 1000 and top <= 500


def test_label_keeps_away_from_its_own_point():
    (box,) = choose_boxes([(500.0, 250.0)], [(70.0, 14.0)], [(500.0, 250.0)], FRAME)
    assert not (box[0] < 500 < box[2] and box[1] < 250 < box[3])
    assert abs(box[0] - 500) < 30  # but close
