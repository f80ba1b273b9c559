from __future__ import annotations

import sys
from pathlib import Path

import pytest

from sag_ros import paths


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """An ament prefix with the package in it, the only one on the path."""
    marker = tmp_path / "share/ament_index/resource_index/packages/sag_ros"
    marker.parent.mkdir(parents=True)
    marker.touch()
    (tmp_path / "share/sag_ros/config").mkdir(parents=True)
    (tmp_path / "share/sag_ros/config/only_here.yaml").touch()
    monkeypatch.setenv("AMENT_PREFIX_PATH", f"/nowhere:{tmp_path}")
    return tmp_path


def test_source_tree():
    assert paths.source_tree() == Path(__file__).resolve().parent.parent


def test_installation_comes_first(installed):
    (installed / "share/sag_ros/package.xml").touch()
    assert paths.share_file("package.xml") == installed / "share/sag_ros/package.xml"
    assert paths.config_file("only_here.yaml") == installed / "share/sag_ros/config/only_here.yaml"


def test_source_tree_where_the_installation_lacks_a_file(installed):
    assert paths.share_file("package.xml") == paths.source_tree() / "package.xml"


def test_prefix_without_the_marker_is_skipped(installed):
    (installed / "share/ament_index/resource_index/packages/sag_ros").unlink()
    with pytest.raises(FileNotFoundError):
        paths.config_file("only_here.yaml")


def test_wheel(tmp_path, monkeypatch):
    monkeypatch.delenv("AMENT_PREFIX_PATH", raising=False)
    monkeypatch.setattr(paths, "source_tree", lambda: None)
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    (tmp_path / "share/sag_ros").mkdir(parents=True)
    (tmp_path / "share/sag_ros/package.xml").touch()
    assert paths.share_file("package.xml") == tmp_path / "share/sag_ros/package.xml"


def test_missing_names_every_place(installed):
    with pytest.raises(FileNotFoundError, match=r"config/absent\.yaml") as caught:
        paths.config_file("absent.yaml")
    assert str(installed) in str(caught.value)
    assert str(paths.source_tree()) in str(caught.value)


@pytest.mark.parametrize("name", ["mine", "models/mine"])
def test_model_by_name(installed, tmp_path, monkeypatch, name):
    (installed / "share/sag_ros/models/mine").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    assert paths.model_folder(name) == installed / "share/sag_ros/models/mine"


def test_model_folder_given_directly(tmp_path):
    assert paths.model_folder(str(tmp_path)) == tmp_path
    with pytest.raises(FileNotFoundError, match="absent is not a folder"):
        paths.model_folder(str(tmp_path / "absent"))


def test_cache_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "common"))
    monkeypatch.delenv("SAG_ROS_CACHE", raising=False)
    assert paths.cache_folder("code") == tmp_path / "common/sag_ros/code"
    monkeypatch.setenv("SAG_ROS_CACHE", str(tmp_path / "own"))
    assert paths.cache_folder("code") == tmp_path / "own/code"
    assert (tmp_path / "own/code").is_dir()


def test_no_cache_folder_where_nothing_can_be_written(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("SAG_ROS_CACHE", str(tmp_path / "file"))
    assert paths.cache_folder("code") is None


def test_a_cache_folder_is_private_and_one_that_others_can_write_to_is_not_used(tmp_path, monkeypatch):
    monkeypatch.setenv("SAG_ROS_CACHE", str(tmp_path / "own"))
    folder = paths.cache_folder("code")
    assert folder is not None
    assert folder.stat().st_mode & 0o077 == 0
    folder.chmod(0o777)
    with pytest.warns(RuntimeWarning, match="others can write there"):
        assert paths.cache_folder("code") is None
    folder.chmod(0o700)
    folder.parent.chmod(0o703)
    with pytest.warns(RuntimeWarning, match="own is not used"):
        assert paths.cache_folder("code") is None
