"""What the files of a folder declare: whoever adds a file adds to the registry, and edits nothing else."""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
from typing import Any


def declared(package: str, attribute: str, file: str | None = None) -> list[Any]:
    """``attribute`` of every file in the folder of ``package`` that has it, in the order of the files' names.

    Args:
        file: look in this file of every folder in ``package``, and not in the files of ``package`` itself.
    """
    folder = importlib.import_module(package)
    found = []
    for module in sorted(pkgutil.iter_modules(folder.__path__), key=lambda module: module.name):
        name = f"{package}.{module.name}" if file is None else f"{package}.{module.name}.{file}"
        if file is None or (module.ispkg and importlib.util.find_spec(name) is not None):
            found.append(getattr(importlib.import_module(name), attribute, None))
    return [value for value in found if value is not None]
