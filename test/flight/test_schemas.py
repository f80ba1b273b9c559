from __future__ import annotations

import pytest

from sag_ros.flight import schemas


def test_a_definition_names_all_that_it_is_made_of():
    text = schemas.definition("trajectory_msgs/msg/JointTrajectory")
    parts = [line for line in text.splitlines() if line.startswith("MSG: ")]
    assert sorted(parts) == [
        "MSG: builtin_interfaces/Duration",
        "MSG: builtin_interfaces/Time",
        "MSG: std_msgs/Header",
        "MSG: trajectory_msgs/JointTrajectoryPoint",
    ]
    assert "string[] joint_names" in text.split("=" * 80)[0]


def test_a_type_that_is_not_installed_is_named(tmp_path, monkeypatch):
    folder = tmp_path / "share" / "own_msgs" / "msg"
    folder.mkdir(parents=True)
    (folder / "Twice.msg").write_text("# two\nOnce[<=2] parts\nfloat64 X=1.0\nother_msgs/Gone gone # why\n")
    (folder / "Once.msg").write_text("Header header\nstring<=5 name\n")
    monkeypatch.setenv("AMENT_PREFIX_PATH", f"{tmp_path}:{schemas.sys.prefix}")
    with pytest.raises(LookupError, match="other_msgs/msg/Gone"):
        schemas.definition("own_msgs/msg/Twice")
    text = schemas.definition("own_msgs/msg/Once")
    assert "MSG: std_msgs/Header" in text and "MSG: builtin_interfaces/Time" in text
