"""The public Diffusion Policy's transformer on numbers alone: ``DiffusionTransformerLowdimPolicy``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from sag_ros.policy.bundle import PolicyBundle, empty_modules
from sag_ros.policy.contract_file import parse_contract
from sag_ros.policy.importers.meaning import ImportRefused, Meaning
from sag_ros.policy.importers.parts import (
    CAUSAL,
    OBS_AS_COND,
    SCHEDULER,
    TIME_AS_COND,
    WHOLE_HORIZON,
    Imported,
    common,
    denoiser,
    fill,
    fill_normaliser,
    require,
    steps_remark,
)
from sag_ros.policy.importers.settings import find


def import_policy(
    settings: Mapping[str, Any], state: Mapping[str, Tensor], meaning: Meaning, name: str
) -> Imported:
    """A policy of its settings and weights.

    Its observation is one vector; ``meaning.state`` says in order what it is made of.

    Raises:
        ImportRefused, SettingsError, BundleError: what cannot be expressed.
        KeyError: a weight is missing.
    """
    require(settings, (OBS_AS_COND, WHOLE_HORIZON, *SCHEDULER))
    require(settings, (OBS_AS_COND, TIME_AS_COND, CAUSAL), "policy.model")
    low = meaning.flat(int(find(settings, "policy.obs_dim")))
    named = find(settings, "task.obs_keys", None)
    if named is not None and list(named) != list(meaning.state):
        raise ImportRefused(
            f"the policy observes {', '.join(named)} in this order; --state names {', '.join(meaning.state)}"
        )
    meaning.require(low, int(find(settings, "policy.action_dim")))
    content = common(settings, state, low, meaning, name)
    network = {
        **content["network"],
        "heads": find(settings, "policy.model.n_head"),
        "cond_layers": find(settings, "policy.model.n_cond_layers", 0),
    }
    contract = parse_contract({**content, "cameras": {}, "encoder": None, "network": network})
    dpt, encoder, normaliser = empty_modules(contract)
    fill(dpt, denoiser(state, range(contract.obs_dim)))
    fields = {"state": ["obs"], "action": ["action"]}
    fill_normaliser(normaliser, state, fields)
    bundle = PolicyBundle(contract, dpt, encoder, normaliser, None, "", "").freeze()
    return Imported(bundle, tuple(steps_remark(settings, contract.diffusion.steps)))
