import numpy as np
import pytest

from sag_ros.robots.fr3 import ARM as FR3
from sag_ros.sim.kinematics import DOWN, ArmKinematics


@pytest.fixture(scope="module")
def arm() -> ArmKinematics:
    return ArmKinematics(FR3)


def test_tcp_at_home_is_the_published_one(arm: ArmKinematics) -> None:
    position, rotation = arm.forward(FR3.home)
    assert position == pytest.approx([0.3069, 0.0, 0.4869], abs=2e-4)
    assert rotation == pytest.approx(DOWN, abs=1e-6)


def test_path_is_followed_and_continuous(arm: ArmKinematics) -> None:
    start, _ = arm.forward(FR3.home)
    positions = start + np.linspace(0, 1, 30)[:, None] * [0.15, -0.12, -0.3]
    path = arm.path(FR3.home, positions)
    assert path.shape == (30, 7)
    assert np.abs(np.diff(path, axis=0)).max() < 0.08
    for joints, position in zip(path, positions, strict=True):
        reached, rotation = arm.forward(joints)
        assert reached == pytest.approx(position, abs=1e-3)
        assert rotation == pytest.approx(DOWN, abs=0.01)


def test_out_of_reach_is_named(arm: ArmKinematics) -> None:
    with pytest.raises(ValueError, match="out of reach"):
        arm.path(FR3.home, np.array([[1.6, 0.0, 0.4]]))
