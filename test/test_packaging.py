"""The package as colcon and pip see it, and import rules that import-linter cannot express."""

from __future__ import annotations

import ast
import os
import re
import runpy
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
NODES = ("policy_node", "sim_node", "gripper_node", "fci_node", "recorder_node", "view_node")
FOLDERS = {"recorder_node": "flight"}
ROS_MODULE = re.compile(r"rclpy|launch|launch_ros|ament_index_python|\w+_interfaces|std_srvs|\w+_msgs")
# With franka_ros2 only: imported where they exist.
OPTIONAL_ROS = {"franka_msgs", "control_msgs"}
# Import name -> distribution, where they differ.
DISTRIBUTION = {
    "cv2": "opencv-python-headless",
    "yaml": "pyyaml",
    "pydantic_core": "pydantic",
    "gymnasium_robotics": "gymnasium-robotics",
    "farama_notifications": "farama-notifications",
}
# Of the emulated robot's own virtual environment; installed without what it asks for.
ELSEWHERE = {"franka_sim", "robosuite"}
# Library of an engine -> the folders below sag_ros/engines that may import it.
ENGINE_LIBRARIES = {
    "openvino": {"openvino"},
    "triton": {"gpu/triton", "persistent", "cuda_graph"},
    "torch_tensorrt": {"tensorrt"},
    "tensorrt": {"tensorrt"},
}


@pytest.fixture(scope="module")
def described():
    """The arguments setup.py hands to setuptools."""
    arguments = {}
    here = os.getcwd()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("setuptools.setup", lambda **given: arguments.update(given))
        os.chdir(ROOT)
        try:
            runpy.run_path(str(ROOT / "setup.py"))
        finally:
            os.chdir(here)
    return arguments


@pytest.fixture(scope="module")
def manifest():
    return ElementTree.parse(ROOT / "package.xml").getroot()


