from __future__ import annotations

from mask_fakes import episode, mask, name

from sag_ros.bench.masks.scenes import moments, typical, usual_masks

ONE, TWO = mask((1, 0)), mask((1, 1))


def test_usual_masks_of_phases():
    first = episode(1, [("approach", ONE), ("approach", TWO), ("grasp", ONE)])
    second = episode(2, [("approach", TWO), ("approach", TWO), ("approach", ONE), ("grasp", TWO)])
    assert usual_masks([first, second]) == {"approach": name(TWO), "grasp": name(ONE)}


def test_a_moment_of_each_phase_in_their_order_with_the_usual_mask():
    phases = ["approach", "approach", "approach", "grasp", "approach", "carry", "carry"]
    shown = episode(1, [(phase, ONE if i < 2 else TWO) for i, phase in enumerate(phases)])
    plain = {"approach": "absent", "carry": name(TWO)}
    assert list(moments(shown, plain).items()) == [("approach", 2), ("grasp", 3), ("carry", 6)]
    assert moments(shown, {"approach": name(ONE)})["approach"] == 1


def test_the_typical_episode_has_all_phases_and_succeeds():
    one = [("approach", mask())]
    both = [("approach", mask()), ("grasp", mask())]
    episodes = [episode(1, one), episode(2, both, False), episode(3, both), episode(4, both)]
    assert typical(episodes).seed == 3
    assert typical(episodes[:2]).seed == 2
