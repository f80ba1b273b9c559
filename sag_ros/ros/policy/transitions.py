"""Lifecycle calls that are not possible are answered; rclpy lets them end the node."""

from __future__ import annotations

from typing import Any

from rclpy.lifecycle import LifecycleNode


def answer_impossible(node: LifecycleNode) -> None:
    """Refuse a transition that the state of ``node`` does not have, instead of dying of it."""
    service = node._service_change_state
    possible = service.callback

    def change_state(request: Any, response: Any) -> Any:
        wanted, machine = request.transition, node._state_machine
        known = {number: label for number, label, *_ in machine.available_transitions}
        if not (wanted.label in known.values() if wanted.label else wanted.id in known):
            asked, state = wanted.label or f"transition {wanted.id}", machine.current_state[1]
            node.get_logger().warning(
                f"{asked} is not possible, the node is {state}; possible: {', '.join(sorted(known.values()))}"
            )
            response.success = False
            return response
        return possible(request, response)

    service.callback = change_state
