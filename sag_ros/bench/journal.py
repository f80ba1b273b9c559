"""What is already measured: one JSON line per episode, so that an interrupted benchmark continues."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class EpisodeResult:
    """Outcome and timing of one episode.

    Attributes:
        method, seed: what was run.
        success: by the task's own condition.
        message: the task's last status.
        seconds: simulated duration.
        density: mean share of blocks computed.
        ms: per chunk: encoding one new frame of every camera, pruner, plan and denoising.
        encode_ms, pruner_ms, denoise_ms: medians over the episode.
        clipped: limits the guard had to enforce; refused: chunks it did not let pass;
        violations: limits the command broke after the guard (an independent check).
    """

    method: str
    seed: int
    success: bool
    message: str
    seconds: float
    density: float
    ms: list[float] = field(default_factory=list)
    encode_ms: float = 0.0
    pruner_ms: float = 0.0
    denoise_ms: float = 0.0
    clipped: int = 0
    refused: int = 0
    violations: int = 0


class Journal:
    """Results on disk, of this identity and of others that share the file.

    Args:
        path: JSONL file; created on the first result.
        identity: everything the results depend on; lines of another identity are kept but not used.
    """

    def __init__(self, path: Path, identity: Mapping[str, Any]) -> None:
        self.path = path
        self.identity = dict(identity)
        self.foreign = 0
        self._done: dict[tuple[str, int], EpisodeResult] = {}
        for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
            self._read(line)

    def _read(self, line: str) -> None:
        try:
            entry = json.loads(line)
            if entry.pop("identity") != self.identity:
                self.foreign += 1
                return
            result = EpisodeResult(**entry)
        except (json.JSONDecodeError, TypeError, KeyError, AttributeError):
            return  # cut short by a crash: that episode is run again
        self._done[result.method, result.seed] = result

    def __contains__(self, key: tuple[str, int]) -> bool:
        return key in self._done

    def results(self, method: str, seeds: range) -> list[EpisodeResult]:
        """Results of ``method`` for the ``seeds`` that are done, in order."""
        return [self._done[method, seed] for seed in seeds if (method, seed) in self._done]

    def append(self, result: EpisodeResult) -> None:
        """Add a result and write it through, so that an interruption loses at most the running episode."""
        self._done[result.method, result.seed] = result
        self.path.parent.mkdir(parents=True, exist_ok=True)
        content = self.path.read_bytes() if self.path.exists() else b""
        torn = bool(content) and not content.endswith(b"\n")  # by a crash: leave that half line alone
        line = json.dumps({"identity": self.identity, **asdict(result)})
        with self.path.open("a", encoding="utf-8") as file:
            file.write(("\n" if torn else "") + line + "\n")
