"""What pictures looked like in training, as a file of the bundle: ``pictures.json``. It may be missing."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from sag_ros.policy.contract_file import BundleError, InWords, require_inside
from sag_ros.policy.pictures import CELLS, KINDS, Likeness
from sag_ros.policy.weights_file import replace_file

PICTURES_FILE = "pictures.json"
_REMEDY = "Make it again with `sag pictures`, or remove it."


def write_pictures(folder: Path, likeness: Mapping[str, Likeness]) -> None:
    """Write what :func:`read_pictures` reads."""
    content = {
        name: {
            "limits": dict(zip(KINDS, np.round(one.limits, 3).tolist(), strict=True)),
            "light": [round(value, 1) for value in one.light],
            "mean": np.round(one.mean, 3).tolist(),
            "spread": np.round(one.spread, 3).tolist(),
        }
        for name, one in likeness.items()
    }
    replace_file(folder / PICTURES_FILE, (json.dumps(content) + "\n").encode())


def read_pictures(folder: Path) -> dict[str, Likeness]:
    """Camera -> likeness; empty where the bundle has none. Raises BundleError."""
    file = folder / PICTURES_FILE
    require_inside(file)
    try:
        content = json.loads(file.read_text())
        found = {
            name: Likeness(
                np.array(one["mean"], float),
                np.array(one["spread"], float),
                (float(one["light"][0]), float(one["light"][1])),
                np.array([one["limits"][kind] for kind in KINDS], float),
            )
            for name, one in content.items()
        }
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, TypeError, KeyError, IndexError, AttributeError) as error:
        raise BundleError(
            file, "", InWords(f"unreadable ({error})"), "mean, spread, light, limits", _REMEDY
        ) from None
    shape = (CELLS, CELLS, 3)
    for name, one in found.items():
        if one.mean.shape != shape or one.spread.shape != shape or not (one.limits > 0.0).all():
            found_here = InWords(f"{one.mean.shape}, {one.spread.shape}, limits {one.limits}")
            raise BundleError(file, name, found_here, f"{shape}, limits > 0", _REMEDY)
    return found
