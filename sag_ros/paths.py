"""Where configurations, launch files and models lie: an installation's share folder, or the source tree."""

from __future__ import annotations

import os
import stat
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

PACKAGE = "sag_ros"


def source_tree() -> Path | None:
    """Root of the checkout this module runs from, or None when it was installed."""
    root = Path(__file__).resolve().parent.parent
    return root if (root / "package.xml").is_file() and (root / "setup.py").is_file() else None


def _share_folders() -> Iterator[Path]:
    """Candidates in order: ament prefixes (what a sourced ROS workspace offers), source tree, wheel."""
    for prefix in filter(None, os.environ.get("AMENT_PREFIX_PATH", "").split(os.pathsep)):
        # Reading the marker ourselves keeps this importable without ament_index_python.
        if (Path(prefix) / "share/ament_index/resource_index/packages" / PACKAGE).is_file():
            yield Path(prefix) / "share" / PACKAGE
    tree = source_tree()
    if tree is not None:
        yield tree
    yield Path(sys.prefix) / "share" / PACKAGE


def share_file(*parts: str) -> Path:
    """First existing ``<share>/<parts...>``.

    Args:
        parts: for example ``("config", "pick_release.yaml")`` or ``("models", "pick_release")``.
    Raises:
        FileNotFoundError: naming every place that was tried.
    """
    tried = [folder.joinpath(*parts) for folder in _share_folders()]
    for path in tried:
        if path.exists():
            return path
    raise FileNotFoundError(
        f"{'/'.join(parts)} was found in none of: {', '.join(map(str, tried))}; build the package with "
        "colcon and source its install/setup.bash, or run from the source tree"
    )


def config_file(name: str) -> Path:
    """A file of ``config/``. Raises FileNotFoundError."""
    return share_file("config", name)


def model_folder(name: str) -> Path:
    """A policy bundle: ``name`` itself when it is an existing folder, else ``models/<name>``.

    Raises:
        FileNotFoundError: naming every place that was tried.
    """
    if Path(name).is_dir():
        return Path(name)
    if Path(name).is_absolute():
        raise FileNotFoundError(f"{name} is not a folder; a policy bundle is a folder with policy.yaml in it")
    # "models/pick_release" works from any working directory, like "pick_release".
    return share_file("models", *[part for part in Path(name).parts if part != "models"])


def cache_folder(name: str) -> Path | None:
    """Folder ``name`` for what can be made again at any time, created for this user alone.

    Below ``$SAG_ROS_CACHE``, ``$XDG_CACHE_HOME/sag_ros`` or ``~/.cache/sag_ros``, whichever is set first.
    What lies there is executed: machine code, and numba's index of it, which is a pickle. So whoever can
    write there runs what he likes as us, and a folder that others can write to is not used.

    Returns:
        None where nothing can be written, or, with a warning, where others can.
    """
    own, common = os.environ.get("SAG_ROS_CACHE"), os.environ.get("XDG_CACHE_HOME")
    try:
        root = Path(own) if own else Path(common or Path.home() / ".cache") / PACKAGE
        folder = root / name
        root.mkdir(parents=True, exist_ok=True, mode=0o700)
        folder.mkdir(exist_ok=True, mode=0o700)
        exposed = [path for path in (root, folder) if _others_can_write(path)]
    except (OSError, RuntimeError):  # read-only, or no home
        return None
    if exposed:
        warnings.warn(
            f"{exposed[0]} is not used: others can write there, and what lies there is executed. Remove it, "
            "or set SAG_ROS_CACHE to a folder of your own",
            RuntimeWarning,
            stacklevel=2,
        )
        return None
    return folder if os.access(folder, os.W_OK) else None


def _others_can_write(folder: Path) -> bool:
    if not hasattr(os, "getuid"):
        return False
    found = folder.stat()
    # A group of one's own, as Debian gives everybody, is nobody else.
    group = bool(found.st_mode & stat.S_IWGRP) and found.st_gid != os.getgid()
    return found.st_uid != os.getuid() or group or bool(found.st_mode & stat.S_IWOTH)
