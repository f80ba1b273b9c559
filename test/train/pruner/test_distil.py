import torch

from sag_ros.pruning.pruner import Pruner, PrunerConfig
from sag_ros.train.pruner.distil import DistilConfig, distil


def test_the_pruner_learns_which_mask_belongs_to_which_observation():
    torch.manual_seed(0)
    pruner = Pruner(PrunerConfig(8, 6, 5, 2, width=16, heads=2, feedforward=32))
    common = torch.rand(8, 6) < 0.5
    pruner.set_prior(common, 0.3)
    masks = common.repeat(2, 1, 1)
    masks[1, 3:5] = ~masks[1, 3:5]
    features = torch.randn(64, 2, 5)
    labels = (features[:, 1, 0] > 0).long()
    agreement = distil(pruner, lambda i: features[i], labels, masks, DistilConfig(150, 32, 5e-3), seed=0)
    assert agreement > 0.97
    wanted = masks[labels].clone()
    wanted[:, 0, :3] = False
    assert (pruner.mask(features) == wanted).float().mean() > 0.97
