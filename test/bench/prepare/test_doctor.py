from __future__ import annotations

import pytest

from sag_ros.bench.prepare import doctor
from sag_ros.bench.prepare.doctor import Check
from sag_ros.policy.bundle import save_bundle
from sag_ros.policy.random_bundle import random_bundle


def test_probe_reports_the_last_line():
    check = doctor.probe("x", "print('first'); print('last')", "do this")
    assert check == Check("x", "ok", "last")


def test_probe_survives_a_crash():
    check = doctor.probe("x", "import os; os.abort()", "do this", "note")
    assert (check.state, check.remedy) == ("note", "do this")
    assert "exit status" in check.found


def test_probe_reports_an_exception():
    check = doctor.probe("x", "raise RuntimeError('no such display')", "do this")
    assert (check.state, check.found) == ("fail", "RuntimeError: no such display")


def test_probe_environment():
    assert doctor.probe("x", "import os; print(os.environ['A'])", "", environment={"A": "b"}).found == "b"


def test_missing_bundle(tmp_path):
    check = doctor.check_bundle(str(tmp_path))
    assert check.state == "fail"
    assert "policy.yaml" in check.found


@pytest.mark.parametrize(("governors", "state"), [(["performance"], "ok"), (["powersave"], "note")])
def test_governor(monkeypatch, governors, state):
    monkeypatch.setattr(doctor.hardware, "cpu_governors", lambda: governors)
    monkeypatch.setattr(doctor.hardware, "usable_cores", lambda: 2)
    check = doctor.check_processor()
    assert check.state == state
    assert governors[0] in check.found


@pytest.mark.parametrize(("state", "status"), [("ok", 0), ("note", 0), ("fail", 1)])
def test_exit_status(monkeypatch, capsys, state, status):
    check = Check("thing", state, "found it", "mend it")
    monkeypatch.setattr(doctor, "checks", lambda bundle: [lambda: check])
    assert doctor.main() == status
    printed = capsys.readouterr().out
    assert "found it" in printed
    assert ("mend it" in printed) == (state != "ok")


def test_engine():
    check = doctor.check_engine()
    assert check.state == "ok"
    assert check.found.startswith("native: f32")


def test_engine_is_that_of_the_bundle(tmp_path):
    save_bundle(tmp_path / "policy", random_bundle(0, network={"width": 36}))  # no multiple of any lanes
    assert doctor.engine_line(str(tmp_path / "policy")).startswith("openvino | not engine tensorrt: ")
    assert doctor.engine_line(str(tmp_path / "nothing")).startswith("native: f32")


def test_gpu(monkeypatch):
    monkeypatch.setattr(doctor.hardware, "gpu_names", list)
    assert doctor.check_gpu() == Check("gpu", "ok", "none: the CPU computes")
    monkeypatch.setattr(doctor.hardware, "gpu_names", lambda: ["NVIDIA Made Up"])
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")  # also where there is one
    check = doctor.check_gpu()
    assert check.state == "note"
    assert check.found.startswith("NVIDIA Made Up: ")
    assert "CUDA" in check.found or "no NVIDIA GPU" in check.found
    assert "pytorch.org" in check.remedy


def test_only_the_slow_engine(monkeypatch):
    found = "reference | not engine native: numba missing (extra [openvino])"
    monkeypatch.setattr(doctor, "probe", lambda name, *rest: Check(name, "ok", found))
    check = doctor.check_engine()
    assert (check.state, check.remedy) == ("note", "extra [openvino]")
