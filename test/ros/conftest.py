"""A ROS domain of its own for every test that needs the middleware; see also ../conftest.py."""

from __future__ import annotations

import itertools
import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # the helpers beside the tests

_domains = itertools.count(1 + os.getpid() % 60)


@pytest.fixture
def domain():
    """Initialise rclpy in a domain nobody else uses; yields its number."""
    import rclpy

    number = next(_domains)
    rclpy.init(domain_id=number)
    yield number
    rclpy.try_shutdown()


@pytest.fixture(scope="session")
def bundle(tmp_path_factory):
    """Folder of a small policy with random weights."""
    from sag_ros.policy.bundle import save_bundle
    from sag_ros.policy.random_bundle import random_bundle

    folder = tmp_path_factory.mktemp("bundle")
    save_bundle(folder, random_bundle(0))
    return folder
