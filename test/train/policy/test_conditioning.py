"""Condition tokens tell the actions before the denoiser learns anything."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from sag_ros.policy.dpt import DPT, DPTConfig
from sag_ros.train.data.windows import Windows
from sag_ros.train.policy.conditioning import ConditioningTraining, train_conditioning
from sag_ros.train.policy.denoiser import spread_steps
from sag_ros.train.run.stop import Stop

CONFIG = DPTConfig(action_dim=2, obs_dim=3, horizon=4, obs_steps=2, layers=1, heads=2, width=16)


def windows(count: int = 200) -> Windows:
    """What is done is a curved function of what is seen."""
    rng = np.random.default_rng(0)
    seen = torch.tensor(rng.uniform(-1, 1, (count, 3)), dtype=torch.float32)
    done = torch.stack([seen[:, 0] * seen[:, 1], seen[:, 2].square()], dim=1)
    frames = torch.arange(count)[:, None].expand(count, 4)
    return Windows(seen[None], done, frames, 2)


def trained(folder, iterations: int, stop: Stop | None = None, shape: DPTConfig = CONFIG):
    torch.manual_seed(0)
    model, data = DPT(shape), windows()
    config = ConditioningTraining(iterations, 64, 1e-2)
    done = train_conditioning(folder, config, model, torch.zeros(3), data, data, 0, stop or Stop())
    return model, data, done


def unexplained(model: DPT, data: Windows) -> float:
    """Share of the variance that the best linear readout of the tokens leaves."""
    features, actions = data.at(torch.arange(len(data)))
    with torch.no_grad():
        tokens = model.memory(0, features)[:, 1:].flatten(1)
    tokens = torch.cat((tokens, torch.ones(len(tokens), 1)), dim=1)
    wanted = actions.flatten(1)
    rest = wanted - tokens @ torch.linalg.lstsq(tokens, wanted).solution
    return float(rest.square().sum() / (wanted - wanted.mean(0)).square().sum())


def test_actions_can_be_read_from_tokens_of_unit_size(capsys, tmp_path):
    model, data, done = trained(tmp_path, 300)
    assert done
    assert "of the variance left unexplained" in capsys.readouterr().out
    assert unexplained(model, data) < 0.02
    features, _ = data.at(torch.arange(len(data)))
    with torch.no_grad():
        size = float(model.memory(0, features)[:, 1:].square().mean().sqrt())
    assert abs(size - 1.0) < 0.05


@pytest.mark.parametrize(("iterations", "shape"), [(0, CONFIG), (5, replace(CONFIG, n_cond_layers=1))])
def test_none_is_none(tmp_path, iterations, shape):
    torch.manual_seed(0)
    untouched = DPT(shape).state_dict()
    model, _, done = trained(tmp_path, iterations, shape=shape)
    assert done
    assert all(torch.equal(value, untouched[name]) for name, value in model.state_dict().items())


def test_interrupted_it_is_not_done(tmp_path):
    class Now(Stop):
        def __bool__(self):
            return True

    assert not trained(tmp_path, 5, Now())[2]


def test_steps_are_spread_evenly():
    torch.manual_seed(0)
    for batch, steps in ((64, 100), (100, 10), (7, 100), (1, 5)):
        drawn = torch.stack([spread_steps(steps, batch) for _ in range(2000)])
        assert drawn.min() >= 0
        assert drawn.max() < steps
        counts = torch.bincount(drawn.flatten(), minlength=steps) / drawn.numel()
        assert (counts - 1 / steps).abs().max() < 0.35 / steps
        # In each batch, not only in the end: every stretch of steps has its share.
        middle = (torch.arange(batch) + 0.5) * steps / batch
        assert (drawn + 0.5 - middle).abs().max() <= 0.5 * steps / batch + 0.5
