"""The shipped policy allows what the nodes do, and is made from the shipped parameters."""

from __future__ import annotations

import time

from rclpy.parameter import Parameter

from sag_ros.paths import config_file
from sag_ros.ros.flight.node import RecorderNode
from sag_ros.ros.parameters import flatten, load_file
from sag_ros.ros.policy.node import PolicyNode
from sag_ros.ros.sections import VIEW_NODE
from sag_ros.ros.security import OPERATOR, Access, accesses, write
from sag_ros.ros.sim.node import SimNode
from sag_ros.ros.view.node import ViewNode

SHIPPED = accesses(config_file("pick_release.yaml"))


def test_the_shipped_file_is_up_to_date() -> None:
    text = config_file("security/policy.xml").read_text()
    assert text == write(SHIPPED), "python -m sag_ros.ros.security > config/security/policy.xml"


def require(node, access: Access, name: str) -> None:
    """Every endpoint of ``node`` is allowed; the graph knows them after a while."""
    deadline = time.monotonic() + 20.0
    while True:
        found = {
            "publish": node.get_publisher_names_and_types_by_node(name, "/"),
            "subscribe": node.get_subscriber_names_and_types_by_node(name, "/"),
            "reply": node.get_service_names_and_types_by_node(name, "/"),
            "request": node.get_client_names_and_types_by_node(name, "/"),
        }
        if len(found["reply"]) >= 6 and found["publish"]:
            break
        assert time.monotonic() < deadline
        time.sleep(0.05)
    for rule, endpoints in found.items():
        names = {topic for topic, _ in endpoints} - {f"/{name}/get_type_description"}
        assert names <= set(getattr(access, rule)), rule


def test_the_policy_node_needs_no_more(domain, bundle) -> None:
    node = PolicyNode(
        parameter_overrides=[
            Parameter("bundle", value=str(bundle)),
            Parameter("mask_source", value="dense"),
            Parameter("warm_up", value=1),
        ]
    )
    try:
        node.trigger_configure()
        require(node, SHIPPED["policy_node"], "policy_node")
    finally:
        node.close()


def test_the_simulator_needs_no_more(domain) -> None:
    node = SimNode()
    try:
        require(node, SHIPPED["sim_node"], "sim_node")
    finally:
        node.close()


def test_the_page_needs_no_more(domain) -> None:
    node = ViewNode(parameter_overrides=[Parameter("port", value=0)])
    try:
        require(node, SHIPPED[VIEW_NODE], VIEW_NODE)
    finally:
        node.close()


def test_only_the_policy_commands_and_only_it_and_the_operator_listen() -> None:
    command = "/fr3_arm_controller/joint_trajectory"
    assert [name for name, access in SHIPPED.items() if command in access.publish] == ["policy_node"]
    assert "/sim_node/reset" in SHIPPED[OPERATOR].request
    asking = {name: access.request for name, access in SHIPPED.items() if access.request and name != OPERATOR}
    assert set(asking) == {"recorder_node", VIEW_NODE}
    assert asking["recorder_node"] == ("/policy_node/get_parameters", "/policy_node/list_parameters")
    assert set(SHIPPED[VIEW_NODE].publish) == {"/parameter_events", "/rosout"}


def test_the_recorder_needs_no_more(domain, tmp_path) -> None:
    node = RecorderNode(parameter_overrides=[Parameter("folder", value=str(tmp_path))])
    try:
        config = load_file(config_file("pick_release.yaml"), "policy_node")
        node._on_parameters(flatten(config))
        require(node, SHIPPED["recorder_node"], "recorder_node")
    finally:
        node.close()
