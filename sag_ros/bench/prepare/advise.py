"""``sag advise``: which way of computing a policy holds its rate on this machine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import tyro

from sag_ros.bench.prepare.rate import BESIDE_MS, WANTED, Rate, measure

if TYPE_CHECKING:
    from sag_ros.policy.bundle import PolicyBundle


@dataclass(frozen=True)
class Candidate:
    """A way that is measured; ``stated``: how often it succeeds, as far as the bundle says."""

    sampler: str
    mask_source: str
    stated: str = ""


def candidates(bundle: PolicyBundle) -> list[Candidate]:
    """What the bundle's ladder names; without one, the pruner or all blocks, and fewer steps.

    Raises:
        BundleError: a damaged ladder.
    """
    from sag_ros.bench.prepare.check_bundle import sampler_of
    from sag_ros.policy.ladder_file import read_ladder

    stated = [] if bundle.folder is None else read_ladder(bundle.folder, bundle.policy_hash)
    found = [
        Candidate(rung.sampler, rung.mask_source, f"{rung.successes} of {rung.episodes} {rung.task}")
        for rung in stated
    ]
    if not found and bundle.pruner_state is not None:
        found.append(Candidate(sampler_of(bundle), "sag"))
    if not found:
        found.append(Candidate(sampler_of(bundle), "dense"))
        if bundle.contract.diffusion.training == "noise":
            steps = bundle.contract.diffusion.steps
            found += [Candidate(f"ddim{fewer}", "dense") for fewer in (30, 10, 5) if fewer < steps]
    return found


def advice(measured: list[tuple[Candidate, Rate]], wanted: float) -> str:
    """A sentence: what to set, or what else to do.

    Args:
        measured: the ones that succeed most often first.
        wanted: chunks a second.
    """
    for number, (candidate, rate) in enumerate(measured):
        if rate.chunks >= wanted:
            if number == 0:
                return f"{rate.name} holds {wanted:g} chunks a second here"
            stated = candidate.stated or "its success is not stated: measure it with `sag bench tasks`"
            return (
                f"{measured[0][1].name} does not hold {wanted:g} chunks a second here; set sampler: "
                f"{candidate.sampler}, mask_source: {candidate.mask_source} ({stated})"
            )
    name, most = max(((rate.name, rate.chunks) for _, rate in measured), key=lambda one: one[1])
    return (
        f"nothing that this bundle has holds {wanted:g} chunks a second here; the fastest is {name} with "
        f"{most:.0f}. Let `sag accelerate` look for a faster way, take fewer or smaller cameras, a faster "
        "core or a GPU"
    )


def main(
    bundle: Annotated[str, tyro.conf.Positional] = "models/pick_release",
    engine: str = "auto",
    wanted: float = WANTED,
) -> int:
    """Measure every way of computing a policy that its bundle names, and say which to take here.

    Exit status 1 if none holds the rate.

    Args:
        bundle: folder of the bundle, or its name in models/.
        engine: auto, tensorrt, cuda_graph, persistent, native, openvino or reference.
        wanted: chunks a second.
    """
    from rich.console import Console
    from rich.table import Table

    from sag_ros.paths import model_folder
    from sag_ros.policy.bundle import load_bundle

    loaded = load_bundle(model_folder(bundle))
    measured = [(one, measure(loaded, one.sampler, one.mask_source, engine)) for one in candidates(loaded)]
    table = Table(title=f"sag advise {bundle}, one core")
    for column in ("way", "engine", "cameras, ms", "chunk, ms", "p99", "chunks/s", "succeeds"):
        table.add_column(column)
    for one, rate in measured:
        numbers = [f"{x:.2f}" for x in (rate.encode, *rate.compute)] + [f"{rate.chunks:.0f}"]
        table.add_row(rate.name, rate.engine, *numbers, one.stated or "not stated")
    console = Console()
    console.print(table)
    console.print(
        f"chunks/s: cameras, chunk and {BESIDE_MS:g} ms for splice, guard and messages, one after another; "
        "cameras that send less are the bound"
    )
    console.print(advice(measured, wanted), highlight=False)
    return int(all(rate.chunks < wanted for _, rate in measured))
