"""What a process may take, and what is said of what it may not."""

from __future__ import annotations

import ctypes
import gc
import os
import threading
from types import SimpleNamespace

import pytest

from sag_ros import realtime


def test_priority_of_all_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[tuple[int, int]] = []

    def take(thread: int, policy: int, parameter: os.sched_param) -> None:
        assert policy == os.SCHED_FIFO
        taken.append((thread, parameter.sched_priority))

    monkeypatch.setattr(os, "sched_setscheduler", take)
    assert realtime.take_priority(7, [3, 4]) == ""
    assert taken == [(3, 7), (4, 7)]
    assert realtime.take_priority(0, [3, 4]) == ""
    assert len(taken) == 2


def test_a_refusal_names_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "sched_setscheduler", refuse)
    monkeypatch.setattr(os, "sched_setaffinity", refuse)
    assert realtime.take_priority(7) == (
        "no real-time priority (Operation not permitted); raise rtprio in /etc/security/limits.conf"
    )
    assert realtime.take_core(5) == "core 5 cannot be taken (Operation not permitted)"
    assert realtime.take_core(-1) == ""


@pytest.mark.parametrize(("status", "remark"), [(0, ""), (-1, "memory is not locked")])
def test_memory(monkeypatch: pytest.MonkeyPatch, status: int, remark: str) -> None:
    asked: list[int] = []

    def lock(flags: int) -> int:
        asked.append(flags)
        return status

    monkeypatch.setattr(ctypes, "CDLL", lambda *_, **__: SimpleNamespace(mlockall=lock))
    assert realtime.lock_memory().startswith(remark)
    assert bool(realtime.lock_memory(on_use=True)) == bool(status)
    assert asked == [3, 7]


def test_own_threads_and_isolated_cores(tmp_path) -> None:
    assert threading.get_native_id() in realtime.own_threads()
    file = tmp_path / "isolated"
    assert realtime.isolated_cores(file) == ""
    file.write_text("2-3\n")
    assert realtime.isolated_cores(file) == "2-3"


def test_what_doctor_prints(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(realtime, "isolated_cores", lambda: "")
    monkeypatch.setattr(realtime, "take_priority", lambda priority: "")
    monkeypatch.setattr(realtime, "lock_memory", lambda: "")
    assert realtime.probe_line() == "priorities and locked memory are allowed; isolated cores none"
    monkeypatch.setattr(realtime, "lock_memory", lambda: "memory is not locked; do this")
    with pytest.raises(SystemExit, match="do this; isolated cores none"):
        realtime.probe_line()


def test_what_is_there_is_kept_from_the_collector_and_given_back() -> None:
    before = gc.get_freeze_count()
    realtime.settle()
    try:
        assert gc.get_freeze_count() > before
    finally:
        realtime.unsettle()
    assert gc.get_freeze_count() == 0


def test_nothing_is_collected_beside_what_is_built_and_that_is_kept_afterwards() -> None:
    before = gc.get_freeze_count()
    try:
        with realtime.undisturbed():
            assert not gc.isenabled()
            built = [[index] for index in range(1000)]
        assert gc.isenabled()
        assert gc.get_freeze_count() >= before + len(built)
    finally:
        realtime.unsettle()
    assert gc.get_freeze_count() == 0
