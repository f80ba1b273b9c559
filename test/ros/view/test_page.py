"""The page in a real browser, on a small graph. Skipped where there is no chromium."""

from __future__ import annotations

import pytest
from browsing import Page, needs_chromium
from fake_graph import FakeGraph, Spinning
from rclpy.parameter import Parameter

from sag_ros.ros.view.node import ViewNode

pytestmark = [needs_chromium, pytest.mark.timeout(240)]
TOKEN = "a-token-that-nobody-guesses"


def served(**values) -> ViewNode:
    values = {"port": 0, **values}
    return ViewNode(parameter_overrides=[Parameter(name, value=value) for name, value in values.items()])


def test_values_change_and_a_mask_and_the_arm_are_drawn(domain, chromium):
    graph, view = FakeGraph(), served()
    with Spinning(graph, view):
        page = Page(chromium, view.url)
        page.until(lambda: page.text("word") == "RUNNING", "it runs")
        page.until(lambda: float(page.text("rate").replace("–", "0")) > 0, "a rate is shown")
        page.until(lambda: page.shades("#mask") >= 3, "a mask is drawn")
        page.until(lambda: page.shades("#arm") > 50, "the arm is drawn")
        page.until(lambda: page.shades("#cameras canvas") > 500, "a camera is shown")
        before = page.text("late-label")
        page.until(lambda: page.text("late-label") != before, "values change")
        assert page.run("return document.querySelectorAll('.card.stale').length") == 0
        wide, seen = page.run("return [document.documentElement.scrollWidth, innerWidth]")
        assert wide <= seen
        graph.silent = True
        page.until(lambda: page.text("word") == "NO SIGNAL", "silence is seen")
        page.until(lambda: page.run("return document.querySelectorAll('.card.stale').length") >= 6, "old")
        errors = [entry for entry in chromium.get_log("browser") if entry["level"] == "SEVERE"]
        assert not errors


def test_keys_pause_resume_and_stop(domain, chromium):
    graph, view = FakeGraph(), served()
    with Spinning(graph, view):
        page = Page(chromium, view.url)
        page.until(lambda: page.text("word") == "RUNNING", "it runs")
        page.run("document.querySelector('[data-button=swap]').focus()")  # a space presses what has the focus
        page.key(" ")
        page.until(lambda: page.text("word") == "PAUSED", "paused")
        assert graph.calls == ["pause"]
        assert "pause: the arm is paused" in page.text("answer-text")
        phase = graph.phase
        page.key("r")  # asks first
        page.until(lambda: page.run("return document.getElementById('ask').open"), "the question")
        assert (graph.calls, graph.phase) == (["pause"], phase)
        page.key("\ue00c")  # escape
        page.until(lambda: not page.run("return document.getElementById('ask').open"), "no question")
        assert graph.calls == ["pause"]
        page.key("r")
        page.until(lambda: page.run("return document.getElementById('ask').open"), "the question")
        page.key("\ue007")  # enter
        page.until(lambda: page.text("word") == "RUNNING" and graph.phase > phase, "it goes on")
        page.run("document.querySelector('[data-button=stop]').click()")
        page.until(lambda: page.text("word") == "FAULT", "stopped")
        assert graph.calls == ["pause", "resume", "stop"]
        home = page.run(
            "const b = document.querySelector('[data-button=home]'); return [b.disabled, b.title]"
        )
        assert home == [True, "no service policy_node/home: policy_node does not offer it"]


def test_a_server_that_is_gone_is_seen(domain, chromium):
    graph, view = FakeGraph(), served()
    with Spinning(graph, view):
        page = Page(chromium, view.url)
        page.until(lambda: page.text("word") == "RUNNING", "it runs")
    page.until(lambda: page.text("word") == "PAGE CUT OFF", "the cut is seen")
    assert page.run("return [...document.querySelectorAll('[data-button]')].every((b) => b.disabled)")


def test_a_wrong_token_is_refused(domain, chromium, tmp_path):
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n")
    file.chmod(0o600)
    view = served(token_file=str(file))
    with Spinning(view):
        page = Page(chromium, view.url)
        for token, opened in (("wrong", False), (TOKEN, True)):
            page.run(f"document.getElementById('token').value = {token!r}; document.forms[0].submit()")
            seen = "word" if opened else "wrong"
            page.until(
                lambda seen=seen: page.run(f"return !(document.getElementById({seen!r})?.hidden ?? true)"),
                seen,
            )
        page.until(lambda: page.text("word") == "NOT CONNECTED", "the websocket is open")
