"""The helpers beside these tests."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="module")
def chromium(tmp_path_factory):
    """A browser with nothing in it."""
    from browsing import browser

    yield from browser(tmp_path_factory.mktemp("browser"))
