"""A browser that shows the page. Skipped where there is no chromium."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

BROWSER, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
needs_chromium = pytest.mark.skipif(
    not (BROWSER and DRIVER), reason="needs chromium and chromedriver (apt-get install)"
)
SWITCHES = (
    "headless", "no-sandbox", "disable-gpu", "disable-quic", "no-first-run", "disable-background-networking",
    "disable-component-update", "disable-sync",
)  # fmt: skip
PATIENCE = 60.0  # s


def browser(profile: Path) -> Iterator[Any]:
    """One with nothing in it; for a fixture."""
    webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is missing: extra dev")
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = BROWSER
    for switch in (*SWITCHES, f"user-data-dir={profile}", "window-size=1440,900"):
        options.add_argument(f"--{switch}")
    # The wheels of ROS set what a browser must not have.
    environment = {k: v for k, v in os.environ.items() if k != "LD_LIBRARY_PATH"}
    driver = webdriver.Chrome(options=options, service=Service(DRIVER, env=environment))
    yield driver
    driver.quit()


class Page:
    """What a person sees and does."""

    def __init__(self, driver, url: str) -> None:
        self.driver, self.url, self.patience = driver, url, PATIENCE
        driver.get(url)

    def text(self, name: str) -> str:
        return self.run(f"return document.getElementById({name!r}).textContent")

    def run(self, script: str):
        return self.driver.execute_script(script)

    def until(self, done, what: str) -> None:
        deadline = time.monotonic() + self.patience
        while not done():
            assert time.monotonic() < deadline, (
                f"{what}; the page says {self.text('word')}, {self.text('answer-text')}"
            )
            time.sleep(0.05)

    def key(self, key: str) -> None:
        from selenium.webdriver.common.action_chains import ActionChains

        ActionChains(self.driver).send_keys(key).perform()

    def shades(self, canvas: str) -> int:
        """How many different colours a canvas shows."""
        return self.run(
            f"const c = document.querySelector({canvas!r});"
            "if (!c || !c.width) return 0;"
            "const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;"
            "return new Set(new Uint32Array(d.buffer)).size;"
        )
