"""Compiled engines on disk: a folder for each key, with a manifest and one file a part.

An engine holds native code for one GPU and one release of TensorRT, and its author could make it do anything.
So engines are kept in this user's own cache folder and nowhere else, never in a bundle, and nothing is loaded
whose key or digest is not exactly the expected one.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from sag_ros.paths import cache_folder

FOLDER = "tensorrt"
MANIFEST = "manifest.json"
SUFFIX = ".engine"
FORMAT = "1"  # of what this file writes


class NotCompiled(ValueError):
    """There are no engines that fit; the message says why."""


@dataclass(frozen=True)
class Key:
    """All that engines depend on. Another value of any of it, and they are compiled anew.

    Attributes:
        policy: SHA-256 of the policy's weights.
        network: its sizes. tokens: T'.
        precision: f32, bf16 or f16.
        gpu: name and compute capability.
        tensorrt, torch_tensorrt, torch: versions.
        code: digest of the code that describes the parts.
        format: of the store.
    """

    policy: str
    network: str
    tokens: str
    precision: str
    gpu: str
    tensorrt: str
    torch_tensorrt: str
    torch: str
    code: str
    format: str = FORMAT

    @property
    def digest(self) -> str:
        """Name of the folder."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()[:32]


def save(key: Key, parts: Mapping[str, bytes]) -> Path:
    """Keep the engines of ``parts``; all of them appear at once, or none. Returns their folder.

    Raises:
        OSError: nothing can be written.
    """
    root = _root()
    if root is None:
        raise OSError(_NOWHERE)
    making = Path(tempfile.mkdtemp(prefix="making-", dir=root))
    try:
        for name, data in parts.items():
            (making / f"{name}{SUFFIX}").write_bytes(data)
        digests = {name: hashlib.sha256(data).hexdigest() for name, data in parts.items()}
        manifest = json.dumps({"key": asdict(key), "sha256": digests}, indent=1)
        (making / MANIFEST).write_text(manifest, encoding="utf-8")
        folder = root / key.digest
        _exchange(making, folder)
    finally:
        shutil.rmtree(making, ignore_errors=True)
    return folder


def _exchange(new: Path, folder: Path) -> None:
    """Move ``new`` to ``folder``. A folder cannot be replaced, only moved out of the way."""
    if not folder.exists():
        os.replace(new, folder)
        return
    away = Path(tempfile.mkdtemp(prefix="making-", dir=folder.parent))
    old = away / "old"
    try:
        os.replace(folder, old)
        os.replace(new, folder)
    finally:
        if old.exists() and not folder.exists():
            os.replace(old, folder)
        shutil.rmtree(away, ignore_errors=True)


def load(key: Key, names: Iterable[str]) -> dict[str, bytes]:
    """The engines of the parts ``names``.

    Raises:
        NotCompiled: none for this key, a part is missing, or a file is not the one that was written.
    """
    root = _root()
    if root is None:
        raise NotCompiled(_NOWHERE)
    folder = root / key.digest
    manifest = _manifest(folder)
    if manifest is None:
        raise NotCompiled(f"{folder / MANIFEST} is damaged" if folder.exists() else _nearest(root, key))
    if manifest["key"] != asdict(key):
        raise NotCompiled(f"{folder / MANIFEST} has another key")
    found = {}
    for name in names:
        file = folder / f"{name}{SUFFIX}"
        try:
            data = file.read_bytes()
        except OSError as error:
            raise NotCompiled(f"{file} cannot be read ({error.strerror})") from error
        if hashlib.sha256(data).hexdigest() != manifest["sha256"].get(name):
            raise NotCompiled(f"{file} is not what was compiled: its SHA-256 differs")
        found[name] = data
    return found


_NOWHERE = "no cache folder can be written; set SAG_ROS_CACHE to one that can"


def timing_cache(key: Key) -> Path | None:
    """Where TensorRT may keep what it measured on this GPU, so that it compiles faster next time."""
    root = _root()
    if root is None:
        return None
    name = hashlib.sha256(f"{key.gpu} {key.tensorrt}".encode()).hexdigest()[:16]
    return root / f"timing-{name}.bin"


def _root() -> Path | None:
    return cache_folder(FOLDER)


def _manifest(folder: Path) -> dict[str, dict[str, str]] | None:
    """What was written; None when that cannot be said."""
    with suppress(OSError, ValueError):
        content = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        if isinstance(content, dict) and all(isinstance(content.get(x), dict) for x in ("key", "sha256")):
            return content
    return None


def _nearest(root: Path, key: Key) -> str:
    """What distinguishes ``key`` from the nearest one of the same policy for which there are engines."""
    wanted, nearest = asdict(key), None
    for folder in sorted(root.iterdir()):
        manifest = _manifest(folder)
        if manifest is None or manifest["key"].get("policy") != key.policy:
            continue
        found = manifest["key"]
        other = [field.name for field in fields(Key) if found.get(field.name) != wanted[field.name]]
        if nearest is None or len(other) < len(nearest):
            nearest = [f"{name} {found.get(name)}, not {wanted[name]}" for name in other]
    if nearest is None:
        return "never compiled on this machine"
    return f"compiled for {'; '.join(nearest)}"
