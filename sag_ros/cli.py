"""``sag ...``: finds the command, imports what it needs and nothing else, says what to install if that fails.

A command is a function whose typed arguments (or single dataclass argument) tyro turns into options, and
what it returns is the exit status; or it is a dataclass of options with a method ``run``.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

from sag_ros.commands import COMMANDS, Command

# Import name -> extra; what is not listed belongs to the core and comes with any of them.
EXTRA_OF = {
    "mujoco": "sim",
    "mink": "sim",
    "jinja2": "bench",
    "gymnasium": "benchmarks",
    "gymnasium_robotics": "benchmarks",
    "robosuite": "benchmarks",
    "zarr": "train",
    "tqdm": "train",
    "h5py": "convert",
    "pyarrow": "convert",
    "av": "convert",
    "openvino": "openvino",
    "numba": "openvino",
    "llvmlite": "openvino",
    "torch_tensorrt": "tensorrt",
    "tensorrt": "tensorrt",
    "pylibfranka": "fci",
    "aiohttp": "view",
    "mcap": "flight",
    "rclpy": "ros",
    "sensor_msgs": "ros",
    "std_msgs": "ros",
    "geometry_msgs": "ros",
    "trajectory_msgs": "ros",
    "diagnostic_msgs": "ros",
    "lifecycle_msgs": "ros",
    "diffusers": "dev",
    "hypothesis": "dev",
    "pytest": "dev",
}


def find(arguments: Sequence[str]) -> tuple[Command, list[str]] | None:
    """The command that ``arguments`` start with, and the rest of them."""
    for command in COMMANDS:
        words = command.words.split()
        if list(arguments[: len(words)]) == words:
            return command, list(arguments[len(words) :])
    return None


def usage(group: str = "") -> str:
    """Help text: all commands, or those of one group (``train``)."""
    shown = [command for command in COMMANDS if f"{command.words} ".startswith(f"{group} " if group else "")]
    width = max(len(command.words) for command in shown)
    lines = [f"usage: sag {group + ' ' if group else ''}COMMAND [options]", ""]
    lines += [f"  {command.words:<{width}}  {command.summary}" for command in shown]
    lines += ["", "sag COMMAND --help lists the options of a command."]
    return "\n".join(lines)


def install_command(extras: Sequence[str]) -> str:
    """The pip command that adds ``extras`` to this installation."""
    from sag_ros.paths import source_tree

    tree = source_tree()
    names = ",".join(extras)
    if tree is not None:
        return f"{sys.executable} -m pip install -e '{tree}{f'[{names}]' if names else ''}'"
    # Installed without its source (colcon, wheel): the pinned requirements themselves.
    return f"{sys.executable} -m pip install {' '.join(requirements(extras))}"


def requirements(extras: Sequence[str]) -> list[str]:
    """Pinned requirements of the core and ``extras``, quoted for a shell, from the installed metadata."""
    from importlib.metadata import requires

    found = []
    for line in requires("sag_ros") or []:
        requirement, _, marker = (part.strip() for part in line.partition(";"))
        wanted = "extra ==" not in marker or any(
            f"extra == {quote}{extra}{quote}" in marker for extra in extras for quote in "'\""
        )
        if wanted:
            others = [part.strip("() ") for part in marker.split(" and ") if part and "extra ==" not in part]
            text = "; ".join([requirement, *([" and ".join(others)] if others else [])])
            found.append("'" + text.replace("'", '"') + "'")
    return found


def load(command: Command) -> Callable[..., object]:
    """Import the function or dataclass of a command. Raises ModuleNotFoundError."""
    module, _, name = command.target.partition(":")
    target: Callable[..., object] = getattr(import_module(module), name)
    return target


def missing_message(command: Command, module: str) -> str:
    """What to do when ``module`` cannot be imported."""
    root = module.partition(".")[0]
    if root == "sag_ros":
        return f"{module} is not part of this version of sag_ros"
    extras = command.extras
    extra = EXTRA_OF.get(root)
    if extra is not None and extra not in extras:
        extras = (*extras, extra)
    if root == "robosuite":  # whose other requirements do not go together with ours
        remedy = f"{install_command(extras)}\n  {sys.executable} -m pip install --no-deps robosuite==1.5.1"
        return f"the Python package robosuite is missing. Install what this task needs:\n  {remedy}"
    hint = "\n(or source a ROS 2 installation: /opt/ros/<distribution>/setup.bash)" if extra == "ros" else ""
    remedy = install_command(extras)
    return f"the Python package {root} is missing. Install what this command needs:\n  {remedy}{hint}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit status (2 = wrong usage or input, 130 = interrupted)."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if not given or given[0] in ("-h", "--help", "help"):
        print(usage())
        return 0 if given else 2
    found = find(given)
    if found is None:
        return _unknown(given)
    command, rest = found
    try:
        import tyro

        target = load(command)
        # A function's single dataclass argument needs no prefix; nested groups of options keep theirs.
        config = () if isinstance(target, type) else (tyro.conf.OmitArgPrefixes,)
        result: Any = tyro.cli(target, prog=f"sag {command.words}", args=rest, config=config)
        if isinstance(target, type):
            result.run()
    except ImportError as error:
        # An engine explains itself with a plain ImportError; what really lacks is its cause.
        cause = error if isinstance(error, ModuleNotFoundError) else error.__cause__
        if not isinstance(cause, ModuleNotFoundError) or cause.name is None:
            raise
        return _fail(command, missing_message(command, cause.name))
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    except (ValueError, OSError) as error:
        # Wrong input (bundle, configuration, file) is the user's to mend: say it without a traceback.
        if os.environ.get("SAG_TRACEBACK"):
            raise
        return _fail(command, f"{error}\n(SAG_TRACEBACK=1 shows where this was found)")
    return result if isinstance(result, int) else 0


def _unknown(given: list[str]) -> int:
    from difflib import get_close_matches

    group = given[0]
    if any(command.words.startswith(f"{group} ") for command in COMMANDS):
        asked = len(given) > 1 and given[1] in ("-h", "--help")
        print(usage(group), file=sys.stdout if asked else sys.stderr)
        return 0 if asked else 2
    known = [command.words for command in COMMANDS]
    close = get_close_matches(" ".join(given[:2]), known, 1) or get_close_matches(group, known, 1)
    hint = f" Did you mean: sag {close[0]}?" if close else ""
    print(f"sag: there is no command {group!r}.{hint}\n\n{usage()}", file=sys.stderr)
    return 2


def _fail(command: Command, message: str) -> int:
    print(f"sag {command.words}: {message}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    raise SystemExit(main())
