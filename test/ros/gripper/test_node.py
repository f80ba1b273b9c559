from __future__ import annotations

from types import SimpleNamespace

import pytest
from sensor_msgs.msg import JointState

from sag_ros.messages.errors import MessageError
from sag_ros.messages.joints import read_gripper_command
from sag_ros.ros.diagnostics import ERROR, OK, WARN
from sag_ros.ros.gripper import node as gripper_node
from sag_ros.ros.gripper.node import MissingDependency, franka_actions, goal
from sag_ros.ros.joints import write_gripper_command

FINGERS = ["fr3_finger_joint1", "fr3_finger_joint2"]


def action(**fields):
    """Stands in for a generated action type."""

    def build(**values):
        assert set(values) <= set(fields)
        return SimpleNamespace(**{**fields, **values})

    return SimpleNamespace(Goal=build)


MOVE = action(width=0.0, speed=0.0)
GRASP = action(width=0.0, speed=0.0, force=0.0, epsilon=SimpleNamespace(inner=0.0, outer=0.0))


def test_no_force_is_a_move_and_the_width_stays_in_the_hand():
    name, request = goal(MOVE, GRASP, 0.2, 0.1, 0.0)
    assert name == "move"
    assert (request.width, request.speed) == (0.08, 0.1)


def test_force_is_a_grasp_of_any_width():
    name, request = goal(MOVE, GRASP, 0.03, 0.1, 40.0)
    assert name == "grasp"
    assert (request.width, request.force) == (0.03, 40.0)
    assert request.epsilon.inner == request.epsilon.outer == gripper_node.ANY_WIDTH


def test_without_franka_msgs_it_says_what_to_install():
    with pytest.raises(MissingDependency, match="build franka_ros2"):
        franka_actions()


def test_command_message_round_trip():
    message = write_gripper_command(JointState(), 0.05, 0.1, 30.0, FINGERS[0])
    assert message.name == FINGERS[:1]
    assert list(message.position) == [0.025]
    assert read_gripper_command(message, FINGERS) == pytest.approx((0.05, 0.1, 30.0))


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"name": ["thumb"]}, "thumb"),
        ({"position": []}, "needs a finite"),
        ({"position": [float("nan")]}, "needs a finite"),
        ({"velocity": [0.0]}, "must be positive"),
    ],
)
def test_unusable_commands_say_why(change, text):
    message = write_gripper_command(JointState(), 0.05, 0.1, 30.0, FINGERS[0])
    for name, value in change.items():
        setattr(message, name, value)
    with pytest.raises(MessageError, match=text):
        read_gripper_command(message, FINGERS)


class Client:
    """Stands in for an action client."""

    ready = False

    def __init__(self, node, kind, name):
        self.name, self.sent = name, []

    def server_is_ready(self):
        return Client.ready

    def send_goal_async(self, request):
        self.sent.append(request)
        return SimpleNamespace(add_done_callback=lambda callback: None)


def test_a_server_that_is_gone_is_on_diagnostics(domain, monkeypatch):
    monkeypatch.setattr(gripper_node, "ActionClient", Client)
    monkeypatch.setattr(gripper_node, "franka_actions", lambda: (MOVE, GRASP))
    monkeypatch.setattr(Client, "ready", False)
    node = gripper_node.GripperNode()
    said = []
    node._diagnostics = SimpleNamespace(publish=lambda level, message, values: said.append((level, message)))
    close = write_gripper_command(JointState(), 0.03, 0.1, 40.0, FINGERS[0])
    try:
        node._on_command(close)  # nobody to take it: nothing breaks
        node._publish_diagnostics()
        assert said[-1] == (ERROR, "franka_gripper has no server for move, grasp; start franka_gripper")
        monkeypatch.setattr(Client, "ready", True)
        node._publish_diagnostics()
        assert said[-1] == (OK, "ready")
        node._on_command(close)
        assert [request.force for request in node._actions["grasp"].sent] == [40.0]
        refused = SimpleNamespace(result=lambda: SimpleNamespace(accepted=False))
        node._on_accepted(refused)
        node._publish_diagnostics()
        assert said[-1] == (WARN, "the gripper rejected the goal")
    finally:
        node.close()
