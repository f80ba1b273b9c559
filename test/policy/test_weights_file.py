from __future__ import annotations

import contextlib
import hashlib
import pickle
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sag_ros.policy.contract_file import BundleError
from sag_ros.policy.weights_file import check_finite, check_shapes, read_weights, replace_file, serialise

TENSORS = {
    "a.weight": torch.arange(6.0).reshape(2, 3) / 7,
    "a.empty": torch.empty(0),
    "n.scale": torch.tensor([0.1]),
}
CONTENT, DIGEST = serialise(TENSORS, single="n.", purpose="test")
file_fixture = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def refused(file: Path) -> BundleError:
    with pytest.raises(BundleError) as caught:
        read_weights(file)
    assert caught.value.file == file
    return caught.value


def test_round_trip(tmp_path: Path) -> None:
    file = tmp_path / "w.safetensors"
    replace_file(file, b"older")
    replace_file(file, CONTENT)
    weights = read_weights(file)
    assert weights.sha256 == DIGEST == hashlib.sha256(file.read_bytes()).hexdigest()
    assert weights.metadata == {"purpose": "test"}
    assert weights.tensors.keys() == TENSORS.keys()
    assert {tensor.dtype for tensor in weights.tensors.values()} == {torch.float32}
    assert torch.equal(weights.tensors["n.scale"], TENSORS["n.scale"])
    assert torch.equal(weights.tensors["a.weight"], TENSORS["a.weight"].half().float())
    assert [path.name for path in tmp_path.iterdir()] == ["w.safetensors"]
    assert serialise(TENSORS, single="n.", purpose="test") == (CONTENT, DIGEST)


@file_fixture
@given(length=st.integers(0, len(CONTENT) - 1))
def test_every_truncation_is_refused(tmp_path: Path, length: int) -> None:
    file = tmp_path / "w.safetensors"
    file.write_bytes(CONTENT[:length])
    assert "unreadable" in str(refused(file).value)


@file_fixture
@given(place=st.integers(0, len(CONTENT) - 1), value=st.integers(0, 255))
def test_a_changed_byte_is_refused_or_harmless(tmp_path: Path, place: int, value: int) -> None:
    file = tmp_path / "w.safetensors"
    damaged = bytearray(CONTENT)
    damaged[place] = value
    file.write_bytes(damaged)
    with contextlib.suppress(BundleError):  # any other exception fails the test
        assert (read_weights(file).sha256 == DIGEST) == (bytes(damaged) == CONTENT)


def test_pickle_is_never_executed(tmp_path: Path) -> None:
    class Bomb:
        def __reduce__(self):
            return pytest.fail, ("a pickle was executed",)

    file = tmp_path / "w.safetensors"
    file.write_bytes(pickle.dumps(Bomb()))
    assert "unreadable" in str(refused(file).value)
    torch.save({"model": Bomb()}, file)
    assert "unreadable" in str(refused(file).value)


def test_a_folder_is_not_a_file(tmp_path: Path) -> None:
    assert "unreadable" in str(refused(tmp_path).value)
    assert refused(tmp_path / "none").value == "missing"


def test_checks_name_the_tensor() -> None:
    file, tensors = Path("w.safetensors"), {"a": torch.zeros(2), "b": torch.tensor([torch.nan])}
    check_shapes(file, tensors, {"a": (2,), "b": (1,)})
    for expected, key in (
        ({"a": (2,)}, "b"),
        ({"a": (3,), "b": (1,)}, "a"),
        ({"a": (2,), "b": (1,), "c": ()}, "c"),
    ):
        with pytest.raises(BundleError) as caught:
            check_shapes(file, tensors, expected)
        assert caught.value.key == key
    with pytest.raises(BundleError, match=r"w\.safetensors: b is a magnitude of nan"):
        check_finite(file, tensors)
    check_finite(file, {"a": torch.full((2,), 65504.0), "none": torch.empty(0)})
    with pytest.raises(BundleError, match="up to 65504"):
        check_finite(file, {"a": torch.tensor([-65505.0])})


def test_a_failed_replacement_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "w"
    file.write_bytes(b"old")
    monkeypatch.setattr("os.replace", lambda *names: (_ for _ in ()).throw(OSError("disk")))
    with pytest.raises(OSError, match="disk"):
        replace_file(file, b"new")
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("w", b"old")]
