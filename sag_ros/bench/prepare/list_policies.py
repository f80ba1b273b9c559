"""``sag list``: which policies are there, and what may be set for each."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import tyro


def bundles(folders: tuple[Path, ...]) -> Iterator[Path]:
    """Folders with a ``policy.yaml``: those given, or below them."""
    from sag_ros.policy.contract_file import CONTRACT_FILE

    for folder in folders:
        if (folder / CONTRACT_FILE).is_file():
            yield folder
        else:
            yield from sorted(path.parent for path in folder.glob(f"*/{CONTRACT_FILE}"))


def main(folders: Annotated[tuple[Path, ...], tyro.conf.Positional] = ()) -> int:
    """List policy bundles: task, cameras, what ``sampler`` and ``mask_source`` may be. Exit status 1 if one
    is damaged.

    Args:
        folders: of bundles, or bundles; the package's models by default.
    """
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from sag_ros.bench.prepare.check_bundle import summary
    from sag_ros.paths import share_file
    from sag_ros.policy.bundle import load_bundle

    folders = folders or (share_file("models"),)
    table = Table()
    for column in ("policy", "task", "cameras", "network", "pruner", "schedules", "weights"):
        table.add_column(column, no_wrap=column == "policy")
    found, status = list(bundles(folders)), 0
    for folder in found:
        try:
            facts = summary(load_bundle(folder), folder)
        except (OSError, ValueError) as error:
            table.add_row(Text(folder.name), Text(str(error), "red"))
            status = 1
            continue
        pruner = "sag" if facts["pruner"] == "yes" else "none"
        shown = [facts[key] for key in ("task", "cameras", "network")]
        table.add_row(
            folder.name, *map(Text, (*shown, pruner, facts["schedules"], facts["weights"].split(",")[0]))
        )
    console = Console()
    if not found:
        console.print(
            f"no policy in {', '.join(map(str, folders))}: `sag import` or `sag train policy` makes one"
        )
        return 0
    console.print(table)
    return status
