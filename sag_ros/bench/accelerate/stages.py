"""The stages of ``sag accelerate``, one after the other; each is done once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import datetime, timezone
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sag_ros.bench.accelerate import candidates
from sag_ros.bench.accelerate.encoding import episodes_within
from sag_ros.bench.accelerate.journal import Journal
from sag_ros.bench.accelerate.judging import Judged, held_out, judge
from sag_ros.bench.accelerate.recommendation import confirmed, recommend, to_state
from sag_ros.bench.accelerate.rungs import rungs, write_ladder
from sag_ros.bench.accelerate.searching import Setting, search_all
from sag_ros.bench.accelerate.success import Play, short
from sag_ros.bench.accelerate.teaching import teach
from sag_ros.bench.prepare.check_bundle import compare
from sag_ros.bench.run import machine
from sag_ros.bench.run.methods import parse_methods
from sag_ros.policy.bundle import load_bundle
from sag_ros.train.data.bundle_windows import PolicyWindows, policy_windows

if TYPE_CHECKING:
    from sag_ros.bench.accelerate.options import AccelerationOptions

# Of the time that is left when a stage begins.
_SEARCH, _SEARCH_ALONE, _TEACH, _CHOOSE, _STATE = 0.45, 0.85, 0.3, 0.45, 0.85
_ENCODE = 0.15  # of the budget
_WINDOWS = 96  # held out
_CHOOSING, _STATING = 100, 200  # episodes a method, at most
_HOPELESS = 1.5  # times dense's action error: not played


class Stages:
    """All of it.

    Args:
        options: as asked.
        folder: of the bundle.
        out: of state and results.
        say: takes a line of progress.
    """

    def __init__(
        self, options: AccelerationOptions, folder: Path, out: Path, say: Callable[[str], None]
    ) -> None:
        self._options, self._folder, self._out = options, folder, out
        bundle = load_bundle(folder)
        if bundle.contract.diffusion.training != "noise":
            raise ValueError(
                f"the policy was trained for {bundle.contract.diffusion.training}, which takes few steps "
                "already; schedules are for noise prediction"
            )
        key = {**options.arguments(), "policy": bundle.policy_hash}
        self._journal = Journal(out / "state.json", key, options.budget, say)
        self._features = out / "features.safetensors"
        self._bundle = bundle
        self._episodes: int | None = None  # that are used; None: all

    def run(self) -> dict[str, Any]:
        """Returns what the page shows; see ``page``."""
        journal, options = self._journal, self._options
        checked = journal.stage("check", "checking bundle, engine and demonstrations", self._check)
        self._episodes = checked["episodes"]
        prunable, searched = self._bundle.contract.network is not None, []
        if prunable:
            searched = journal.stage("search", f"searching schedules of {self._percent}", self._search)
        else:
            journal.say("a U-Net has no blocks to prune: fewer steps alone are compared")
        judged = journal.stage("judge", "comparing actions on held-out demonstrations", self._judge)
        if options.long and prunable and not checked["pruner"]:
            journal.stage("teach", "teaching a pruner", lambda: self._teach(searched, judged))
            self._bundle = load_bundle(self._folder)
            judged = journal.stage("judge again", "comparing actions, with the pruner", self._judge)
        rows = [self._row(name, row) for name, row in judged.items()]
        if options.task is not None:
            self._play(rows, "chosen", self._plausible(rows), _CHOOSE, options.choosing_seed, _CHOOSING)
            self._play(rows, "stated", to_state(rows, options.margin), _STATE, options.stating_seed, _STATING)
        return self._content(rows, checked, searched)

    @property
    def _percent(self) -> str:
        return ", ".join(f"{100 * density:g}" for density in self._options.wanted) + " % of the blocks"

    def _check(self) -> dict[str, Any]:
        name, error, allowed = compare(self._bundle, self._options.engine, "dense", 1)
        if error > allowed:
            raise ValueError(
                f"engine {name} differs from the reference by {error:.1e}, allowed {allowed:.0e}; "
                "see `sag check-bundle`"
            )
        seconds = 60.0 * _ENCODE * self._options.budget
        self._episodes = episodes_within(self._bundle, self._options.data, seconds)
        if self._episodes is not None:
            self._journal.say(
                f"only {self._episodes} demonstrations are used: encoding more takes more than a seventh of "
                "the budget"
            )
        windows = self._windows
        return {
            "episodes": self._episodes,
            "engine": name,
            "engine_error": error,
            "pruner": self._bundle.pruner_state is not None,
            "training": len(windows.training),
            "held_out": len(windows.validation),
        }

    @cached_property
    def _windows(self) -> PolicyWindows:
        """Of the demonstrations; a pruner changes nothing in them."""
        return policy_windows(self._bundle, self._options.data, self._features, self._episodes)

    def _search(self) -> list[dict[str, Any]]:
        options = self._options
        share = _SEARCH_ALONE if options.task is None else _SEARCH
        setting = Setting(
            self._folder, options.data, self._features, self._out, self._episodes, engine=options.engine
        )
        found = []
        for one in search_all(setting, options.wanted, share * self._journal.left, options.processes):
            self._journal.say(
                f"{one.method}: {one.tried} changes tried, action error {one.before} before, {one.after} now"
            )
            found.append(asdict(one))
        return sorted(found, key=lambda row: -row["density"])

    def _judge(self) -> dict[str, Any]:
        every = candidates.all_of(self._bundle, self._options.wanted)
        held = held_out(self._bundle, self._windows.validation, _WINDOWS)
        names = [one.name for one in every]
        found = judge(self._bundle, names, self._options.engine, held)
        dense: Judged = found[candidates.DENSE]
        return {one.name: {"kind": one.kind, **found[one.name].row(dense)} for one in every}

    def _teach(self, searched: Sequence[dict[str, Any]], judged: dict[str, Any]) -> dict[str, Any]:
        rows = [self._row(name, row) for name, row in judged.items()]
        own = {row["name"]: row for row in rows if row["name"] in {one["method"] for one in searched}}
        usable = [one for one in searched if one["reuse"] == "type"]
        if not usable:
            return {"taught": False, "reason": "no schedule with caches shared by type was found"}
        good = [one for one in usable if own[one["method"]]["error"] <= 1.05 * judged["dense"]["error"]]
        if good:
            start = min(good, key=lambda one: float(one["density"]))
        else:
            start = min(usable, key=lambda one: float(own[one["method"]]["error"]))
        seconds = _TEACH * self._journal.left
        return teach(self._bundle, start, self._windows.training, self._options, self._out, seconds)

    def _row(self, name: str, row: dict[str, Any]) -> dict[str, Any]:
        (method,) = parse_methods(name)
        return {"name": name, "sampler": method.sampler, "mask_source": method.mask_source, **row}

    def _plausible(self, rows: Sequence[dict[str, Any]]) -> list[str]:
        """Whose actions are near enough to dense's to be worth an episode, dense first."""
        dense = next(row for row in rows if row["kind"] == "dense")
        return [row["name"] for row in rows if row["error"] <= _HOPELESS * dense["error"]]

    def _play(
        self, rows: list[dict[str, Any]], key: str, names: list[str], share: float, seed: int, most: int
    ) -> None:
        options = self._options
        assert options.task is not None  # asked before
        task = options.task

        def work() -> dict[str, Any]:
            seconds, result = share * self._journal.left, self._out / f"{key}.json"
            play = Play(
                self._folder, task, options.engine, seed, most, seconds, options.margin, options.processes,
                result,
            )  # fmt: skip
            return {name: short(row) for name, row in play.run(names).items()}

        what = "choosing" if key == "chosen" else "stating"
        found = self._journal.stage(key, f"{what} by success: {', '.join(names)}", work)
        for row in rows:
            row[key] = found.get(row["name"])

    def _content(
        self, rows: list[dict[str, Any]], checked: dict[str, Any], searched: list[dict[str, Any]]
    ) -> dict[str, Any]:
        options = self._options
        row, reason = recommend(rows, options.margin)
        ladder = [] if options.task is None else rungs(rows, row["name"], options.task)
        if len(ladder) > 1:
            write_ladder(self._bundle, ladder)
        sure = confirmed(row, options.margin)
        text = f"take sampler: {row['sampler']}, mask_source: {row['mask_source']}: {reason}"
        if sure is False:
            text += "; the episodes that no choice had seen do not confirm that it is as good as dense"
        return {
            "created": datetime.now(timezone.utc).isoformat(timespec="seconds"),
            "bundle": self._folder.name,
            "policy": self._bundle.policy_hash,
            "arguments": {**options.arguments(), "budget": options.budget},
            "minutes": round(self._journal.spent / 60.0, 1),
            "hardware": machine.describe(),
            "checked": checked,
            "searched": searched,
            "rows": sorted(rows, key=lambda row: row["ms"][0]),
            "recommendation": {
                "name": row["name"],
                "sampler": row["sampler"],
                "mask_source": row["mask_source"],
                "reason": reason,
                "confirmed": sure,
                "text": text,
            },
            "ladder": ladder,
        }
