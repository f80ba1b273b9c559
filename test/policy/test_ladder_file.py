"""The rungs of a bundle, and what is no ladder."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from sag_ros.paths import model_folder
from sag_ros.policy.bundle import load_bundle
from sag_ros.policy.contract_file import BundleError
from sag_ros.policy.ladder_file import LADDER_FILE, read_ladder

RUNG = {"sampler": "ddim10", "mask_source": "sag", "task": "pick_release", "successes": 188, "episodes": 200}


def written(folder: Path, *rungs: dict[str, object], owner: str = "abc") -> Path:
    (folder / LADDER_FILE).write_text(yaml.safe_dump({"policy_sha256": owner, "rungs": list(rungs)}))
    return folder


def test_a_bundle_needs_none(tmp_path: Path) -> None:
    assert read_ladder(tmp_path, "abc") == []


def test_rungs_say_what_they_are(tmp_path: Path) -> None:
    (rung,) = read_ladder(written(tmp_path, RUNG), "abc")
    assert rung.name == "ddim10+sag"
    assert rung.stated == "ddim10+sag (188 of 200 pick_release)"


@pytest.mark.parametrize(
    ("rungs", "said"),
    [
        ([{**RUNG, "successes": 201}], "201 successes of 200"),
        ([{**RUNG, "speed": 3}], "speed"),
        ([{k: v for k, v in RUNG.items() if k != "episodes"}], "episodes"),
        ([RUNG, RUNG], "each once"),
    ],
)
def test_what_is_no_ladder_is_refused(tmp_path: Path, rungs: list[dict[str, object]], said: str) -> None:
    with pytest.raises(BundleError, match=said):
        read_ladder(written(tmp_path, *rungs), "abc")


def test_one_of_another_policy_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="Another policy"):
        read_ladder(written(tmp_path, RUNG, owner="abd"), "abc")


def test_what_is_no_yaml_is_refused(tmp_path: Path) -> None:
    (tmp_path / LADDER_FILE).write_text("rungs: [")
    with pytest.raises(BundleError, match="sag bench tasks"):
        read_ladder(tmp_path, "abc")


def test_a_link_to_elsewhere_is_refused(tmp_path: Path) -> None:
    inside = tmp_path / "bundle"
    inside.mkdir()
    (inside / LADDER_FILE).symlink_to(written(tmp_path, RUNG) / LADDER_FILE)
    with pytest.raises(BundleError, match="link"):
        read_ladder(inside, "abc")


def test_the_shipped_one_belongs_to_the_shipped_policy() -> None:
    folder = model_folder("models/pick_release")
    rungs = read_ladder(folder, load_bundle(folder).policy_hash)
    assert rungs[0].name == "ddpm+sag"
    assert len(rungs) >= 3
