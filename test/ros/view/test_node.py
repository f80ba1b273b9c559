"""The page on a small graph, without a browser."""

from __future__ import annotations

import time

import numpy as np
import pytest
from fake_graph import BLOCKS, STEPS, FakeGraph, Spinning
from lifecycle_msgs.msg import State
from page_client import with_page
from rclpy.parameter import Parameter

from sag_ros.ros.parameters import ParameterError
from sag_ros.ros.policy.rivals import onlookers
from sag_ros.ros.view.node import ViewNode


def view(**values) -> ViewNode:
    values = {"port": 0, **values}
    return ViewNode(parameter_overrides=[Parameter(name, value=value) for name, value in values.items()])


def shown(node) -> set[str]:
    """Topics that the view hears."""
    found = node.get_subscriber_names_and_types_by_node("view_node", "/")
    return {topic for topic, _ in found} - {"/parameter_events"}


def wait(done, seconds=20.0) -> None:
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_values_pictures_and_masks_come_and_change(domain):
    graph, page = FakeGraph(), view()

    async def act(client):
        wanted = {"camera front", "camera wrist", "mask"}
        await client.until(lambda: wanted <= set(client.parts) and client.word == "RUNNING")
        before = client.values["joints"]["q"][0], client.parts["mask"], client.parts["camera front"]
        await client.until(
            lambda: (
                client.values["joints"]["q"][0] != before[0]
                and client.parts["mask"] != before[1]
                and client.parts["camera front"] != before[2]
                and client.values["rate"] > 0
                and client.values["joints"]["ahead"]
            )
        )
        assert client.values["joints"]["width"] == pytest.approx(0.04)
        assert client.parts["camera front"][:2] == b"\xff\xd8"
        bits = np.unpackbits(np.frombuffer(client.parts["mask"], np.uint8))[: STEPS * BLOCKS]
        assert bits[:BLOCKS].all()
        assert not bits.all()
        slow = client.values["slow"]
        assert slow["runs"]["name"] == "careful: b ddpm+dense"
        assert set(slow["runs"]["policies"]) == {"careful", "fast"}
        assert slow["episodes"]["successes"] == 1
        assert slow["latency"]["deadline"] == 50.0
        assert slow["guard"]["clipped"] == "3"

    with Spinning(graph, page):
        with_page(page.url, act)


def test_buttons_are_services(domain):
    graph, page = FakeGraph(), view()

    async def act(client):
        await client.until(lambda: client.values.get("slow", {}).get("buttons", {}).get("pause") == "")
        reasons = client.values["slow"]["buttons"]
        assert reasons["home"] == "no service policy_node/home: policy_node does not offer it"
        assert reasons["save"] == "no service recorder_node/save: recorder_node is not running"
        assert await client.press("home") == (False, reasons["home"])
        success, text = await client.press("selfdestruct")
        assert not success
        assert "there are pause, resume, stop, home" in text
        assert await client.press("pause") == (True, "pause: the arm is paused")
        await client.until(lambda: client.word == "PAUSED")
        phase = graph.phase
        await client.press("resume")
        await client.until(lambda: client.word == "RUNNING" and graph.phase > phase)
        await client.press("stop")
        await client.until(lambda: client.word == "FAULT")
        assert client.values["slow"]["state"]["kind"] == "fault"
        assert await client.press("load", choice="fast") == (True, "load: the arm is fault")
        await client.press("swap")

    with Spinning(graph, page):
        with_page(page.url, act)
    assert graph.calls == ["pause", "resume", "stop", "load", "swap"]
    assert (graph.parameter("next.policy"), graph.parameter("next.bundle")) == ("fast", "")


def test_start_loads_the_policy_and_switches_it_on_once_the_arm_may_move(domain):
    graph, page = FakeGraph(), view()
    graph.lifecycle, graph.refusals = State.PRIMARY_STATE_UNCONFIGURED, 2

    async def act(client):
        await client.until(lambda: client.values.get("slow", {}).get("buttons", {}).get("start") == "")
        assert await client.press("start") == (True, "the policy is on")
        assert await client.press("start") == (True, "the policy is on already")

    with Spinning(graph, page):
        with_page(page.url, act)
    assert graph.calls == ["configure", "activate", "activate", "activate"]


def test_causes_are_shown_with_remedies_and_silence_as_such(domain):
    graph, page = FakeGraph(), view()
    graph.causes = [("camera front is 0.5 s old", "look at its driver"), ("something else", "")]

    async def act(client):
        await client.until(
            lambda: bool(client.values.get("slow", {}).get("causes")) and "joints" in client.values["ages"]
        )
        first, second = client.values["slow"]["causes"]
        assert first == {"text": "camera front is 0.5 s old", "remedy": "look at its driver"}
        assert second["remedy"] == ""
        graph.silent = True
        await client.until(lambda: client.word == "NO SIGNAL")
        assert client.values["ages"]["joints"] > 1.0

    with Spinning(graph, page):
        with_page(page.url, act)


def test_a_closed_page_costs_nothing(domain):
    graph, page = FakeGraph(), view()

    async def act(client):
        await client.until(lambda: {"camera front", "mask"} <= set(client.parts))
        assert {"/front", "/wrist", "/policy_node/mask", "/command", "/diagnostics"} <= shown(graph)
        await client.say(look=False)  # a tab in the background
        wait(lambda: shown(graph) == {"/sim_node/task_status"})
        await client.say(look=True)
        client.parts.clear()
        await client.until(lambda: "camera front" in client.parts)

    with Spinning(graph, page):
        wait(lambda: shown(graph) == {"/sim_node/task_status"})
        with_page(page.url, act)
        wait(lambda: shown(graph) == {"/sim_node/task_status"})


def test_the_page_is_nobody_who_executes_commands(domain):
    graph, page = FakeGraph(), view()

    async def act(client):
        await client.until(lambda: bool((client.values.get("joints") or {}).get("ahead")))
        assert graph.count_subscribers("command") == onlookers(graph, "command") == 1

    with Spinning(graph, page):
        with_page(page.url, act)


def test_before_anybody_is_there_it_says_so(domain):
    page = view()

    async def act(client):
        await client.until(lambda: client.word == "NOT CONNECTED")
        assert client.values["joints"] is None
        assert "policy_node is not running" in client.values["slow"]["buttons"]["pause"]

    with Spinning(page):
        with_page(page.url, act)


def test_what_cannot_be_served_is_refused(domain, tmp_path):
    with pytest.raises(ParameterError, match=r"host 0\.0\.0\.0.*token_file"):
        view(host="0.0.0.0")
    with pytest.raises(ParameterError, match="No such file"):
        view(token_file=str(tmp_path / "token"))
    with pytest.raises(ParameterError, match="set host and port"):
        view(host="192.0.2.1", token_file=str(token(tmp_path)))


def token(folder):
    file = folder / "token"
    file.write_text("0123456789abcdef\n")
    file.chmod(0o600)
    return file
