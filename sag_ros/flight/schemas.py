"""Definitions of ROS messages as recordings carry them: a type's own, then those of all it is made of."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

_BORDER = "=" * 80
_PLAIN = {"bool", "byte", "char", "float32", "float64", "string", "wstring"}
_PLAIN |= {f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)}


def _folders() -> Iterator[Path]:
    for prefix in filter(None, os.environ.get("AMENT_PREFIX_PATH", "").split(os.pathsep)):
        yield Path(prefix) / "share"
    yield Path(sys.prefix) / "share"


def _read(name: str) -> str:
    package, _, kind = name.partition("/msg/")
    tried = [folder / package / "msg" / f"{kind}.msg" for folder in _folders()]
    for path in tried:
        if path.is_file():
            return path.read_text(encoding="utf-8")
    raise LookupError(
        f"the definition of {name} is in none of {', '.join(str(path) for path in tried)}; source the "
        "workspace that has it"
    )


def _parts(text: str, package: str) -> Iterator[str]:
    """Types, as ``std_msgs/msg/Header``, of the fields of a definition that are messages themselves."""
    for line in text.splitlines():
        words = line.partition("#")[0].split()
        if not words:
            continue
        kind = words[0].partition("[")[0].partition("<=")[0]
        if kind in _PLAIN:
            continue
        owner, _, name = kind.rpartition("/")
        owner = owner.removesuffix("/msg") or package
        if name == "Header" and not kind.startswith(owner):
            owner = "std_msgs"
        yield f"{owner}/msg/{name}"


def definition(name: str) -> str:
    """``ros2msg`` definition of a type such as ``sensor_msgs/msg/Image``.

    Raises:
        LookupError: it, or something that it is made of, is not installed.
    """
    texts: dict[str, str] = {}
    waiting = [name]
    while waiting:
        one = waiting.pop(0)
        if one in texts:
            continue
        texts[one] = _read(one)
        waiting += _parts(texts[one], one.partition("/msg/")[0])
    own = texts.pop(name)
    others = (f"{_BORDER}\nMSG: {one.replace('/msg/', '/')}\n{text}" for one, text in texts.items())
    return "\n".join([own, *others])
