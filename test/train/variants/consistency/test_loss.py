from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from sag_ros.policy.samplers.consistency import ALPHA_BAR_FLOOR
from sag_ros.policy.schedule import cosine_alphas_cumprod
from sag_ros.train.variants.consistency.loss import ConsistencyLoss, pseudo_huber

K, STRIDE = 50, 7
ALPHA_BAR = torch.tensor(cosine_alphas_cumprod(K).copy(), dtype=torch.float32)[:, None, None]


@pytest.fixture
def objective() -> ConsistencyLoss:
    return ConsistencyLoss(K, STRIDE, 1.0, 0.5)


@pytest.fixture
def batch():
    """Every timestep once: features, actions, k, noise."""
    generator = torch.Generator().manual_seed(0)
    actions = torch.rand(K, 4, 2, generator=generator) * 1.6 - 0.8
    noise = torch.randn(K, 4, 2, generator=generator)
    return torch.zeros(K, 2, 5), actions, torch.arange(K), noise


def teacher_of(actions):
    """Predicts the noise exactly; features carry which window it is."""

    def teacher(sample, k, features):
        clean = actions[features[:, 0, 0].long()]
        return (sample - ALPHA_BAR[k].sqrt() * clean) / (1 - ALPHA_BAR[k]).sqrt()

    return teacher


def student_of(objective, actions):
    """Jumps to the clean sample exactly."""

    def student(sample, k, features):
        clean = actions[features[:, 0, 0].long()]
        return (clean - objective.skip[k] * sample) / objective.out[k]

    return student


def numbered(features):
    return features.clone().index_put_(
        (torch.arange(K), torch.tensor(0), torch.tensor(0)), torch.arange(K) * 1.0
    )


def test_following_an_exact_teacher_stays_on_the_trajectory(objective, batch):
    features, actions, k, noise = batch
    sample = ALPHA_BAR[k].sqrt() * actions + (1 - ALPHA_BAR[k]).sqrt() * noise
    asked = []
    exact = teacher_of(actions)

    def teacher(x, level, f):
        asked.extend(level.tolist())
        return exact(x, level, f)

    further = objective.follow(teacher, sample, k, numbered(features), actions, noise)
    for i in range(K):
        level = float(ALPHA_BAR[i - STRIDE]) if i >= STRIDE else 1.0
        expected = math.sqrt(level) * actions[i] + math.sqrt(1 - level) * noise[i]
        torch.testing.assert_close(further[i], expected, atol=2e-5, rtol=0)
    # The teacher is asked exactly where its x0 is well conditioned.
    assert asked == [i for i in range(K) if float(ALPHA_BAR[i]) >= ALPHA_BAR_FLOOR]
    assert len(asked) < K


def test_the_clean_end_is_left_as_it_is(objective):
    sample = torch.randn(3, 4, 2)

    def wild(x, k, features):
        assert int(k.min()) >= 0
        return torch.full_like(x, 1e3)

    end = torch.full((3,), -1)
    torch.testing.assert_close(objective.clean(wild, sample, end, torch.zeros(3, 2, 5)), sample)


def test_an_exact_student_has_no_loss_and_a_wrong_one_has(objective, batch):
    features, actions, k, noise = batch
    features = numbered(features)
    teacher, exact = teacher_of(actions), student_of(objective, actions)

    def loss(student):
        return float(objective(student, exact, teacher, features, actions, k, noise))

    assert loss(exact) < 1e-4
    shift = torch.full_like(actions[0], 0.1)
    found = loss(lambda x, level, f: exact(x, level, f) + shift / objective.out[level])
    # Both terms see the same distance: 0.1 on 8 values, the second with half the weight.
    assert found == pytest.approx(1.5 * 0.1 * math.sqrt(8), rel=0.02)


def test_only_the_student_gets_a_gradient(objective, batch):
    features, actions, k, noise = batch

    class Net(nn.Linear):
        def forward(self, x, level, f):
            return super().forward(x)

    torch.manual_seed(0)
    student, target, teacher = Net(2, 2), Net(2, 2), Net(2, 2)
    objective(student, target, teacher, features, actions, k, noise).backward()
    assert float(student.weight.grad.abs().max()) > 0
    assert target.weight.grad is None
    assert teacher.weight.grad is None


def test_pseudo_huber_is_the_distance_of_windows():
    difference = torch.tensor([[[3.0, 0.0]], [[0.0, 4.0]]])
    assert float(pseudo_huber(difference)) == pytest.approx(3.5, abs=2e-3)
    assert float(pseudo_huber(torch.zeros(2, 3, 4))) == 0.0


@pytest.mark.parametrize("stride", [0, 51])
def test_impossible_strides_are_refused(stride):
    with pytest.raises(ValueError, match="1 to 50 timesteps"):
        ConsistencyLoss(K, stride, 1.0, 1.0)
