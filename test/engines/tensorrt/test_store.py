from __future__ import annotations

import json
from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sag_ros.engines.tensorrt import store as tensorrt_store
from sag_ros.engines.tensorrt.store import Key, NotCompiled, load, save, timing_cache

KEY = Key("policy", "sizes", "9", "bf16", "GPU (9.0)", "10.15", "2.11", "2.11+cu130", "abc")
PARTS = {"layer0.feed_forward": b"first" * 100, "head": b"second"}


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("SAG_ROS_CACHE", str(tmp_path))
    return tmp_path / "tensorrt"


def test_round_trip(cache):
    folder = save(KEY, PARTS)
    assert load(KEY, PARTS) == PARTS
    assert sorted(path.name for path in cache.iterdir()) == [folder.name]
    assert sorted(path.name for path in folder.iterdir()) == [
        "head.engine", "layer0.feed_forward.engine", "manifest.json",
    ]  # fmt: skip


def test_two_keys_lie_side_by_side_and_anew_replaces(cache):
    other = replace(KEY, precision="f32")
    save(KEY, PARTS)
    save(other, {"head": b"third"})
    save(KEY, {**PARTS, "head": b"fourth"})
    assert load(KEY, ["head"]) == {"head": b"fourth"}
    assert load(other, ["head"]) == {"head": b"third"}
    assert len(list(cache.iterdir())) == 2


@pytest.mark.parametrize("name", [field.name for field in fields(Key)])
def test_another_key_is_not_compiled(name):
    save(KEY, PARTS)
    changed = replace(KEY, **{name: "other"})
    reason = "never compiled" if name == "policy" else f"compiled for {name} {getattr(KEY, name)}, not other"
    with pytest.raises(NotCompiled, match=reason.replace("(", r"\(").replace(")", r"\)").replace("+", r"\+")):
        load(changed, PARTS)


def test_the_nearest_key_is_named():
    save(replace(KEY, gpu="old", tensorrt="old"), PARTS)
    save(replace(KEY, gpu="old"), PARTS)
    with pytest.raises(NotCompiled, match=r"^compiled for gpu old, not GPU \(9\.0\)$"):
        load(KEY, PARTS)


texts = st.text(max_size=8)


@given(st.lists(st.builds(Key, *[texts] * 10), min_size=2, max_size=2, unique=True))
def test_digests_distinguish_keys(keys):
    first, second = keys
    assert first.digest != second.digest
    assert first.digest == replace(first).digest


def test_never_compiled():
    with pytest.raises(NotCompiled, match="never compiled on this machine"):
        load(KEY, PARTS)


@pytest.mark.parametrize("damage", [lambda data: data[:-1], lambda data: b"X" + data[1:], lambda data: b""])
def test_a_damaged_engine_is_refused(damage):
    file = save(KEY, PARTS) / "head.engine"
    file.write_bytes(damage(PARTS["head"]))
    with pytest.raises(NotCompiled, match=r"head\.engine is not what was compiled: its SHA-256 differs"):
        load(KEY, PARTS)


def test_a_missing_part_is_named():
    (save(KEY, PARTS) / "head.engine").unlink()
    with pytest.raises(NotCompiled, match=r"head\.engine cannot be read"):
        load(KEY, PARTS)
    file = save(KEY, PARTS) / "extra.engine"
    file.write_bytes(b"not in the manifest")
    with pytest.raises(NotCompiled, match=r"extra\.engine is not what was compiled"):
        load(KEY, [*PARTS, "extra"])


@pytest.mark.parametrize("content", ["", "{", "[]", '{"key": {}}', '{"key": 1, "sha256": {}}'])
def test_a_damaged_manifest_is_refused(content):
    (save(KEY, PARTS) / "manifest.json").write_text(content)
    with pytest.raises(NotCompiled, match=r"manifest\.json is damaged"):
        load(KEY, PARTS)
    with pytest.raises(NotCompiled, match="never compiled"):  # of another key, too
        load(replace(KEY, gpu="other"), PARTS)


def test_engines_moved_to_another_key_are_refused(cache):
    folder = save(KEY, PARTS)
    other = replace(KEY, gpu="other")
    folder.rename(cache / other.digest)
    with pytest.raises(NotCompiled, match="another key"):
        load(other, PARTS)


@pytest.mark.parametrize(
    ("before", "step", "call"),
    [
        (False, "dumps", 1),
        (False, "replace", 1),
        (True, "dumps", 1),
        (True, "replace", 1),
        (True, "replace", 2),
    ],
)
def test_an_interrupted_write_leaves_nothing_half_made(cache, monkeypatch, before, step, call):
    if before:
        save(KEY, PARTS)
    module = tensorrt_store.json if step == "dumps" else tensorrt_store.os
    original, calls, digest = getattr(module, step), [], KEY.digest

    def interrupt(*arguments, **named):
        calls.append(arguments)
        if len(calls) == call:
            raise InterruptedError
        return original(*arguments, **named)

    with monkeypatch.context() as patch:
        patch.setattr(Key, "digest", digest)
        patch.setattr(module, step, interrupt)
        with pytest.raises(InterruptedError):
            save(KEY, {**PARTS, "head": b"new"})
    if before:
        assert load(KEY, PARTS) == PARTS
    else:
        with pytest.raises(NotCompiled, match="never compiled"):
            load(KEY, PARTS)
    assert [path.name for path in cache.iterdir()] == [digest] * before
    save(KEY, PARTS)
    assert load(KEY, PARTS) == PARTS


def test_nowhere_to_write(monkeypatch):
    monkeypatch.setattr(tensorrt_store, "cache_folder", lambda name: None)
    with pytest.raises(OSError, match="set SAG_ROS_CACHE"):
        save(KEY, PARTS)
    with pytest.raises(NotCompiled, match="set SAG_ROS_CACHE"):
        load(KEY, PARTS)
    assert timing_cache(KEY) is None


def test_timings_belong_to_a_gpu_and_a_release(cache):
    same = timing_cache(replace(KEY, policy="other", precision="f32"))
    assert timing_cache(KEY) == same
    assert same.parent == cache
    assert timing_cache(replace(KEY, gpu="other")) != same != timing_cache(replace(KEY, tensorrt="other"))


def test_manifests_say_for_what(cache):
    manifest = json.loads((save(KEY, PARTS) / "manifest.json").read_text())
    assert manifest["key"]["gpu"] == "GPU (9.0)"
    assert set(manifest["sha256"]) == set(PARTS)
