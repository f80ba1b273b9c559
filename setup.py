"""One package for both worlds: colcon (ament_python) on a ROS 2 machine, pip anywhere."""

from __future__ import annotations

import os
from pathlib import Path

from setuptools import find_packages, setup

NAME = "sag_ros"
HERE = Path(__file__).resolve().parent

# Every pin was installed together on CPython 3.11 (pip check clean). Where a release has no build for
# Python 3.10 (ROS 2 Humble), the newest one that has is pinned beside it.
CORE = [
    'numpy==2.4.6; python_version >= "3.11"',
    'numpy==2.2.6; python_version < "3.11"',
    "torch==2.13.0",
    "safetensors==0.8.0",
    "pydantic==2.14.3",
    "PyYAML==6.0.3",
    "ruckig==0.19.4",
    "numba==0.68.1",
    "llvmlite==0.50.0",
    "tyro==1.0.17",
    "rich==15.0.0",
    'scipy==1.17.1; python_version >= "3.11"',
    'scipy==1.15.3; python_version < "3.11"',
]
PLOTS = [
    'matplotlib==3.11.2; python_version >= "3.11"',
    'matplotlib==3.10.9; python_version < "3.11"',
]
IMAGES = ["opencv-python-headless==5.0.0.93"]
ROS_MESSAGES = ["sensor", "std", "geometry", "trajectory", "diagnostic"]
EXTRAS = {
    # Statistics and page of the benchmarks, which need "sim" as well.
    "bench": ["jinja2==3.1.6"],
    # daqp is the solver that mink is asked for.
    "sim": ["mujoco==3.9.0", "mink==1.2.0", "daqp==0.11.0", *IMAGES, *PLOTS],
    "train": [
        # zarr 3 needs Python 3.11: demonstrations cannot be recorded or read on 3.10.
        'zarr==3.1.6; python_version >= "3.11"',
        "tqdm==4.70.1",
        *PLOTS,
    ],
    # Files of other projects: robomimic, LeRobot with its videos, ROS bags. What they become needs zarr 3.
    "convert": [
        'h5py==3.16.0; python_version >= "3.11"',
        'pyarrow==26.0.1; python_version >= "3.11"',
        'av==18.1.0; python_version >= "3.11"',
        'rosbags==0.11.9; python_version >= "3.11"',
    ],
    # The papers' tasks. robosuite also asks for a second OpenCV and for the driver of a joystick, so it is
    # installed by itself: pip install --no-deps robosuite==1.5.1
    "benchmarks": [
        "gymnasium==1.2.3",
        "gymnasium-robotics==1.4.2",
        "farama-notifications==0.0.6",
        "mujoco==3.9.0",
        "termcolor==3.3.0",
        "tqdm==4.70.1",
    ],
    "openvino": ["openvino==2026.4.1"],
    # For engine tensorrt, on machines with an NVIDIA GPU. Needs a CUDA build of torch; TensorRT's own wheels,
    # which it asks for, come from NVIDIA's package index.
    "tensorrt": ["torch-tensorrt==2.13.0"],
    # For the flight recorder, and to replay what it kept.
    "flight": ["mcap==1.6.0", *PLOTS],
    # For an FR3 without ros2_control, and for the emulated one.
    "fci": ["pylibfranka==0.21.3"],
    # The operator's page; mujoco reads the shape of the arm.
    "view": ["aiohttp==3.14.5", "mujoco==3.9.0", *IMAGES],
    # For machines without a ROS 2 installation; on one, leave this extra out.
    "ros": [
        "ros-jazzy-rclpy[fastrtps]==7.1.6",
        *[f"ros-jazzy-{name}-msgs==5.3.6" for name in ROS_MESSAGES],
        "ros-jazzy-std-srvs==5.3.6",
        *IMAGES,
    ],
    "dev": [
        'diffusers==0.42.1; python_version >= "3.11"',
        'diffusers==0.41.0; python_version < "3.11"',
        'hypothesis==6.170.15; python_version >= "3.11"',
        'hypothesis==6.168.5; python_version < "3.11"',
        'import-linter==2.16; python_version >= "3.11"',
        'import-linter==2.15; python_version < "3.11"',
        "mypy==2.4.1",
        "pytest==9.2.0",
        "pytest-timeout==2.4.0",
        "pytest-xdist==3.8.0",
        # Reads recordings as others do.
        "rosbags==0.11.9",
        "ruff==0.17.6",
        # Drives a browser, where there is one, to try the operator's page.
        "selenium==4.51.0",
        # Executes the kernels of engine persistent without a GPU; the version that torch's CUDA builds bring.
        "triton==3.7.1",
    ],
    # `make docs`
    "docs": [
        "mkdocs==1.6.1",
        'mkdocs-material==9.8.2; python_version >= "3.11"',
        'mkdocs-material==9.7.7; python_version < "3.11"',
    ],
}


def tree(folder: str) -> list[tuple[str, list[str]]]:
    """Data files of ``folder``, each under share/sag_ros at the place it has in the source tree."""
    found = []
    for root, folders, files in os.walk(HERE / folder):
        folders[:] = sorted(name for name in folders if not name.startswith((".", "__")))
        relative = Path(root).relative_to(HERE)
        names = [str(relative / name) for name in sorted(files) if not name.startswith(".")]
        if names:
            found.append((f"share/{NAME}/{relative}", names))
    return found


def package_files(folder: str) -> list[str]:
    """Files below ``folder`` of the package, relative to the package (setuptools 59 has no ``**``)."""
    package = HERE / NAME
    return sorted(
        str(path.relative_to(package))
        for path in (package / folder).rglob("*")
        if path.is_file() and path.suffix not in (".py", ".pyc")
    )


DATA = ("sim/assets", "bench/run", "bench/tasks", "bench/paper", "bench/accelerate", "ros/view/page")

setup(
    name=NAME,
    version="0.1.0",
    description="Real-time diffusion-policy control for ROS 2 with pruned denoising (Sparse ActionGen)",
    long_description=(HERE / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    maintainer="sag_ros maintainers",
    maintainer_email="sag_ros@example.org",
    license="Apache-2.0",
    python_requires=">=3.10,<3.13",
    packages=find_packages(include=[NAME, f"{NAME}.*"]),
    package_data={NAME: [file for folder in DATA for file in package_files(folder)]},
    zip_safe=False,
    install_requires=CORE,
    extras_require=EXTRAS,
    data_files=[
        ("share/ament_index/resource_index/packages", [f"resource/{NAME}"]),
        (f"share/{NAME}", ["package.xml"]),
        # A wheel ignores setup.cfg, so the nodes also travel as plain executables; colcon's
        # entry-point script of the same name wins there.
        (
            f"lib/{NAME}",
            [f"scripts/{node}_node" for node in ("policy", "sim", "gripper", "fci", "recorder", "view")],
        ),
        *tree("launch"),
        *tree("config"),
        *tree("models"),
    ],
    entry_points={
        "console_scripts": [
            "sag = sag_ros.cli:main",
            "policy_node = sag_ros.ros.policy.node:main",
            "sim_node = sag_ros.ros.sim.node:main",
            "fci_node = sag_ros.ros.fci.node:main",
            "gripper_node = sag_ros.ros.gripper.node:main",
            "view_node = sag_ros.ros.view.node:main",
            "recorder_node = sag_ros.ros.flight.node:main",
        ],
    },
)
