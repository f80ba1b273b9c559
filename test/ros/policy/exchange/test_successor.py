"""A policy that is prepared in a thread, after an examination elsewhere."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from sag_ros.policy.bundle import save_bundle
from sag_ros.policy.random_bundle import random_bundle
from sag_ros.ros.policy.exchange import examination
from sag_ros.ros.policy.exchange.examination import Verdict, examine, examine_apart
from sag_ros.ros.policy.exchange.successor import Successor
from sag_ros.ros.schema import PolicyNode

CHOICE = {"engine": "reference", "mask_source": "dense", "pictures": "ignore", "warm_up": 1, "ladder": False}


@pytest.fixture(scope="module")
def config(tmp_path_factory) -> PolicyNode:
    folder = tmp_path_factory.mktemp("policy")
    save_bundle(folder, random_bundle(0, diffusion={"steps": 2}))
    return PolicyNode(bundle=str(folder), **CHOICE)


def here(config: PolicyNode, stopped) -> Verdict:
    return examine(config)


def prepared(config: PolicyNode, slowest: float = 1e4, examine=here, observed="") -> Successor:
    said: list[str] = []
    successor = Successor(config, slowest, said.append, observed, examine)
    successor._run()
    assert said[-1] == successor.text
    return successor


def test_a_policy_that_fits(config: PolicyNode) -> None:
    successor = prepared(config)
    assert successor.refused == ""
    assert successor.ready is not None
    assert successor.ready.config is config
    assert successor.ready.facts["engine"] == "reference"
    assert "call ~/swap" in successor.text


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"bundle": "nowhere"}, "nowhere"),
        ({"mask_source": "other"}, "other"),
        ({"sampler": "other"}, "other"),
    ],
)
def test_what_does_not_fit_is_refused(config: PolicyNode, change, said) -> None:
    successor = prepared(config.model_copy(update=change))
    assert successor.ready is None
    assert said in successor.refused
    assert "is refused" in successor.text


def test_a_slow_one_is_refused(config: PolicyNode) -> None:
    assert "sag advise" in prepared(config, slowest=0.0).refused


def test_one_that_observes_something_else_is_refused(config: PolicyNode) -> None:
    both = "camera front, camera wrist"
    assert prepared(config, observed=both).ready is not None
    found = prepared(config, observed="camera front, signal bag (3)")
    assert found.refused.startswith(f"it observes {both}; what runs observes camera front, signal bag (3)")


def test_one_that_changed_meanwhile_is_refused(config: PolicyNode) -> None:
    def other(config: PolicyNode, stopped) -> Verdict:
        found = examine(config)
        return Verdict(found.refused, "another hash", found.report, found.said)

    assert "changed while it was examined" in prepared(config, examine=other).refused


def test_whatever_fails_the_policy_that_runs_goes_on(config: PolicyNode) -> None:
    def broken(config: PolicyNode, stopped) -> Verdict:
        raise MemoryError("no memory")

    assert prepared(config, examine=broken).refused == "MemoryError: no memory"


def test_in_a_process_of_its_own(config: PolicyNode) -> None:
    found = examine_apart(config)
    assert found.refused == ""
    assert found.weights
    assert found.report["action_error"] == 0.0
    assert any("against reference" in text for text in found.said)


def test_it_can_be_given_up_and_may_end_badly(config: PolicyNode, monkeypatch) -> None:
    assert examine_apart(config, stopped=lambda: True).refused == "given up"
    monkeypatch.setattr(examination, "MODULE", "sag_ros.nothing")
    assert "ended with status 1" in examine_apart(config).refused
    monkeypatch.undo()
    assert "not examined within 0 s" in examine_apart(config, patience=0.0).refused


def test_the_last_line_is_the_verdict(config: PolicyNode) -> None:
    text = config.model_copy(update={"bundle": "nowhere"}).model_dump_json()
    done = subprocess.run(
        [sys.executable, "-m", examination.MODULE], input=text, capture_output=True, text=True, check=True
    )
    assert "nowhere" in json.loads(done.stdout.splitlines()[-1])["refused"]
