"""Registries without a list: a folder's files declare what they add, and are found."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from pkgutil import iter_modules
from typing import Any


def declared_in(package: str, attribute: str, kind: type) -> Iterator[Any]:
    """What the modules of ``package`` declare as ``attribute``, if it is a ``kind``, by name of the module.

    Every module of the folder is imported; one that is expensive to import declares lazily.
    """
    folder = import_module(package)
    for module in sorted(iter_modules(folder.__path__), key=lambda module: module.name):
        value = getattr(import_module(f"{package}.{module.name}"), attribute, None)
        if isinstance(value, kind):
            yield value
