"""Windows whose actions lead away from a hand, from the store to a finished policy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from sag_ros.data.demonstrations import Demonstrations, DemonstrationWriter, Episode
from sag_ros.policy.bundle import load_bundle
from sag_ros.policy.hands import Hands
from sag_ros.train.data.bundle_windows import policy_windows
from sag_ros.train.policy.command import NetworkSize, PolicyTraining
from sag_ros.train.policy.conditioning import ConditioningTraining
from sag_ros.train.policy.denoiser import DenoiserTraining
from sag_ros.train.run.loop import LoopConfig

SIZE = NetworkSize(
    layers=1, heads=2, width=16, horizon=6, observation_steps=2, action_steps=4, diffusion_steps=10
)
FRAMES = 12


def record(folder, hands: bool):
    """Two demonstrations of a hand that goes along its own x axis, wherever that points to."""
    names = [*"xyz", *(f"r{i}" for i in range(6)), "grip"]
    sizes = {"at": 3, "turned": 4}
    action = [{"name": name, "meaning": "setpoint", "unit": "1"} for name in names]
    terms = {"state": list(sizes), "action": action, "tcp": None, "signals": sizes, "binary_gripper": None}
    contract = {"joints": ["slide"], "state": list(sizes), "action": action}
    contract["signals"] = {name: {"size": size} for name, size in sizes.items()}
    attributes = {"task": "along", "period": 0.05, "joints": ["slide"], "privileged": []}
    if hands:
        attributes["hands"] = [{"position": "at", "rotation": "turned", "setpoint": "x"}]
    writer = DemonstrationWriter(folder, {**attributes, "contract": contract, "terms": terms})
    rng = np.random.default_rng(0)
    for seed in range(2):
        turn = Rotation.random(rng=rng)
        at = rng.normal(size=3) + np.outer(np.arange(FRAMES), turn.apply([0.01, 0.0, 0.0]))
        rows = np.tile(turn.as_matrix()[:2].ravel(), (FRAMES, 1))
        wanted = np.c_[at + turn.apply([0.01, 0.0, 0.0]), rows, np.zeros(FRAMES)]
        state = np.c_[at, np.tile(turn.as_quat(), (FRAMES, 1))]
        writer.append(
            Episode({}, state.astype(np.float32), wanted.astype(np.float32), np.zeros((FRAMES, 0)), seed)
        )
    return folder


def training(store, out) -> PolicyTraining:
    return PolicyTraining(
        data=store,
        out=out / "out",
        bundle=out / "bundle",
        hold_out=0.5,
        threads=1,
        size=SIZE,
        tail=0,
        actions="hands",
        conditioning=ConditioningTraining(2, 4),
        denoiser=DenoiserTraining(LoopConfig(3, 4, 1e-3, 1), validation_sampler="ddim2"),
    )


def test_a_policy_is_trained_on_what_the_hand_sees(tmp_path):
    store = record(tmp_path / "along.zarr", hands=True)
    assert training(store, tmp_path).run()
    bundle = load_bundle(tmp_path / "bundle")
    assert [one.setpoint for one in bundle.contract.hands] == ["x"]
    found = policy_windows(bundle, store, tmp_path / "cache.safetensors", share=0.5)
    for windows in (found.training, found.validation):
        features, actions = windows.at(np.arange(len(windows)))
        told = bundle.normaliser.denormalise("action", actions).numpy()
        # One way ahead per step, along the axis of the hand, in both demonstrations alike; the newest
        # observation is the second one. Windows over either end repeat what is there.
        inner = told[1:7]
        way = 0.01 * np.arange(SIZE.horizon)
        np.testing.assert_allclose(inner[..., 0], np.broadcast_to(way, inner.shape[:2]), atol=1e-5)
        np.testing.assert_allclose(inner[..., 1:3], 0.0, atol=1e-5)
        np.testing.assert_allclose(inner[..., 3:9], np.tile([1, 0, 0, 0, 1, 0], (6, 6, 1)), atol=1e-5)
        # and as the policy would have told it
        frames = windows.frames.numpy()
        data = Demonstrations(store)
        back = Hands(bundle.contract).arriving(told, data.state[frames[:, 1]])
        np.testing.assert_allclose(back, data.action[frames], atol=1e-5)
        assert len(features) == len(told)


def test_demonstrations_that_do_not_know_of_hands_are_refused(tmp_path):
    store = record(tmp_path / "along.zarr", hands=False)
    with pytest.raises(ValueError, match="does not say which numbers are hands"):
        training(store, tmp_path).run()
