"""What a state is called on the page: a word, a kind (colour and shape), a sentence. No ROS, no jargon."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

SILENT = 2.5  # s without /diagnostics, which comes twice a second, after which nothing is known


@dataclass(frozen=True)
class Word:
    """A state for a person.

    Attributes:
        word: to be read from two metres.
        kind: moves, wait, hold, busy, off, fault or lost; the page has a colour and a shape for each.
        says: one sentence.
        moves: whether the arm may move by itself.
    """

    word: str
    kind: str
    says: str
    moves: bool = False


_LIFECYCLE = {
    "unconfigured": Word("NOT READY", "off", "No policy is loaded. The arm is not commanded."),
    "configuring": Word("LOADING", "busy", "The policy is being loaded and checked."),
    "inactive": Word("STANDBY", "off", "The policy is loaded and switched off. The arm is held."),
    "finalized": Word("ENDED", "off", "The policy's program has ended."),
}
_CAN_LOAD = ("", "unconfigured", "configuring")
_LOADING = Word("LOADING", "busy", "The policy is there, but says nothing: it is loading, or it hangs.", True)
_STATES = {
    "inactive": _LIFECYCLE["inactive"],
    "waiting": Word("WAITING", "wait", "The arm moves as soon as the policy sees enough.", True),
    "running": Word("RUNNING", "moves", "The arm moves by itself. Keep clear.", True),
    "stopping": Word("STOPPING", "hold", "The arm slows down and comes to rest.", True),
    "holding": Word("HOLDING", "hold", "The arm is held. It goes on by itself once the cause is gone.", True),
    "paused": Word("PAUSED", "hold", "The arm is held until you press Resume."),
    "taken over": Word("TAKEN OVER", "wait", "A person leads the arm. The policy is silent."),
    "homing": Word("GOING HOME", "moves", "The arm moves to its home position. Keep clear.", True),
    "fault": Word("FAULT", "fault", "The arm is held. Somebody has to look; then press Resume."),
}


def describe(
    values: Mapping[str, str],
    message: str,
    error: bool,
    age: float | None,
    present: bool = False,
    policy: str = "policy_node",
) -> dict[str, object]:
    """The state for the page.

    Args:
        values, message, error: newest status of the policy node in /diagnostics, and whether it is an error.
        age: of it, s; None: there was none.
        present: whether the node is on the graph.
        policy: name of the node.

    Returns:
        The fields of :class:`Word`, and ``why``: what the node says of it, or an empty text.
    """
    if (age is None or age > SILENT) and present and values.get("lifecycle", "") in _CAN_LOAD:
        return asdict(_LOADING) | {"why": ""}  # which keeps it from saying anything else
    if age is None:
        says = f"Nothing was heard of {policy}. Is it started, on this network and ROS domain?"
        return asdict(Word("NOT CONNECTED", "lost", says, True)) | {"why": ""}
    if age > SILENT:
        says = f"Nothing was heard of {policy} for {age:.0f} s. Whether the arm moves is not known."
        return asdict(Word("NO SIGNAL", "lost", says, True)) | {"why": ""}
    lifecycle, state = values.get("lifecycle", ""), values.get("state", "")
    word = _LIFECYCLE.get(lifecycle) if lifecycle != "active" else _STATES.get(state)
    if word is None:
        name = state or lifecycle or "unknown"
        word = Word(name.upper(), "fault" if error else "wait", "The policy's program says so.", True)
    if error and lifecycle == "unconfigured":
        word = Word("CANNOT START", "fault", "The policy was refused. The arm is not commanded.")
    elif error and lifecycle == "inactive":
        word = Word("CANNOT START", "fault", "The policy is loaded, but may not move the arm yet.")
    why = message.removeprefix(f"{state}: ") if message not in (state, lifecycle, "active") else ""
    return asdict(word) | {"why": why}
