"""Times of all methods on the same recorded observations, apart from the episodes that count successes."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import accumulate, cycle, product
from pathlib import Path
from typing import Any

from sag_ros.bench.run import progress
from sag_ros.bench.run.journal import Journal, kept_identities, lines
from sag_ros.bench.run.records import Turn
from sag_ros.values import Observation

Recording = Sequence[Observation]
CLOCKS = ("engine", "torch")  # the engine of the run, and plain torch, eager
REFERENCE_ENGINE = "reference"


def record(run: Callable[[int, Callable[[Observation], None]], Any], seeds: Sequence[int]) -> list[Recording]:
    """What inferences see in the episodes of ``seeds``; ``run`` plays one and shows it to a witness."""
    recordings: list[list[Observation]] = []
    for seed in seeds:
        recordings.append([])
        run(seed, recordings[-1].append)
    return [recording for recording in recordings if recording]


def take_turn(runner: Any, method: str, number: int, recording: Recording, warm: bool = True) -> Turn:
    """Play one recorded episode to a runner, in order: a sampler with a state sees it as it would in use.

    Args:
        warm: with one chunk before that does not count, because other methods have pushed the weights out
            of the caches.
    """
    if warm:
        runner.reset(number)
        _chunk(runner, recording[0])
    runner.reset(number)
    chunks = [_chunk(runner, observation) for observation in recording]
    return Turn(method, number, *([round(ms, 4) for ms in part] for part in zip(*chunks, strict=True)))


def _chunk(runner: Any, observation: Observation) -> tuple[float, ...]:
    """ms to encode, prune, plan and denoise one chunk.

    Only the newest frame counts as encoding: those before it were encoded when they arrived.
    """

    def encode(index: int) -> dict[str, Any]:
        return {camera: runner.encode(camera, images[index]) for camera, images in observation.images.items()}

    frames = [encode(index) for index in range(len(observation.state) - 1)]
    start = time.perf_counter()
    newest = encode(-1)
    features = runner.features([*frames, newest], observation.state)
    encode_ms = 1e3 * (time.perf_counter() - start)
    timing = runner.infer(observation.stamp, features).timing
    return encode_ms, timing.pruner_ms, timing.extra.get("plan_ms", 0.0), timing.denoise_ms


def turns_needed(recordings: Sequence[Recording], chunks: int) -> int:
    """Turns until each method has at least ``chunks`` chunks, the recordings in rotation."""
    lengths = accumulate(len(recording) for recording in cycle(recordings))
    return next(turn for turn, done in enumerate(lengths, 1) if done >= chunks) if chunks else 0


def incomplete(journal: Journal[Turn], chunks: int) -> list[str]:
    """Methods with fewer than ``chunks`` chunks."""
    done = {name: sum(len(turn.encode) for turn in journal.records(name)) for name in journal.identities}
    return [name for name, count in done.items() if count < chunks]


def measure(
    worker: Any, journal: Journal[Turn], recordings: Sequence[Recording], clock: str, chunks: int, title: str
) -> None:
    """Measure what is missing to ``chunks`` chunks for each method.

    Turn by turn through all methods, each turn beginning with another: a busy minute of the machine hits all
    alike.

    Args:
        worker: gives the runner of a method, in an engine.
        clock: of ``CLOCKS``; plain torch plays the first ``chunks`` chunks of an episode, without one ahead.
    """
    methods, torch, jobs = incomplete(journal, chunks), clock == "torch", []
    if torch:
        recordings = [recordings[0][:chunks]]
    for number in range(turns_needed(recordings, chunks) if methods else 0):
        first = number % len(methods)
        order = methods[first:] + methods[:first]
        jobs += [(method, number) for method in order if (method, number) not in journal]

    def turns() -> Iterator[Turn]:
        for method, number in jobs:
            runner = worker.runner(method, REFERENCE_ENGINE if torch else "")
            yield take_turn(runner, method, number, recordings[number % len(recordings)], warm=not torch)

    remaining = progress.Remaining(method for method, _ in jobs)
    for turn in progress.track(turns(), title, remaining):
        journal.append(turn)


def recorded(identity: Mapping[str, Any], seeds: Sequence[int]) -> dict[str, Any]:
    """Which observations: the episodes of ``seeds`` as the method of ``identity`` plays them."""
    text = json.dumps(identity, sort_keys=True)
    return {"seeds": list(seeds), "policy": hashlib.sha256(text.encode()).hexdigest()}


def identity(
    method: Mapping[str, Any],
    clock: str,
    torch_chunks: int,
    recorded: Mapping[str, Any],
    machine: Mapping[str, Any],
) -> dict[str, Any]:
    """What the times of a method depend on: its identity, see ``Worker.identity``, and more.

    Args:
        clock: of ``CLOCKS``; a turn in plain torch has ``torch_chunks`` chunks.
        recorded: which observations.
        machine: times of two machines are never mixed.
    """
    return {**_clocked(method, clock, torch_chunks), "recorded": dict(recorded), "machine": dict(machine)}


def _clocked(method: Mapping[str, Any], clock: str, torch_chunks: int) -> dict[str, Any]:
    if clock == "torch":
        return {**method, "clock": clock, "engine": REFERENCE_ENGINE, "chunks": torch_chunks}
    return {**method, "clock": clock}


def kept(
    path: Path, methods: Mapping[str, Mapping[str, Any]], torch_chunks: int
) -> tuple[dict[str, Any], dict[str, dict[str, dict[str, Any]]]]:
    """What a journal of times holds of ``methods``: the machine, and clock -> method -> identity.

    All of the machine and the observations that the last of its lines came from.
    """
    common: dict[str, Any] = {}
    for identity, _ in lines(path):
        if {"machine", "recorded"} <= identity.keys():
            common = {key: identity[key] for key in ("machine", "recorded")}
    out: dict[str, dict[str, dict[str, Any]]] = {clock: {} for clock in CLOCKS}
    for clock, (name, own) in product(CLOCKS, methods.items()):
        out[clock] |= kept_identities(path, [name], {**_clocked(own, clock, torch_chunks), **common})
    return common.get("machine", {}), out
