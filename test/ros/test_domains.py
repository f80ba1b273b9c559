from __future__ import annotations

import subprocess
import sys

import pytest

from sag_ros.ros import domains
from sag_ros.ros.domains import COUNT, LOWEST, claim, claimed, release

OTHER = "from sag_ros.ros.domains import claim; print(claim({first}), flush=True); input()"


@pytest.fixture(autouse=True)
def locks(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(domains.tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(domains, "_claimed", {})


def other(first):
    """Another process that has claimed a domain, and which."""
    command, pipe = [sys.executable, "-c", OTHER.format(first=first)], subprocess.PIPE
    process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True)
    return process, int(process.stdout.readline())


def test_two_processes_have_two_domains():
    process, number = other(7)
    assert number == 7
    assert claim(7) == 8
    process.communicate("\n")
    with claimed(7) as again:
        assert again == 7


def test_one_process_may_have_several_and_gives_them_back():
    assert [claim(99), claim(99), claim(99)] == [99, 100, 1]
    release(100)
    assert claim(99) == 100


def test_every_domain_is_allowed():
    assert {claim(first) for first in range(3 * COUNT)} == set(range(LOWEST, LOWEST + COUNT))


def test_without_a_place_for_locks_it_is_as_before(monkeypatch):
    monkeypatch.setattr(domains, "_lock", lambda number: None)
    assert claim(5) == claim(5) == 5
