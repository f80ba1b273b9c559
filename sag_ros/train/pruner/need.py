"""A budget of blocks over observations: cheap masks where they do, dear ones where the chunk needs them.

Each observation gets one of several masks, so that on average no more than the budget is computed and the
distance of the chunks from those of the whole policy is smallest. Which one it gets is what the pruner learns
to tell from the observation alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sag_ros.pruning.pruner import Pruner
from sag_ros.train.data.windows import Windows
from sag_ros.train.pruner.distil import distil
from sag_ros.train.pruner.trainer import PrunerTrainer
from sag_ros.train.schedules.action_error import ActionErrorMetric, Batch, Pruned

_HALVINGS = 60
_ROUNDING = 1e-9
_FAR = 1e3
_AT_ONCE = 256  # observations


def allocate(errors: NDArray[np.floating], densities: NDArray[np.floating], budget: float) -> NDArray:
    """(N,) the mask of each observation, as Lagrange has it: least error + price * density, at the smallest
    price that keeps the budget.

    Args:
        errors: (G, N) of each observation's chunk under each mask.
        densities: (G,) share of the blocks that a mask computes.
        budget: largest mean density.

    Raises:
        ValueError: even the sparsest mask computes more than ``budget``.
    """
    if budget < densities.min() - _ROUNDING:
        raise ValueError(
            f"a budget of {budget:g} of the blocks; the sparsest mask computes {densities.min():g}. "
            "Name a sparser one, or allow more"
        )
    order = np.argsort(densities, kind="stable")  # of equals the sparser one
    errors, densities = errors[order], densities[order]

    def chosen(price: float) -> NDArray[np.int64]:
        return (errors + price * densities[:, None]).argmin(axis=0)

    def kept(price: float) -> bool:
        return bool(densities[chosen(price)].mean() <= budget + _ROUNDING)

    free = kept(0.0)  # everybody gets what is best
    return order[chosen(0.0 if free else _smallest(kept, 0.0, _price_of_the_sparsest(errors, densities)))]


def _smallest(kept: Callable[[float], bool], low: float, high: float) -> float:
    """Where ``kept``, false at ``low`` and true at ``high``, becomes true."""
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        if kept(middle):
            high = middle
        else:
            low = middle
    return high


def _price_of_the_sparsest(errors: NDArray, densities: NDArray) -> float:
    """At which every observation takes the sparsest mask."""
    saved = densities[1:] - densities[0]
    gain = (errors[0] - errors[1:]).max(axis=1, initial=0.0)
    prices = gain[saved > 0] / saved[saved > 0]
    return 1.0 + float(prices.max(initial=0.0))


def errors_of(
    metric: ActionErrorMetric, masks: Sequence[Pruned], windows: Windows, chosen: Tensor, draws: int
) -> NDArray[np.float64]:
    """(G, N) mean absolute distance of the executed actions, normalised, from those of the whole policy under
    the same noise; the mean over ``draws`` draws of it."""
    features, actions = windows.at(chosen)
    executed = metric.bundle.contract.executed
    shape = len(chosen), metric.steps + 1, *actions.shape[1:]
    total = np.zeros((len(masks), len(chosen)))
    for draw in range(draws):
        noise = torch.randn(shape, generator=torch.Generator().manual_seed(draw))
        batch = Batch(features.numpy(), actions[:, executed].numpy(), noise.numpy())
        dense = metric.chunks(metric.dense(), batch)
        for number, pruned in enumerate(masks):
            total[number] += np.abs(metric.chunks(pruned, batch) - dense).mean(axis=(1, 2))
    return total / draws


def calibrate(pruner: Pruner, features: Tensor, budget: float) -> NDArray[np.int64]:
    """Shift all gates alike, so that the masks that are chosen for ``features`` (N, To, D) compute ``budget``
    on average, or a little less; returns the masks (N,) that are chosen then."""
    densities = 1.0 - pruner.codebook.mean(dim=(1, 2))
    with torch.no_grad():
        logits = torch.cat([pruner.logits(part) for part in features.split(_AT_ONCE)])
    margin = logits[..., 1] - logits[..., 0]

    def kept(shift: float) -> bool:
        return float(densities[pruner.choice(margin + shift)].mean()) <= budget + _ROUNDING

    shift = _smallest(kept, -_FAR, _FAR)  # of the margins: the more, the more is pruned
    with torch.no_grad():
        pruner.logit_bias -= shift
    return pruner.choice(margin + shift).numpy()


def learn_need(
    trainer: PrunerTrainer, masks: NDArray[np.bool_], count: int, draws: int
) -> dict[str, float | list[int]]:
    """Teach the trainer's pruner which of ``masks`` (G, n, 3L) an observation needs.

    Args:
        count: observations that are looked at, spread over the demonstrations trained on.
        draws: of the noise, for each of them.

    Returns:
        Mean distance from the whole policy, normalised action units: under the ``one`` mask nearest to the
        budget, as ``told`` by the pruner, with the same masks as often but drawn blindly (``coin``), and
        under the ``best`` choice; the densities of the first two; how many observations got each mask.
    """
    config, pruner, training = trainer.config, trainer.pruner, trainer.training
    chosen = torch.linspace(0, len(training) - 1, min(count, len(training))).long()
    errors = errors_of(trainer.metric, masks, training, chosen, draws)
    densities = 1.0 - masks.mean(axis=(1, 2))
    labels = allocate(errors, densities, config.density)
    wanted = torch.from_numpy(masks)
    pruner.codebook.copy_(wanted)
    common = int(np.abs(densities - config.density).argmin())
    pruner.set_prior(wanted[common], config.prior_logit)
    distil(
        pruner, lambda index: trainer.noisy(chosen[index]), torch.from_numpy(labels), wanted,
        config.distil, config.seed,
    )  # fmt: skip
    told = calibrate(pruner, training.at(chosen)[0], config.density)
    trainer.ema.module.load_state_dict(pruner.state_dict())
    everything = np.arange(len(chosen))
    return {
        "one": float(errors[common].mean()),
        "one_density": float(densities[common]),
        "told": float(errors[told, everything].mean()),
        "told_density": float(densities[told].mean()),
        "coin": float(errors[told].mean()),
        "best": float(errors[labels, everything].mean()),
        "told_masks": np.bincount(told, minlength=len(masks)).tolist(),
        "best_masks": np.bincount(labels, minlength=len(masks)).tolist(),
    }
