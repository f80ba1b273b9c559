"""In whose terms the states and actions of a store are."""

from __future__ import annotations

from typing import Any

from sag_ros.policy.contract import Contract


def terms_of(contract: Contract) -> dict[str, Any]:
    """What a store says of its states and actions, so that others know whose they are."""
    return {
        "state": list(contract.state),
        "action": [one.model_dump() for one in contract.action],
        "tcp": None if contract.tcp is None else contract.tcp.model_dump(),
        "signals": {name: one.size for name, one in contract.signals.items()},
        "binary_gripper": None if contract.binary_gripper is None else contract.binary_gripper.model_dump(),
    }
