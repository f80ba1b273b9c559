"""``sag replay``: a recording computed again, and what another policy would have done."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro
from rich.console import Console

from sag_ros.flight.reading import RecordingError
from sag_ros.messages.stamps import SECOND
from sag_ros.paths import model_folder
from sag_ros.policy.bundle import PolicyBundle, load_bundle
from sag_ros.ros.policy.fitting import Refused
from sag_ros.ros.replay import findings
from sag_ros.ros.replay.chunks import Compared, Computing, engine_of, replay, require_fitting
from sag_ros.ros.replay.commands import CommandReplay
from sag_ros.ros.replay.evidence import Evidence, load
from sag_ros.ros.replay.picture import draw, moment
from sag_ros.ros.replay.timeline import decisions_in_a_row, pace, timeline
from sag_ros.ros.replay.told import play, story_of, write_test
from sag_ros.ros.schema import PolicyNode

_BEFORE, _AFTER = 1.5, 0.5  # s around a fault that a test tells


@dataclass(frozen=True)
class Replay:
    """Compute a recording of the flight recorder again, chunk by chunk, and make its commands again.

    Exit status 0: all is as it was, or inside the tolerance where engine, weights or machine are others;
    1: something differs.
    """

    file: Annotated[Path, tyro.conf.Positional]
    """recording, *.mcap"""
    bundle: str = ""
    """another policy beside it: a folder, or its name in models/"""
    sampler: str = ""
    """another sampler beside it"""
    mask_source: str = ""
    """another mask source beside it"""
    recorded_bundle: str = ""
    """where the recorded policy lies now, if neither where it was nor under its name"""
    engine: str = ""
    """another engine beside it; with a precision: native-bf16"""
    chunks: int = 0
    """only the last so many; 0: all"""
    picture: bool = True
    """draw the moment that it was recorded for, or of an episode that failed when the hand let go"""
    at: float | None = None
    """draw this moment instead, s after the recording begins"""
    out: Path | None = None
    """folder for picture and findings; beside the file by default"""
    test: Path | None = None
    """make a test of the moment: test_<something>.py, and what the supervisor was told beside it"""

    def run(self) -> int:
        """Replay; see the class.

        Raises:
            RecordingError, BundleError, Refused, ValueError: what cannot be replayed, with what to do.
        """
        console, evidence = Console(highlight=False), load(self.file)
        told = evidence.metadata
        console.print(
            f"[bold]{self.file.name}[/]: {told['reason']}\n{evidence.recording.seconds:.1f} s, "
            f"{len(evidence.chunks)} chunks, {len(evidence.commands)} commands, written {told['written']}"
        )
        if not evidence.chunks:
            raise RecordingError(f"{self.file} holds no chunk: the policy was not active, nothing to replay")
        self._tell(evidence, console)
        result, beside = self._compute(evidence, console)
        said = findings.sentences(result)
        for sentence in said:
            console.print(sentence)
        folder = self.out or self.file.parent
        folder.mkdir(parents=True, exist_ok=True)
        report = folder / f"{self.file.stem}.replay.json"
        report.write_text(json.dumps(result, indent=2) + "\n")
        console.print(f"findings: {report}")
        if self.picture:
            name = result.get("another", {}).get("name", "")
            path = folder / f"{self.file.stem}{'.beside' if name else ''}.png"
            at = None if self.at is None else evidence.recording.begin + round(self.at * SECOND)
            drawn = draw(evidence, path, beside, name, "; ".join(said[:1]), at)
            console.print(f"picture: {drawn}")
        if self.test is not None:
            self._make_test(evidence, self.test, console)
        return 0 if result["as_it_was"] else 1

    def _tell(self, evidence: Evidence, console: Console) -> None:
        """What happened when, and whether it was in time."""
        begin = evidence.recording.begin
        for one in timeline(evidence):
            console.print(f"{(one.at - begin) / SECOND:7.2f} s  {one.text}", markup=False)
        at, _ = moment(evidence)
        console.print(f"the picture's 0 is at {(at - begin) / SECOND:.2f} s; --at draws another moment")
        kept = pace(evidence)
        if kept is not None:
            console.print(
                f"{kept.rate:.1f} decisions (chunks) a second, camera to command p50 {kept.latency[0]:.0f}, "
                f"p99 {kept.latency[1]:.0f} ms; {kept.late} of {kept.chunks} later than the deadline of "
                f"{1e3 * kept.deadline:.0f} ms, {kept.refused} refused"
            )

    def _compute(self, evidence: Evidence, console: Console) -> tuple[dict[str, Any], list[Compared]]:
        bundle = self._bundle(evidence)
        require_fitting(evidence, bundle)
        chunks = evidence.chunks[-self.chunks :] if self.chunks else evidence.chunks
        computing = self._as_recorded(evidence, bundle, console)
        with console.status("computing chunks") as status:
            found = replay(computing, chunks, lambda count: status.update(f"chunk {count} of {len(chunks)}"))
        engine = computing.runner().engine_name
        reasons = findings.differences(evidence, bundle, engine)
        result: dict[str, Any] = {
            "file": str(self.file),
            "recorded": dict(evidence.metadata) | {"machine": json.loads(evidence.metadata["machine"])},
            "engine": engine,
            "not_the_same": reasons,
            "chunks": findings.of_chunks(found),
        }
        good = all(one.equal for one in found)
        if reasons and not good:
            good, bound = findings.within(found, engine_of({"engine": engine})[1], evidence.config.comparison)
            result["within"] = {"all": good, "bound": bound}
        made = CommandReplay(evidence, bundle.contract).run()
        result["commands"] = findings.of_commands(made)
        result["as_it_was"] = good and all(one.equal for one in made)
        beside: list[Compared] = []
        if any((self.bundle, self.sampler, self.mask_source, self.engine)):
            name, other = self._another(evidence, bundle)
            with console.status(f"computing {name}") as status:
                beside = replay(
                    other, chunks, lambda count: status.update(f"{name}: {count} of {len(chunks)}")
                )
            result["another"] = {"name": name, **findings.of_another(beside, decisions_in_a_row(evidence))}
        return result, beside

    def _bundle(self, evidence: Evidence) -> PolicyBundle:
        """The recorded policy: where it was, or by the name that the parameters give it."""
        if self.recorded_bundle:
            return load_bundle(model_folder(self.recorded_bundle))
        was = evidence.metadata["bundle"]
        try:
            return load_bundle(model_folder(was if Path(was).is_dir() else evidence.config.bundle))
        except OSError as error:
            raise RecordingError(f"{error}; say with --recorded-bundle where it lies now") from None

    def _as_recorded(self, evidence: Evidence, bundle: PolicyBundle, console: Console) -> Computing:
        """With the recorded engine, or with the fastest there is where that is not to be had."""
        told = evidence.policies[-1][1] if evidence.policies else {}
        engine, precision = engine_of(told)
        config = evidence.config.model_copy(update={"engine": engine, "precision": precision})
        computing = Computing(evidence, bundle, config)
        try:
            computing.runner()
        except Refused as error:
            console.print(f"not with engine {told.get('engine')}: {error}")
            computing = Computing(evidence, bundle, evidence.config.model_copy(update={"engine": "auto"}))
        return computing

    def _another(self, evidence: Evidence, bundle: PolicyBundle) -> tuple[str, Computing]:
        told = evidence.policies[-1][1] if evidence.policies else {}
        engine, precision = engine_of({"engine": self.engine} if self.engine else told)
        if self.bundle:
            bundle = load_bundle(model_folder(self.bundle))
            require_fitting(evidence, bundle)
        config: PolicyNode = evidence.config.model_copy(
            update={
                "engine": engine,
                "precision": precision,
                "sampler": self.sampler or evidence.config.sampler,
                "mask_source": self.mask_source or evidence.config.mask_source,
            }
        )
        computing = Computing(evidence, bundle, config, as_recorded=False)
        name = f"{config.sampler}+{config.mask_source} on {computing.runner().engine_name}"
        return (f"{self.bundle} {name}" if self.bundle else name), computing

    def _make_test(self, evidence: Evidence, path: Path, console: Console) -> None:
        at, text = moment(evidence)
        bundle = self._bundle(evidence)
        begin, end = at - round(_BEFORE * SECOND), at + round(_AFTER * SECOND)
        story = story_of(evidence, begin, end, bundle.contract)
        test, beside = write_test(story, path, text, evidence.metadata["written"])
        played = play(story)
        console.print(
            f"test: {test} with {beside.name} ({beside.stat().st_size / 1e3:.0f} kB): {played.commands} "
            f"commands, {played.refused} refused chunks, {len(played.failures)} failures"
        )
        for failure in played.failures[:5]:
            console.print(f"  [red]{failure}[/]")
