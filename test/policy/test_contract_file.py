from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from sag_ros.policy.contract_file import BundleError, contract_text, parse_contract, read_contract
from sag_ros.policy.random_bundle import full_contract

FILE = Path("somewhere/policy.yaml")
Path_ = tuple[str | int, ...]

UNET = {"down_dims": [8, 16], "kernel_size": 5, "groups": 8, "step_dim": 16, "film_scale": True}


def example() -> dict[str, Any]:
    return {**full_contract(), "pruner": {"width": 128, "layers": 1, "heads": 4, "feedforward": 256}}


def paths(node: Any, prefix: Path_ = ()) -> Iterator[Path_]:
    """Every key of the contract, but of repeated entries only the first."""
    items = (
        node.items()
        if isinstance(node, dict)
        else list(enumerate(node))[:1]
        if isinstance(node, list)
        else ()
    )
    for key, value in items:
        yield (*prefix, key)
        yield from paths(value, (*prefix, key))


ALL = [path for path in paths(example()) if path[0] != "provenance"]
FREE = {("cameras", "front"), ("cameras", "wrist")}  # names the contract does not fix


def holder(content: dict[str, Any], path: Path_) -> Any:
    node: Any = content
    for part in path[:-1]:
        node = node[part]
    return node


def refused(content: object) -> BundleError:
    with pytest.raises(BundleError) as caught:
        parse_contract(content, FILE)
    error = caught.value
    assert str(FILE) in str(error)
    assert error.allowed in str(error)
    assert error.allowed
    assert error.remedy in str(error)
    assert error.remedy
    return error


def dotted(path: Path_) -> str:
    return ".".join(map(str, path))


def label(path: object) -> str | None:
    return dotted(path) if isinstance(path, tuple) else None


@pytest.mark.parametrize("path", [p for p in ALL if isinstance(p[-1], str) and p not in FREE], ids=label)
def test_missing_key(path: Path_) -> None:
    content = copy.deepcopy(example())
    del holder(content, path)[path[-1]]
    error = refused(content)
    found = None if path == ("network",) else "missing"  # a U-Net has none
    assert (error.key, error.value) == (dotted(path), found)
    assert f"{dotted(path)} is {found};" in str(error)


@pytest.mark.parametrize("path", [p for p in ALL if isinstance(p[-1], str) and p not in FREE], ids=label)
def test_misspelt_key(path: Path_) -> None:
    content = copy.deepcopy(example())
    section = holder(content, path)
    section[f"{path[-1]}x"] = section.pop(path[-1])
    error = refused(content)
    assert error.key == dotted(path) + "x"
    assert str(path[-1]) in error.allowed  # the known keys are listed


@pytest.mark.parametrize("path", ALL, ids=label)
@pytest.mark.parametrize("wrong", [None, "three", "8", 2.5, -1, True, [], ["x"], {"x": 1}, float("nan")])
def test_wrong_type_or_range(path: Path_, wrong: object) -> None:
    right = holder(example(), path)[path[-1]]
    fitting = {
        str: lambda: isinstance(wrong, str) and path == ("task",),
        bool: lambda: isinstance(wrong, bool),
        float: lambda: wrong == 2.5,
    }.get(type(right), lambda: path == ("pruner",) and wrong is None)
    content = copy.deepcopy(example())
    holder(content, path)[path[-1]] = wrong
    if fitting():
        parse_contract(content, FILE)
        return
    error = refused(content)
    if path == ("joints",) and wrong == ["x"]:
        assert error.key == "action"  # an arm of one joint has two actions
    elif "x" in (wrong if isinstance(wrong, list | dict) else []):
        assert error.key.startswith(dotted(path))  # the fault lies inside the wrong value
    elif isinstance(wrong, str) and path[0] in ("joints", "action") and path[-1] in (0, "name"):
        assert error.key in (dotted(path), "action.0")  # another name, caught by the comparison of the two
    else:
        assert error.key == dotted(path)
        assert error.value is wrong or error.value == wrong
        assert f"{dotted(path)} is {wrong!r}" in str(error)


def change(**changes: Any) -> dict[str, Any]:
    content = copy.deepcopy(example())
    for key, value in changes.items():
        path: Path_ = tuple(int(p) if p.isdigit() else p for p in key.split("__"))
        holder(content, path)[path[-1]] = value
    return content


