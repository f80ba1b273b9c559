"""How many episodes there were, and how many succeeded. No ROS."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class Episodes:
    """Counts what a task status says of episodes, since the beginning of this program.

    An episode counts once it has begun; it has succeeded when its status said so once.
    """

    def __init__(self) -> None:
        self._succeeded: dict[tuple[int, int], bool] = {}  # (episode, seed): a simulator may start anew
        self._newest: dict[str, Any] = {}

    def take(self, status: Mapping[str, Any]) -> None:
        """Take a status: ``episode`` (below 0: none yet), ``seed``, ``success``, ``message``, ``time``."""
        self._newest = dict(status)
        number = status.get("episode", -1)
        if isinstance(number, int) and number >= 0:
            key = (number, int(status.get("seed", 0)))
            self._succeeded[key] = self._succeeded.get(key, False) or bool(status.get("success"))

    def told(self) -> dict[str, Any] | None:
        """For the page: ``number`` (None before the first), ``success``, ``seconds``, ``message``,
        ``total``, ``successes``, ``violations``; None when nothing was heard.
        """
        if not self._newest:
            return None
        newest = self._newest
        number = newest.get("episode", -1)
        return {
            "number": number if number >= 0 else None,
            "success": bool(newest.get("success")),
            "seconds": newest.get("time", 0.0),
            "message": str(newest.get("message", "")),
            "violations": newest.get("limit_violations", 0),
            "total": len(self._succeeded),
            "successes": sum(self._succeeded.values()),
        }
