from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # the helpers beside the tests


@pytest.fixture(scope="session")
def joints(tmp_path_factory):
    """A policy of joints with two cameras."""
    from sag_ros.policy.bundle import save_bundle
    from sag_ros.policy.random_bundle import random_bundle

    return save_bundle(tmp_path_factory.mktemp("joints"), random_bundle(0))
