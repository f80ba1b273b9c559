"""The control of a node that can be spoilt."""

from __future__ import annotations

from pathlib import Path

from sag_ros.ros.faults.faulty import STRANGE, Control, _of


def test_what_one_sets_the_other_sees(tmp_path: Path) -> None:
    here, there = Control(tmp_path / "control"), Control(tmp_path / "control")
    assert (there.clock_ns, there.engine) == (0, "well")
    here.set(clock=-3600.0, engine="nan")
    assert (there.clock_ns, there.engine) == (-3_600_000_000_000, "nan")
    here.set(gains=5e-3)
    first = there.clock_ns
    assert 0 <= first <= there.clock_ns
    here.set()
    assert (there.clock_ns, there.engine) == (0, "well")


def test_what_is_strange_ails_alone() -> None:
    assert _of(Path("models") / STRANGE, "strange-raises") == "raises"
    assert _of(Path("models/pick_release"), "strange-raises") == _of(None, "strange-slow") == "well"
    assert _of(Path("models/pick_release"), "raises") == "raises"
