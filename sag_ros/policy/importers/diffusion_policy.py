"""Checkpoints of the public Diffusion Policy: transformers and U-Nets, on images or on numbers alone.

What a checkpoint holds: ``cfg``, the settings of its training, and under ``state_dicts`` the weights, those
that were averaged (``ema_model``) and the last (``model``). What cannot be expressed is refused with its
name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from sag_ros.policy.importers import hybrid, lowdim
from sag_ros.policy.importers.archive import Stored, plain, read_archive
from sag_ros.policy.importers.lerobot import import_folder
from sag_ros.policy.importers.meaning import ImportRefused, Meaning
from sag_ros.policy.importers.parts import Imported
from sag_ros.policy.importers.resnet_weights import MisplacedWeight
from sag_ros.policy.importers.settings import SettingsError, find

_PREFIXES = ("module.", "_orig_mod.")  # of DistributedDataParallel and torch.compile
_POLICIES = "diffusion_policy.policy."
Importer = Callable[[Mapping[str, Any], Mapping[str, Tensor], Meaning, str], Imported]
KINDS: dict[str, Importer] = {
    f"{_POLICIES}{module}.{name}": importer
    for module, name, importer in (
        ("diffusion_transformer_hybrid_image_policy", "DiffusionTransformerHybridImagePolicy",
         hybrid.import_transformer),
        ("diffusion_transformer_lowdim_policy", "DiffusionTransformerLowdimPolicy",
         lowdim.import_transformer),
        ("diffusion_unet_hybrid_image_policy", "DiffusionUnetHybridImagePolicy", hybrid.import_unet),
        ("diffusion_unet_lowdim_policy", "DiffusionUnetLowdimPolicy", lowdim.import_unet),
    )
}  # fmt: skip


def import_checkpoint(path: str | Path, meaning: Meaning) -> Imported:
    """Read a ``.ckpt``, or a folder of LeRobot; nothing in it is executed.

    Raises:
        ArchiveError: a file that cannot be read.
        ImportRefused: what cannot be expressed.
        BundleError: sizes that do not fit each other.
    """
    if Path(path).is_dir():
        return _from_folder(Path(path), meaning)
    with read_archive(path) as content:
        if not isinstance(content, Mapping) or not {"cfg", "state_dicts"} <= content.keys():
            raise ImportRefused(
                f"{path}: holds no cfg and state_dicts; a checkpoint of Diffusion Policy does"
            )
        settings = plain(content["cfg"])
        states = content["state_dicts"]
        if meaning.weights not in states:
            raise ImportRefused(f"{path}: has no {meaning.weights}; it has {', '.join(states)}")
        state = {
            _bare(key): value.load()
            for key, value in states[meaning.weights].items()
            if isinstance(value, Stored)
        }
    try:
        target = find(settings, "policy._target_")
        if target not in KINDS:
            raise ImportRefused(f"policy._target_ is {target}; understood are {' and '.join(KINDS)}")
        return KINDS[target](settings, state, meaning, Path(path).name)
    except (SettingsError, MisplacedWeight) as error:
        raise ImportRefused(f"{path}: {error}") from None
    except KeyError as error:
        raise ImportRefused(f"{path}: the weights have no {error.args[0]}") from None


def _from_folder(folder: Path, meaning: Meaning) -> Imported:
    try:
        return import_folder(folder, meaning)
    except MisplacedWeight as error:
        raise ImportRefused(f"{folder}: {error}") from None
    except KeyError as error:
        raise ImportRefused(f"{folder}: there is no {error.args[0]}") from None


def _bare(key: str) -> str:
    for prefix in _PREFIXES:
        key = key.removeprefix(prefix).replace(f".{prefix}", ".")
    return key
