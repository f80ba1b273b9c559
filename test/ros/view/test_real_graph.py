"""The page in a browser, beside simulated arm and shipped policy. Skipped where there is no chromium."""

from __future__ import annotations

import time

import pytest
from browsing import Page, needs_chromium

from sag_ros.ros.demo.processes import Processes, private_environment
from sag_ros.ros.graph import pick_release

pytestmark = [needs_chromium, pytest.mark.timeout(400)]
PORT = 8093


def test_an_arm_that_works_is_seen_held_and_stopped(chromium, tmp_path):
    graph = pick_release(policy={"autostart": True}).watched({"port": PORT})
    with Processes(graph, tmp_path, private_environment()) as processes:
        page = opened(chromium, processes)
        page.patience = 200.0  # a policy is loaded and checked, perhaps compiled
        page.until(lambda: page.text("word") == "RUNNING", "it runs")
        page.patience = 60.0
        page.until(lambda: float(page.text("rate").replace("–", "0")) > 0, "a rate is shown")
        page.until(lambda: page.shades("#mask") >= 2, "a mask is drawn")
        page.until(lambda: page.shades("#cameras canvas") > 100, "a camera is shown")
        late = page.text("late-label")
        page.until(lambda: page.text("late-label") != late, "values change")
        page.key(" ")
        page.until(lambda: page.text("word") == "PAUSED", "paused")
        page.key("r")
        page.until(lambda: page.run("return document.getElementById('ask').open"), "the question")
        page.key("\ue007")  # enter
        page.until(lambda: page.text("word") in ("RUNNING", "WAITING"), "it goes on")
        page.run("document.querySelector('[data-button=stop]').click()")
        page.until(lambda: page.text("word") == "STANDBY", "stopped")
        page.key("g")
        page.until(lambda: page.run("return document.getElementById('ask').open"), "the question")
        page.key("\ue007")
        page.until(lambda: page.text("word") == "RUNNING", "started again")
        page.run("document.querySelector('[data-button=stop]').click()")
        page.until(lambda: page.text("word") == "STANDBY", "stopped")


def opened(chromium, processes) -> Page:
    """The page, once it is served."""
    from selenium.common.exceptions import WebDriverException

    deadline = time.monotonic() + 60.0
    while True:
        processes.check()
        try:
            page = Page(chromium, f"http://127.0.0.1:{PORT}/")
            if page.run("return document.getElementById('word') !== null"):
                return page
        except WebDriverException:
            pass
        assert time.monotonic() < deadline, "the page is not served"
        time.sleep(0.3)
