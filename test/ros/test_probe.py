"""The probe as ``sag doctor`` runs it: in a process of its own."""

from __future__ import annotations

from sag_ros.bench.prepare import doctor


def test_ros_starts_a_node(domain, monkeypatch):
    monkeypatch.setenv("ROS_DOMAIN_ID", str(domain))
    check = doctor.check_ros()
    assert check.state == "ok", check.found
    assert check.found.startswith("rmw_")
    assert check.found.endswith(f"domain {domain}")
