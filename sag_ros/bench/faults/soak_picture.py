"""The picture of a soak: what the nodes held, and how the episodes ended."""

from __future__ import annotations

from pathlib import Path

from sag_ros.bench.faults.soak_record import WITHOUT_RESTART, Soak

_COLOURS = ("#4f6d7a", "#c8a553", "#7a9e7e")
_BAD = "#c8553d"


def draw(path: Path, soak: Soak, title: str) -> None:
    """Memory, threads, descriptors and episodes over the minutes; a PNG file."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11.0, 8.0), layout="constrained")
    axes = figure.subplots(4, 1, sharex=True, height_ratios=(2, 1, 1, 1.3))
    nodes = sorted({sample.node for sample in soak.samples})
    for axis, (name, label) in zip(
        axes,
        (("memory", "resident, MiB"), ("threads", "threads"), ("descriptors", "open descriptors")),
        strict=False,
    ):
        for node, colour in zip(nodes, _COLOURS, strict=False):
            own = [sample for sample in soak.samples if sample.node == node]
            times = [sample.at / 60.0 for sample in own]
            axis.plot(
                times, [getattr(sample.held, name) for sample in own], color=colour, label=node, linewidth=1.2
            )
        axis.set_ylabel(label, fontsize=9)
        axis.set_ylim(bottom=0)
    axes[0].legend(frameon=False, fontsize=9, loc="lower right")
    last = axes[3]
    for row, (label, chosen) in enumerate(
        (
            ("episodes with a fault", [episode for episode in soak.episodes if episode.faults]),
            ("episodes between", [episode for episode in soak.episodes if not episode.faults]),
        )
    ):
        for good, colour in ((True, _COLOURS[2]), (False, _BAD)):
            times = [episode.at / 60.0 for episode in chosen if episode.success is good]
            last.plot(times, [row] * len(times), "o", color=colour, markersize=4)
        last.text(0.0, row + 0.25, label, fontsize=8)
    for good, colour in ((True, "#999999"), (False, _BAD)):
        times = [fault.at / 60.0 for fault in soak.faults if (fault.goes_on in WITHOUT_RESTART) is good]
        last.plot(times, [2] * len(times), "|", color=colour, markersize=9)
    last.text(0.0, 2.3, "faults", fontsize=8)
    last.set_ylim(-0.5, 2.8)
    last.set_yticks([])
    last.set_xlabel("minutes")
    for axis in axes:
        axis.spines[["top", "right"]].set_visible(False)
        axis.tick_params(labelsize=8)
    figure.suptitle(title, fontsize=10)
    figure.savefig(path, dpi=110)
