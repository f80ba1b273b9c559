"""A ROS domain of its own for every test that needs the middleware; see also ../conftest.py."""

from __future__ import annotations

import itertools
import os
import sys
from pathlib import Path

import pytest

from sag_ros.ros.domains import claimed

sys.path.insert(0, str(Path(__file__).parent))  # the helpers beside the tests

# Workers that run at the same time share no domain: two robots in one are two publishers of one topic.
_WORKER, _EACH = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:]) % 4, 25
_domains = (1 + _EACH * _WORKER + number % _EACH for number in itertools.count(os.getpid()))


@pytest.fixture
def domain():
    """Initialise rclpy in a domain nobody else uses; yields its number."""
    import rclpy

    with claimed(next(_domains)) as number:
        rclpy.init(domain_id=number)
        yield number
        rclpy.try_shutdown()


@pytest.fixture(scope="session")
def recording(bundle, tmp_path_factory):
    """File of the flight recorder: a policy moved the arm until there was a fault."""
    import rclpy
    from flight_bench import record_a_fault

    with claimed(next(_domains)) as number:
        rclpy.init(domain_id=number)
        try:
            return record_a_fault(bundle, tmp_path_factory.mktemp("recordings"))
        finally:
            rclpy.try_shutdown()


@pytest.fixture(scope="session")
def bundle(tmp_path_factory):
    """Folder of a small policy with random weights."""
    from sag_ros.policy.bundle import save_bundle
    from sag_ros.policy.random_bundle import random_bundle

    folder = tmp_path_factory.mktemp("bundle")
    save_bundle(folder, random_bundle(0))
    return folder
