"""The public Diffusion Policy on numbers alone: ``Diffusion{Transformer,Unet}LowdimPolicy``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from sag_ros.policy.bundle import PolicyBundle, empty_modules
from sag_ros.policy.contract_file import parse_contract
from sag_ros.policy.importers.denoisers import Reader, transformer, unet
from sag_ros.policy.importers.meaning import ImportRefused, Meaning
from sag_ros.policy.importers.parts import (
    CAUSAL,
    GLOBAL,
    OBS_AS_COND,
    OWN_STEP,
    SCHEDULER,
    TIME_AS_COND,
    WHOLE_HORIZON,
    Imported,
    common,
    fill,
    fill_normaliser,
    require,
    steps_remark,
)
from sag_ros.policy.importers.settings import find


def import_transformer(
    settings: Mapping[str, Any], state: Mapping[str, Tensor], meaning: Meaning, name: str
) -> Imported:
    """The one with a transformer; see :func:`_import`."""
    require(settings, (OBS_AS_COND, WHOLE_HORIZON, *SCHEDULER))
    require(settings, (OBS_AS_COND, TIME_AS_COND, CAUSAL), "policy.model")
    return _import(settings, state, meaning, name, transformer)


def import_unet(
    settings: Mapping[str, Any], state: Mapping[str, Tensor], meaning: Meaning, name: str
) -> Imported:
    """The one with a U-Net; see :func:`_import`."""
    require(settings, (GLOBAL, OWN_STEP, WHOLE_HORIZON, *SCHEDULER))
    return _import(settings, state, meaning, name, unet)


def _import(
    settings: Mapping[str, Any], state: Mapping[str, Tensor], meaning: Meaning, name: str, read: Reader
) -> Imported:
    """A policy of its settings and weights.

    Its observation is one vector; ``meaning.state`` says in order what it is made of.

    Raises:
        ImportRefused, SettingsError, BundleError: what cannot be expressed.
        KeyError: a weight is missing.
    """
    low = meaning.flat(int(find(settings, "policy.obs_dim")))
    named = find(settings, "task.obs_keys", None)
    if named is not None and list(named) != list(meaning.state):
        raise ImportRefused(
            f"the policy observes {', '.join(named)} in this order; --state names {', '.join(meaning.state)}"
        )
    meaning.require(low, int(find(settings, "policy.action_dim")))
    denoiser = read(settings, state, "policy.model")
    content = common(settings, denoiser.sizes, low, meaning, name)
    contract = parse_contract({**content, "cameras": {}, "encoder": None})
    network, encoder, normaliser = empty_modules(contract)
    fill(network, denoiser.weights(range(contract.obs_dim)))
    fields = {"state": ["obs"], "action": ["action"]}
    fill_normaliser(normaliser, state, fields)
    bundle = PolicyBundle(contract, network, encoder, normaliser, None, "", "").freeze()
    return Imported(bundle, tuple(steps_remark(settings, contract.diffusion.steps)))