@pytest.mark.parametrize(
    ("changes", "key", "allowed"),
    [
        ({"format": "sag_ros-policy-2"}, "format", "sag_ros-policy-1"),
        ({"diffusion__schedule": "linear"}, "diffusion.schedule", "squaredcos_cap_v2"),
        ({"diffusion__prediction": "sample"}, "diffusion.prediction", "epsilon"),
        ({"diffusion__steps": 0}, "diffusion.steps", "greater than or equal to 1"),
        ({"control_period": 0.0}, "control_period", "greater than 0"),
        ({"control_period": float("inf")}, "control_period", "finite"),
        ({"cameras": {}}, "encoder", "null"),
        ({"encoder": None}, "encoder", "its sizes"),
        ({"signals": {"bag": {"size": 3}}}, "state", "bag among them"),
        ({"signals": {"gripper_width": {"size": 1}}}, "signals", "another name"),
        ({"signals": {"bag": {"size": 0}}}, "signals.bag.size", "greater than or equal to 1"),
        ({"state": ["joint_position", "bag"]}, "state", "joint_position, tcp_position"),
        ({"unet": UNET}, "unet", "null beside network"),
        ({"network": None, "unet": {**UNET, "down_dims": [12, 24]}}, "unet.down_dims", "multiples of 8"),
        ({"network": None, "unet": {**UNET, "kernel_size": 4}}, "unet.kernel_size", "odd"),
        ({"network": None, "unet": {**UNET, "step_dim": 9}}, "unet.step_dim", "even"),
        ({"network": None, "unet": {**UNET, "down_dims": [8] * 6}}, "horizon", "multiple of 32"),
        ({"network": None, "unet": UNET}, "pruner", "null with a U-Net"),
        ({"cameras__front__height": 8}, "cameras.front.height", "greater than or equal to 16"),
        ({"task": ""}, "task", "at least 1 character"),
        ({"action_steps": 16}, "action_steps", "observation_steps + 1 = 15"),
        ({"network__width": 255}, "network.width", "multiple of 8"),
        ({"pruner__width": 127}, "pruner.width", "multiple of 4"),
        ({"network__cond_layers": -1}, "network.cond_layers", "greater than or equal to 0"),
        ({"joints__6": "fr3_joint1"}, "joints", "different names"),
        ({"joints": ["a", "b"]}, "action", "3: the 2 joints and the gripper"),
        ({"joints": []}, "joints", "at least 1 item"),
        ({"action__2__name": "fr3_joint4"}, "action.2", "fr3_joint3 (joint_position)"),
        ({"action__2__meaning": "gripper_width"}, "action.2", "fr3_joint3 (joint_position)"),
        (
            {"action__2__meaning": "joint_velocity"},
            "action.2.meaning",
            "'tcp_rotation', 'gripper_width', 'gripper_binary' or 'setpoint'",
        ),
        ({"action__2__unit": "m"}, "action.2.unit", "rad"),
        ({"action__7__meaning": "joint_position"}, "action.7.meaning", "gripper_width"),
        ({"action__7__unit": "rad"}, "action.7.unit", "m"),
        ({"joints__0": "fr3 joint"}, "joints.0", "pattern"),
    ],
)
def test_values_that_are_refused(changes: dict[str, Any], key: str, allowed: str) -> None:
    error = refused(change(**changes))
    assert error.key == key
    assert allowed in error.allowed


def test_camera_names_are_checked() -> None:
    content = example()
    content["cameras"]["front left"] = {"height": 84, "width": 84}
    assert refused(content).key == "cameras.front left"


@pytest.mark.parametrize("content", [None, [], "policy", 3])
def test_not_a_mapping(content: object) -> None:
    assert "observation_steps" in refused(content).allowed


def test_round_trip_keeps_everything(tmp_path: Path) -> None:
    contract = parse_contract(change(provenance={"seed": 3, "notes": ["a", None], "when": {"day": "today"}}))
    file = tmp_path / "policy.yaml"
    file.write_text(contract_text(contract))
    again = read_contract(file)
    assert again == contract
    assert list(again.cameras) == list(contract.cameras)


def test_unreadable_files(tmp_path: Path) -> None:
    file = tmp_path / "policy.yaml"
    for content, problem in (
        (None, "missing"),
        (b"a: [1", "expected"),
        (b"\xff\xfe\xff", "decode"),
        (b"!!python/object/apply:os.getcwd []", "could not determine a constructor"),
        (b"1: a\n0x1: b\n", "given twice"),
        (yaml.safe_dump(example()).encode() + b"\nhorizon: 10\n", "'horizon' is given twice.*line 68"),
    ):
        if content is not None:
            file.write_bytes(content)
        with pytest.raises(BundleError, match=problem) as caught:
            read_contract(file)
        assert caught.value.file == file
        assert str(file) in str(caught.value)
