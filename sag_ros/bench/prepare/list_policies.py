"""``sag list``: which policies are there, and what may be set for each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

if TYPE_CHECKING:
    from rich.console import Group

    from sag_ros.policy.bundle import PolicyBundle

ANYWHERE = (
    "With every policy: sampler ddpm or ddimN; of transformers mask_source dense, uniformN, geometricN. "
    "What is listed under a sampler is made for it."
)


def bundles(folders: tuple[Path, ...]) -> Iterator[Path]:
    """Folders with a ``policy.yaml``: those given, or below them."""
    from sag_ros.policy.contract_file import CONTRACT_FILE

    for folder in folders:
        if (folder / CONTRACT_FILE).is_file():
            yield folder
        else:
            yield from sorted(path.parent for path in folder.glob(f"*/{CONTRACT_FILE}"))


def mask_sources(stored: Sequence[str], pruner: bool) -> dict[str, list[str]]:
    """Sampler -> mask sources that a policy has of its own; ``ddpm`` first, then by the number of steps.

    Args:
        stored: names of its schedules, as ``bac9`` and, for ten steps of DDIM, ``sag-10``.
        pruner: whether it has one for all of its steps.
    """
    found: dict[int, list[str]] = {0: ["sag"] if pruner else []}
    for key in stored:
        name, _, steps = key.partition("-")
        found.setdefault(int(steps or 0), []).append(name)
    named = {
        f"ddim{steps}" if steps else "ddpm": sorted(found[steps], key=_natural) for steps in sorted(found)
    }
    return {sampler: names for sampler, names in named.items() if names}


def _natural(name: str) -> tuple[str, int]:
    """bac9 before bac20."""
    base = name.rstrip("0123456789")
    return base, int(name[len(base) :] or 0)


def main(folders: Annotated[tuple[Path, ...], tyro.conf.Positional] = ()) -> int:
    """List policy bundles: task, cameras, what ``sampler`` and ``mask_source`` may be. Exit status 1 if one
    is damaged.

    Args:
        folders: of bundles, or bundles; the package's models by default.
    """
    from rich.console import Console

    from sag_ros.paths import share_file
    from sag_ros.policy.bundle import load_bundle

    folders = folders or (share_file("models"),)
    found, status, console = list(bundles(folders)), 0, Console()
    for folder in found:
        try:
            bundle = load_bundle(folder)
        except (OSError, ValueError) as error:
            console.print(folder.name, style="bold", highlight=False)
            console.print(f"  {error}", style="red", highlight=False, markup=False)
            status = 1
            continue
        console.print(_shown(folder, bundle))
    if not found:
        console.print(
            f"no policy in {', '.join(map(str, folders))}: `sag import` or `sag train policy` makes one"
        )
    elif status == 0:
        console.print(ANYWHERE, style="dim", highlight=False)
    return status


def _shown(folder: Path, bundle: PolicyBundle) -> Group:
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    from sag_ros.bench.prepare.check_bundle import summary
    from sag_ros.pruning.stored import stored_names

    facts = summary(bundle, folder)
    rows = {"task": facts["task"], "network": facts["network"], "cameras": facts["cameras"] or "none"}
    if bundle.contract.unet is None:
        own = mask_sources(stored_names(bundle), bundle.pruner_state is not None)
        rows |= {f"with {sampler}": ", ".join(names) for sampler, names in own.items()}
    rows["weights"] = facts["weights"].split(",")[0]
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in rows.items():
        table.add_row(f"  {name}", Text(value))
    return Group(Text(folder.name, "bold"), table, Text())
