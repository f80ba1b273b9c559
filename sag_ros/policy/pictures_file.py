"""What pictures looked like in training, as a file of the bundle: ``pictures.json``. It may be missing."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from sag_ros.policy.contract_file import BundleError, InWords
from sag_ros.policy.pictures import CELLS, Likeness
from sag_ros.policy.weights_file import replace_file

PICTURES_FILE = "pictures.json"
_REMEDY = "Make it again with `sag pictures`, or remove it."


def write_pictures(folder: Path, likeness: Mapping[str, Likeness]) -> None:
    """Write what :func:`read_pictures` reads."""
    content = {
        name: {
            "limit": round(one.limit, 3),
            "mean": np.round(one.mean, 1).tolist(),
            "spread": np.round(one.spread, 1).tolist(),
        }
        for name, one in likeness.items()
    }
    replace_file(folder / PICTURES_FILE, (json.dumps(content) + "\n").encode())


def read_pictures(folder: Path) -> dict[str, Likeness]:
    """Camera -> likeness; empty where the bundle has none. Raises BundleError."""
    file = folder / PICTURES_FILE
    try:
        content = json.loads(file.read_text())
        found = {
            name: Likeness(np.array(one["mean"], float), np.array(one["spread"], float), float(one["limit"]))
            for name, one in content.items()
        }
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise BundleError(
            file, "", InWords(f"unreadable ({error})"), "mean, spread, limit", _REMEDY
        ) from None
    shape = (CELLS, CELLS, 3)
    for name, one in found.items():
        if one.mean.shape != shape or one.spread.shape != shape or not one.limit > 0.0:
            raise BundleError(
                file,
                name,
                InWords(f"{one.mean.shape}, limit {one.limit}"),
                f"shape {shape}, limit > 0",
                _REMEDY,
            )
    return found
