"""Which bags there are."""

from __future__ import annotations

import re
from pathlib import Path


def find_bags(path: Path) -> list[Path]:
    """Bags at ``path``, in the order of their names, numbers by their value.

    Args:
        path: file .mcap or .db3, a folder of rosbag2, or one with any of these below it.

    Returns:
        Folders of rosbag2 and files without one; empty where there is none.
    """
    if path.is_file():
        return [path] if path.suffix in (".mcap", ".db3") else []
    folders = [one.parent for one in path.rglob("metadata.yaml")]
    files = [
        one for suffix in (".mcap", ".db3") for one in path.rglob(f"*{suffix}") if one.parent not in folders
    ]
    return sorted([*folders, *files], key=_natural)


def _natural(path: Path) -> list[tuple[int, str]]:
    """Order of names in which episode_2 comes before episode_10."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", str(path))]
