"""Between stages 1 and 2: condition tokens from which the actions can be read.

DP-T's initialisation (normal, 0.02) is meant for wide networks: at width 128 condition tokens begin at a few
thousandths, no norm scales them, and the denoiser learns for thousands of iterations without seeing much of
what is observed. Here the layers that make the tokens first learn by themselves: a linear readout, which is
thrown away afterwards, has to tell the actions of the window from them.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sag_ros.policy.dpt import DPT
from sag_ros.train.data.windows import Windows
from sag_ros.train.run.iteration import reseed
from sag_ros.train.run.loop import Loop, LoopConfig
from sag_ros.train.run.stop import Stop

_WARMUP = 100


@dataclass(frozen=True)
class ConditioningTraining:
    """The condition tokens, before the denoiser."""

    iterations: int = 6000
    """gradient steps; 0: the denoiser begins with random ones"""
    batch: int = 256
    """samples per step"""
    learning_rate: float = 2e-3
    """peak of the cosine schedule"""


def train_conditioning(
    folder: Path,
    config: ConditioningTraining,
    model: DPT,
    deviation: Tensor,
    training: Windows,
    validation: Windows,
    seed: int,
    stop: Stop,
) -> bool:
    """Train the layers of ``model`` that make condition tokens, in place, and scale the tokens to about one.

    Returns whether the end was reached.

    Args:
        folder: of the checkpoint, from which an interrupted training goes on.
        deviation: (D,) of the noise on features, as for the denoiser.
    """
    if config.iterations <= 0 or model.config.n_cond_layers:  # those layers have norms of their own
        return True
    reseed(seed, 0)
    shape = model.config
    layers = [model.cond_obs_emb, *(one for one in model.encoder.modules() if isinstance(one, nn.Linear))]
    for layer in layers:
        nn.init.kaiming_uniform_(layer.weight, a=5**0.5)
    readout = nn.Linear(shape.obs_steps * shape.width, shape.horizon * shape.action_dim)
    trained = [*model.cond_obs_emb.parameters(), *model.encoder.parameters(), *readout.parameters()]
    optimizer = torch.optim.AdamW(trained, config.learning_rate, weight_decay=1e-4)

    def error(features: Tensor, actions: Tensor) -> Tensor:
        tokens = model.memory(0, features)[:, 1:]
        return F.mse_loss(readout(tokens.flatten(1)), actions.flatten(1))

    def loss(indices: Tensor) -> Tensor:
        features, actions = training.at(indices, augmented=True)
        return error(features + deviation * torch.randn_like(features), actions)

    steps = LoopConfig(config.iterations, config.batch, config.learning_rate, _WARMUP, clip_norm=0.0)
    both = nn.ModuleList([model, readout])
    if not Loop(folder, "conditioning", steps, both, optimizer, len(training), seed).run(loss, stop=stop):
        return False
    model.eval()
    with torch.no_grad():
        chosen = torch.linspace(0, len(training) - 1, min(2048, len(training))).long()
        features, actions = training.at(chosen)
        said = [f"{float(error(features, actions) / actions.var()):.4f} of the variance left unexplained"]
        if len(validation):
            own = validation.at(torch.linspace(0, len(validation) - 1, min(2048, len(validation))).long())
            said.append(f"{float(error(*own) / own[1].var()):.4f} where held out")
        scale = float(model.memory(0, features)[:, 1:].square().mean().sqrt())
        last = layers[-1]
        last.weight.div_(scale)
        last.bias.div_(scale)
    print(f"condition tokens: {', '.join(said)}", flush=True)
    return True
