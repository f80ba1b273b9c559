"""Who may say what: the SROS 2 policy of the graph, made from its parameter files.

``python -m sag_ros.ros.security [<parameter file>]`` prints it; ``ros2 security create_permission`` takes it.
Each node is an enclave of its own, whoever operates and looks on is another one.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as xml

from sag_ros.paths import config_file
from sag_ros.ros.graph import TOPICS
from sag_ros.ros.parameters import load_file
from sag_ros.ros.schema import NODES
from sag_ros.ros.sections import VIEW_NODE

OPERATOR = "operator"
_PARAMETERS = (
    "describe_parameters",
    "get_parameter_types",
    "get_parameters",
    "list_parameters",
    "set_parameters",
    "set_parameters_atomically",
)
_POLICY = ("resume", "pause", "home", "stop", "load", "swap")
_RECORDER = ("save", "success", "failure")
_LIFECYCLE = (
    "change_state",
    "get_available_states",
    "get_available_transitions",
    "get_state",
    "get_transition_graph",
)
_KINDS = {
    "publish": ("topics", "topic"),
    "subscribe": ("topics", "topic"),
    "reply": ("services", "service"),
    "request": ("services", "service"),
    "call": ("actions", "action"),
}


@dataclass(frozen=True)
class Access:
    """What one node may, by absolute names; everything else is denied."""

    publish: tuple[str, ...] = ()
    subscribe: tuple[str, ...] = ()
    reply: tuple[str, ...] = ()
    request: tuple[str, ...] = ()
    call: tuple[str, ...] = ()


def accesses(parameter_file: Path) -> dict[str, Access]:
    """Node -> what it may, with the topics of a parameter file. Raises ParameterError."""
    configs: dict[str, Any] = {name: load_file(parameter_file, name) for name in NODES if name != "fci_node"}
    policy, sim, gripper = (configs[name] for name in ("policy_node", "sim_node", "gripper_node"))
    fci = load_file(parameter_file, "fci_node", {"robot_ip": "unknown"})
    topics, cameras = policy.topics, [camera.topic for camera in policy.cameras.values()]
    inputs = [*cameras, *(signal.topic for signal in policy.signals.values())]
    inputs += [topics.joint_states, topics.desired_states, topics.gripper_states, topics.deadman]
    inputs.append(topics.takeover)
    return {
        "policy_node": _access(
            "policy_node",
            [topics.trajectory, topics.gripper_command, TOPICS["mask"], TOPICS["timing"], TOPICS["policy"],
             TOPICS["chunk"], "policy_node/transition_event"],
            [*inputs, topics.trajectory],  # whose trajectories come there is heard, too
            [*_POLICY, *_LIFECYCLE],
        ),
        "sim_node": _access(
            "sim_node",
            [*(one.topic for one in (*sim.cameras.values(), *sim.signals.values())), sim.topics.joint_states,
             sim.topics.desired_states, sim.topics.gripper_states, TOPICS["status"]],
            [sim.topics.trajectory, sim.topics.gripper_command],
            ["reset"],
        ),
        "fci_node": _access(
            "fci_node",
            [fci.topics.joint_states, fci.topics.gripper_states],
            [fci.topics.trajectory, fci.topics.gripper_command],
            ["recover", "go_home", "home_gripper"],
        ),
        "gripper_node": _access(
            "gripper_node",
            [],
            [gripper.topics.gripper_command],
            [],
            [f"{gripper.action_namespace}/{name}" for name in ("move", "grasp")],
        ),
        VIEW_NODE: Access(
            publish=_absolute(["parameter_events", "rosout"]),
            subscribe=_absolute(
                ["clock", "diagnostics", "parameter_events", *TOPICS.values(), *cameras, topics.joint_states,
                 topics.gripper_states, topics.trajectory]
            ),
            reply=_absolute(f"{VIEW_NODE}/{name}" for name in _PARAMETERS),
            request=_absolute(
                [*(f"policy_node/{name}" for name in _POLICY),
                 *(f"recorder_node/{name}" for name in _RECORDER),
                 *(f"policy_node/{name}" for name in ("change_state", "get_state", "get_parameters",
                   "list_parameters", "set_parameters_atomically")), "sim_node/reset"]
            ),
        ),
        # Whoever may ask for parameters sees no more than that; nothing that it sends moves the arm.
        "recorder_node": replace(
            _access(
                "recorder_node",
                ["recorder_node/marks"],
                [*inputs, *TOPICS.values(), topics.trajectory, topics.gripper_command, "diagnostics",
                 "policy_node/transition_event", configs["recorder_node"].task_status],
                _RECORDER,
            ),
            request=_absolute(f"policy_node/{name}" for name in ("get_parameters", "list_parameters")),
        ),
        OPERATOR: Access(
            publish=_absolute(["parameter_events", "rosout", topics.deadman, topics.takeover]),
            subscribe=_absolute(
                ["diagnostics", "parameter_events", "rosout", *TOPICS.values(), *inputs, topics.trajectory,
                 topics.gripper_command, "policy_node/transition_event", "recorder_node/marks"]
            ),
            reply=_absolute(f"{OPERATOR}/{name}" for name in _PARAMETERS),
            request=_absolute(
                [*(f"policy_node/{name}" for name in (*_POLICY, *_LIFECYCLE, *_PARAMETERS)),
                 "sim_node/reset", "fci_node/recover", "fci_node/go_home", "fci_node/home_gripper",
                 *(f"recorder_node/{name}" for name in _RECORDER)]
            ),
        ),
    }  # fmt: skip


def _access(
    node: str,
    publish: Sequence[str],
    subscribe: Sequence[str],
    services: Sequence[str],
    actions: Sequence[str] = (),
) -> Access:
    return Access(
        _absolute(["diagnostics", "parameter_events", "rosout", *publish]),
        _absolute(["parameter_events", "clock", *subscribe]),
        _absolute(f"{node}/{name}" for name in [*services, *_PARAMETERS]),
        (),
        _absolute(actions),
    )


def _absolute(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted({f"/{name.lstrip('/')}" for name in names if name}))


def write(found: dict[str, Access]) -> str:
    """The XML text of a policy."""
    root = xml.Element("policy", version="0.2.0")
    enclaves = xml.SubElement(root, "enclaves")
    for node, access in found.items():
        enclave = xml.SubElement(enclaves, "enclave", path=f"/{node}")
        profiles = xml.SubElement(enclave, "profiles")
        profile = xml.SubElement(profiles, "profile", ns="/", node=node)
        for rule, (many, one) in _KINDS.items():
            names = getattr(access, rule)
            if names:
                listed = xml.SubElement(profile, many, {rule: "ALLOW"})
                for name in names:
                    xml.SubElement(listed, one).text = name.lstrip("/")
    xml.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{xml.tostring(root, encoding="unicode")}\n'


def main(arguments: list[str]) -> int:
    """Print the policy."""
    file = Path(arguments[0]) if arguments else config_file("pick_release.yaml")
    sys.stdout.write(write(accesses(file)))
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
