"""Pictures that stand still, show nothing, or something else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sag_ros.policy.contract_file import BundleError
from sag_ros.policy.pictures import Likeness, PictureWatch
from sag_ros.policy.pictures_file import PICTURES_FILE, read_pictures, write_pictures

JOINTS = np.zeros(7)


def scene(seed: int) -> np.ndarray:
    """(84, 84, 3) a table in one colour, a bag in another at some place, light that varies a little."""
    rng = np.random.default_rng(seed)
    image = np.full((84, 84, 3), (150, 120, 80), float)
    image[:30] = (60, 90, 160)
    x, y = rng.integers(5, 60, 2)
    image[40 + y // 3 : 55 + y // 3, x : x + 15] = (200, 40, 40)
    image = image * rng.uniform(0.95, 1.05) + rng.normal(0.0, 3.0, image.shape)
    return image.clip(0, 255).astype(np.uint8)


LIKENESS = Likeness.of(scene(seed) for seed in range(60))


def watched(images: list[np.ndarray], likeness: Likeness | None = LIKENESS, moved: float = 0.0) -> str:
    watch = PictureWatch(likeness)
    for k, image in enumerate(images):
        watch.look(0.05 * k, image, JOINTS + moved * k)
    return watch.problem


def test_pictures_like_those_of_training_are_no_problem() -> None:
    assert watched([scene(seed) for seed in range(1000, 1200)]) == ""


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda x: 0 * x, "nothing, all of it 0"),
        (lambda x: x // 2, "0.5"),
        (lambda x: (x * 1.6).clip(0, 255).astype(np.uint8), "times as bright"),
        (lambda x: x[..., ::-1], "red and blue swapped"),
        (lambda x: x[::-1, ::-1], "upside down"),
        (lambda x: np.roll(x, 40, axis=0), "times as far as usual"),
    ],
)
def test_what_is_wrong_is_told(change, said: str) -> None:
    watch = PictureWatch(LIKENESS)
    for k in range(20):
        watch.look(0.05 * k, change(scene(k)), JOINTS)
    assert said in watch.problem
    watch.look(2.0, scene(30), JOINTS)
    assert watch.problem == ""


def test_pictures_of_a_quick_camera_are_not_all_looked_at() -> None:
    watch, last = PictureWatch(LIKENESS), 0.0
    for k in range(60):
        watch.look(k / 60.0, 0 * scene(k) if k < 50 else scene(k), JOINTS)
        if watch.problem:
            last = k / 60.0
    assert 50 <= 60.0 * last <= 52  # said, and taken back with the next that is looked at


def test_a_few_odd_pictures_are_let_pass() -> None:
    assert watched([scene(0)] + [0 * scene(k) for k in range(5)]) == ""


def test_without_statistics_only_nothing_is_told() -> None:
    assert watched([scene(k)[::-1] // 2 for k in range(20)], None) == ""
    assert "nothing" in watched([0 * scene(k) + 200 for k in range(20)], None)


def test_the_same_picture_counts_only_where_the_arm_moved() -> None:
    same = [scene(1)] * 20
    assert watched(same, moved=0.0) == ""
    problem = watched(same, moved=0.01)
    assert "the same picture for" in problem
    assert "joint 1 moved 0." in problem
    assert watched([*same, scene(2)], moved=0.01) == ""
    assert watched([scene(k) for k in range(20)], moved=0.1) == ""


def test_a_gap_in_the_joint_states_is_no_motion() -> None:
    watch = PictureWatch()
    for k in range(20):  # at rest: a simulated camera repeats itself; then the joints are known again
        watch.look(0.05 * k, scene(1), None if k < 10 else JOINTS + 0.5)
    assert watch.problem == ""


def test_they_are_kept_in_the_bundle(tmp_path: Path) -> None:
    assert read_pictures(tmp_path) == {}
    write_pictures(tmp_path, {"front": LIKENESS})
    read = read_pictures(tmp_path)["front"]
    np.testing.assert_allclose(read.mean, LIKENESS.mean, atol=6e-4)
    np.testing.assert_allclose(read.spread, LIKENESS.spread, atol=6e-4)
    np.testing.assert_allclose(read.limits, LIKENESS.limits, atol=1e-3)
    assert read.light == pytest.approx(LIKENESS.light, abs=0.051)


@pytest.mark.parametrize(
    "content",
    ["{", "[]", '{"front": {}}', '{"front": {"mean": [1], "spread": [1], "light": [1, 1], "limits": {}}}'],
)
def test_a_damaged_file_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / PICTURES_FILE).write_text(content)
    with pytest.raises(BundleError, match="sag pictures"):
        read_pictures(tmp_path)


def test_one_picture_is_no_statistics() -> None:
    with pytest.raises(ValueError, match="1 pictures"):
        Likeness.of([scene(0)])