def imports(path: Path) -> Iterator[str]:
    """Root packages that a file imports, at any depth."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


def test_manifest_and_setup_agree(described, manifest):
    assert manifest.findtext("name") == described["name"] == "sag_ros"
    assert manifest.findtext("version") == described["version"]
    assert manifest.findtext("license") == described["license"] == "Apache-2.0"
    assert manifest.findtext("export/build_type") == "ament_python"
    assert re.fullmatch(r"[\w.+-]+@[\w-]+(\.[\w-]+)+", manifest.find("maintainer").get("email"))


def test_share_is_installed(described):
    installed = {f"{folder}/{Path(name).name}" for folder, names in described["data_files"] for name in names}
    assert "share/ament_index/resource_index/packages/sag_ros" in installed
    assert "share/sag_ros/package.xml" in installed
    for folder in ("launch", "config", "models"):
        for path in (ROOT / folder).rglob("*"):
            if path.is_file() and not path.name.startswith(".") and "__pycache__" not in path.parts:
                assert f"share/sag_ros/{path.relative_to(ROOT)}" in installed


def test_data_files_are_relative_and_exist(described):
    for _, names in described["data_files"]:
        for name in names:
            assert not os.path.isabs(name)
            assert (ROOT / name).is_file()


def test_assets_travel_with_the_package(described):
    listed = set(described["package_data"]["sag_ros"])
    present = {str(p.relative_to(ROOT / "sag_ros")) for p in (ROOT / "sag_ros").rglob("*.xml")}
    assert present
    assert present <= listed


def test_every_folder_is_a_package(described):
    folders = {path.parent.relative_to(ROOT) for path in (ROOT / "sag_ros").rglob("*.py")}
    assert {str(folder).replace(os.sep, ".") for folder in folders} == set(described["packages"])


@pytest.mark.parametrize("node", NODES)
def test_node_is_an_entry_point_and_an_executable(described, node):
    folder = FOLDERS.get(node, node.removesuffix("_node"))
    assert f"{node} = sag_ros.ros.{folder}.node:main" in described["entry_points"]["console_scripts"]
    script = ROOT / "scripts" / node
    assert os.access(script, os.X_OK)
    assert script.read_text().splitlines()[0] == "#!/usr/bin/env python3"
    assert f"scripts/{node}" in dict(described["data_files"])["lib/sag_ros"]
    tree = ast.parse((ROOT / "sag_ros/ros" / folder / "node.py").read_text())
    assert "main" in {item.name for item in tree.body if isinstance(item, ast.FunctionDef)}


def test_every_requirement_is_pinned(described):
    extras = described["extras_require"]
    for requirement in sum(extras.values(), described["install_requires"]):
        assert re.fullmatch(r"[\w-]+(\[\w+\])?==[\w.]+(; python_version (<|>=) \"3\.\d+\")?", requirement)
    known = {
        "sim",
        "train",
        "convert",
        "bench",
        "benchmarks",
        "openvino",
        "tensorrt",
        "fci",
        "flight",
        "view",
        "ros",
        "dev",
    }
    assert set(extras) == known | {"docs"}


def test_every_import_is_required(described):
    requirements = sum(described["extras_require"].values(), described["install_requires"])
    names = {re.split(r"[\[=]", requirement)[0].lower() for requirement in requirements}
    known = {*sys.stdlib_module_names, "sag_ros", *ENGINE_LIBRARIES, *ELSEWHERE}
    for path in (ROOT / "sag_ros").rglob("*.py"):
        for name in set(imports(path)) - known:
            if not ROS_MODULE.fullmatch(name):
                assert DISTRIBUTION.get(name, name) in names, f"{path} imports {name}"


def test_ros_dependencies_are_declared(manifest):
    declared = {entry.text for entry in manifest.iter("exec_depend")} | OPTIONAL_ROS
    files = [*(ROOT / "sag_ros/ros").rglob("*.py"), *(ROOT / "launch").glob("*.py")]
    used = {name for path in files for name in imports(path) if ROS_MODULE.fullmatch(name)}
    assert "rclpy" in used
    assert used <= declared


@pytest.mark.parametrize("library", ENGINE_LIBRARIES)
def test_engine_libraries_stay_in_their_engine(library):
    engines = ROOT / "sag_ros/engines"
    users = {path for path in (ROOT / "sag_ros").rglob("*.py") if library in imports(path)}
    assert users
    assert {path.parent for path in users} <= {engines / name for name in ENGINE_LIBRARIES[library]}


@pytest.mark.parametrize(
    ("modules", "absent"),
    [
        ("sag_ros.values sag_ros.paths sag_ros.cli", "torch mujoco openvino rclpy"),
        ("sag_ros.control.splice sag_ros.control.guard.guard", "torch mujoco openvino rclpy"),
        ("sag_ros.sim.robot", "torch openvino rclpy"),
        ("sag_ros.engines.registry sag_ros.engines.runner", "mujoco openvino rclpy"),
    ],
)
def test_imports_without_the_extras(modules, absent):
    """On a machine that lacks an extra, what does not need it can still be imported."""
    block = f"import sys; sys.modules.update(dict.fromkeys({absent.split()}))"
    code = f"{block}; import {', '.join(modules.split())}"
    child = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert child.returncode == 0, child.stderr


def test_continuous_integration_calls_make_test():
    assert os.access(ROOT / ".ci/run", os.X_OK)
    assert (ROOT / ".ci/run").read_text().rstrip().endswith("exec make test")


@pytest.mark.parametrize("top", ["sag_ros", "test"])
def test_no_folder_is_crowded(top):
    """Where a folder grows beyond this, names begin to share prefixes: the prefix is a folder."""
    for folder in {path.parent for path in (ROOT / top).rglob("*.py")}:
        assert len(list(folder.glob("*.py"))) <= 20, f"{folder.relative_to(ROOT)} holds too many files"


def test_no_file_is_long():
    """One concept a file: beyond this it holds two."""
    for path in (ROOT / "sag_ros").rglob("*.py"):
        assert len(path.read_text(encoding="utf-8").splitlines()) < 300, f"{path} is too long"


def test_every_folder_says_what_lives_there():
    for path in (ROOT / "sag_ros").rglob("__init__.py"):
        assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))), f"{path} has no docstring"
