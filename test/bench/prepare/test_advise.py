"""What is measured of a bundle, and what is advised."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sag_ros.bench.prepare import advise
from sag_ros.bench.prepare.advise import Candidate, advice, candidates
from sag_ros.bench.prepare.rate import Rate, measure
from sag_ros.paths import model_folder
from sag_ros.policy.bundle import load_bundle
from sag_ros.policy.random_bundle import random_bundle

FAST, SLOW = Rate("a+b", "native-bf16", 2.0, (5.0, 6.0)), Rate("c+d", "native-bf16", 8.0, (20.0, 30.0))


def test_the_best_that_holds_the_rate_is_advised() -> None:
    first, second = Candidate("ddpm", "sag", "191 of 200 x"), Candidate("ddim30", "sag", "174 of 200 x")
    assert advice([(first, FAST), (second, FAST)], 45.0) == "a+b holds 45 chunks a second here"
    found = advice([(first, SLOW), (second, FAST)], 45.0)
    assert "set sampler: ddim30, mask_source: sag (174 of 200 x)" in found
    assert "not stated: measure it" in advice([(first, SLOW), (replace(second, stated=""), FAST)], 45.0)
    assert "the fastest is c+d with 32" in advice([(first, SLOW)], 45.0)


def test_the_ladder_of_the_bundle_is_measured() -> None:
    found = candidates(load_bundle(model_folder("models/pick_release")))
    assert [one.sampler for one in found] == ["ddpm", "ddpm", "ddim50", "ddim30"]
    assert [one.mask_source for one in found] == ["sag", "sag_mean", "sag_mean", "sag"]
    assert all(" of 200 pick_release" in one.stated for one in found)


def test_without_a_ladder_there_are_fewer_steps() -> None:
    found = candidates(random_bundle(0))
    assert (found[0].mask_source, found[0].stated) == ("dense", "")


def test_a_small_policy_is_measured() -> None:
    rate = measure(random_bundle(0), "ddpm", "dense", "reference", count=4)
    assert rate.engine == "reference"
    assert rate.encode > 0.0
    assert 0.0 < rate.compute[0] <= rate.compute[1]
    assert 0.0 < rate.chunks < 1e3 / 3.0


@pytest.mark.parametrize(("rate", "status"), [(FAST, 0), (SLOW, 1)])
def test_the_table(monkeypatch: pytest.MonkeyPatch, capsys, rate: Rate, status: int) -> None:
    monkeypatch.setattr(advise, "measure", lambda *arguments: rate)
    assert advise.main() == status
    printed = capsys.readouterr().out
    assert "197 of 200" in printed
    assert rate.name in printed
