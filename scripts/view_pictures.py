"""Pictures of the operator's page for docs/: a simulated arm at work on a desktop and a tablet, and a fault.

python scripts/view_pictures.py [<folder> [<parameter file>]]

Needs chromium, chromedriver, and the extras sim, ros, view, dev. On a machine that has other work give a
parameter file with longer watchdog.* times.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import rclpy
from rclpy.node import Node
from rclpy.publisher import Publisher
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from trajectory_msgs.msg import JointTrajectory

from sag_ros.ros import qos
from sag_ros.ros.demo.processes import Processes, private_environment
from sag_ros.ros.graph import Graph, pick_release
from sag_ros.ros.sections import Topics

BROWSER, DRIVER = "/usr/bin/chromium", "/usr/bin/chromedriver"
SWITCHES = (
    "headless", "no-sandbox", "disable-gpu", "disable-quic", "no-first-run", "disable-background-networking",
    "disable-component-update", "disable-sync", "hide-scrollbars",
)  # fmt: skip
DESKTOP, TABLET = (1440, 900), (820, 1180)
PORT = 8087
PATIENCE = 600.0  # s for a policy to be loaded on a busy machine
POLICIES = {
    "policies.adaptive.bundle": "models/pick_release",
    "policies.quick.bundle": "models/pick_release",
    "policies.quick.sampler": "ddim8",
    "policies.quick.mask_source": "dense",
    "policy": "adaptive",
}


def browser() -> webdriver.Chrome:
    """A browser with nothing in it."""
    options = webdriver.ChromeOptions()
    options.binary_location = BROWSER
    for switch in SWITCHES:
        options.add_argument(f"--{switch}")
    options.add_argument(f"--user-data-dir={tempfile.mkdtemp()}")
    return webdriver.Chrome(options=options, service=Service(DRIVER))


def become(driver: webdriver.Chrome, size: tuple[int, int], dark: bool) -> None:
    """Look like a screen of this size whose owner prefers dark or light pages."""
    width, height = size
    metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})


def word(driver: webdriver.Chrome) -> str:
    """The large one."""
    return str(driver.execute_script("return document.getElementById('word').textContent"))


def wait(done: Callable[[], bool], seconds: float, what: str) -> None:
    """Raise TimeoutError unless ``done()`` within so many seconds."""
    deadline = time.monotonic() + seconds
    while not done():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {seconds:.0f} s")
        time.sleep(0.2)


def watched(file: Path | None) -> Graph:
    """The simulated arm with two named policies, page and flight recorder beside it."""
    policy = {"autostart": True, "diagnostics_rate": 4.0, **POLICIES}
    graph = pick_release(parameter_file=file, policy=policy).watched({"port": PORT})
    return graph.recorded({"folder": tempfile.mkdtemp()})  # so that its buttons are there, too


def main(folder: Path, file: Path | None) -> int:
    """Take the three pictures."""
    environment = private_environment()
    os.environ.update(environment)
    rclpy.init(args=[])
    logs = Path(tempfile.mkdtemp())
    with Processes(watched(file), logs, environment):
        driver = browser()
        try:
            wait(lambda: _opens(driver), 60.0, "the page")
            wait(lambda: word(driver) == "RUNNING", PATIENCE, "a running policy")
            driver.execute_script("document.querySelector('[data-button=next]').click()")
            driver.execute_script("document.getElementById('ask-yes').click()")
            time.sleep(10.0)
            wait(lambda: word(driver) == "RUNNING", 120.0, "the next episode")
            for name, size, dark in (("desktop", DESKTOP, False), ("tablet", TABLET, True)):
                become(driver, size, dark)
                time.sleep(3.5)
                driver.save_screenshot(str(folder / f"view_{name}.png"))
            stranger = Node("somebody_else")  # only one may command
            commands = stranger.create_publisher(JointTrajectory, Topics().trajectory, qos.COMMAND)
            wait(lambda: commands.get_subscription_count() > 1, 30.0, "who takes commands")
            wait(lambda: _disturbs(commands, driver), 60.0, "a fault")
            become(driver, DESKTOP, True)
            time.sleep(3.0)
            driver.save_screenshot(str(folder / "view_fault.png"))
        finally:
            driver.quit()
            rclpy.try_shutdown()
    return 0


def _disturbs(commands: Publisher, driver: webdriver.Chrome) -> bool:
    commands.publish(JointTrajectory())  # again and again: who listens may not know us yet
    return word(driver) == "FAULT"


def _opens(driver: webdriver.Chrome) -> bool:
    driver.get(f"http://127.0.0.1:{PORT}/")
    return "robot arm" in driver.title.lower()


if __name__ == "__main__":
    given = [Path(argument) for argument in sys.argv[1:]]
    raise SystemExit(main(given[0] if given else Path("docs"), given[1] if len(given) > 1 else None))
