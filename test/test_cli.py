from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass, field
from types import ModuleType
from typing import ClassVar

import pytest

from sag_ros import cli
from sag_ros.cli import Command


@dataclass(frozen=True)
class Inner:
    size: int = 1


@dataclass(frozen=True)
class Options:
    count: int
    inner: Inner = field(default_factory=Inner)
    seen: ClassVar[list[Options]]

    def run(self) -> int:
        self.seen.append(self)
        return 5  # of the command's own meaning, not an exit status


@pytest.fixture
def command(monkeypatch):
    """Replace the table by one command whose function the test chooses."""

    def install(function, extras=()):
        module = ModuleType("sag_test_command")
        module.main = function
        monkeypatch.setitem(sys.modules, "sag_test_command", module)
        monkeypatch.setattr(cli, "COMMANDS", (Command("try this", "sag_test_command:main", "test", extras),))

    return install


def test_help_lists_every_command(capsys):
    assert cli.main(["--help"]) == 0
    printed = capsys.readouterr().out
    for entry in cli.COMMANDS:
        assert entry.words in printed
        assert entry.summary in printed


def test_help_imports_nothing_heavy():
    code = (
        "import sys; from sag_ros.cli import main; main(['--help']); "
        "print(sorted(set(sys.modules) & {'numpy', 'torch', 'tyro', 'rich', 'mujoco', 'openvino', 'rclpy'}))"
    )
    child = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert child.stdout.splitlines()[-1] == "[]"


def test_no_command_is_an_error(capsys):
    assert cli.main([]) == 2
    assert "usage: sag" in capsys.readouterr().out


def test_unknown_command_suggests(capsys):
    assert cli.main(["docter"]) == 2
    assert "Did you mean: sag doctor?" in capsys.readouterr().err


def test_group_lists_its_commands(capsys):
    assert cli.main(["train"]) == 2
    printed = capsys.readouterr().err
    assert "train policy" in printed
    assert "doctor" not in printed
    assert cli.main(["train", "--help"]) == 0


def test_options_and_status(command):
    seen = {}

    def function(count: int, name: str = "x") -> int:
        seen.update(count=count, name=name)
        return 7

    command(function)
    assert cli.main(["try", "this", "--count", "3"]) == 7
    assert seen == {"count": 3, "name": "x"}


def test_dataclass_with_run(command):
    command(Options)
    Options.seen = []
    assert cli.main(["try", "this", "--count", "3", "--inner.size", "4"]) == 0
    assert Options.seen == [Options(3, Inner(4))]


def test_no_return_value_is_success(command):
    command(lambda: None)
    assert cli.main(["try", "this"]) == 0


def test_missing_package_names_the_pip_command(command, capsys):
    def function() -> None:
        raise ModuleNotFoundError("No module named 'mujoco.viewer'", name="mujoco.viewer")

    command(function, ("sim", "train"))
    assert cli.main(["try", "this"]) == 2
    printed = capsys.readouterr().err
    assert "mujoco is missing" in printed
    assert f"{sys.executable} -m pip install -e" in printed
    assert "[sim,train]'" in printed


def test_missing_package_behind_an_explanation(command, capsys):
    def function() -> None:
        try:
            raise ModuleNotFoundError("No module named 'openvino'", name="openvino")
        except ImportError as error:
            raise ImportError("engine openvino needs the package openvino") from error

    command(function)
    assert cli.main(["try", "this"]) == 2
    assert "[openvino]'" in capsys.readouterr().err


def test_missing_package_adds_its_extra():
    message = cli.missing_message(Command("x", "y:z", "", ("sim",)), "rclpy")
    assert "[sim,ros]'" in message
    assert "/opt/ros/" in message


def test_without_source_the_pins_are_named(monkeypatch):
    metadata = [
        'numpy==2.4.6; python_version >= "3.11"',
        "torch==2.13.0",
        'mujoco==3.9.0; extra == "sim"',
        "zarr==3.1.6; python_version >= '3.11' and extra == 'train'",
        'openvino==2026.4.1; extra == "openvino"',
    ]
    monkeypatch.setattr("importlib.metadata.requires", lambda name: metadata)
    monkeypatch.setattr("sag_ros.paths.source_tree", lambda: None)
    assert cli.install_command(("sim", "train")) == (
        f"{sys.executable} -m pip install 'numpy==2.4.6; python_version >= \"3.11\"' 'torch==2.13.0' "
        "'mujoco==3.9.0' 'zarr==3.1.6; python_version >= \"3.11\"'"
    )


@pytest.mark.parametrize("error", [ValueError("joint 3 is absent"), FileNotFoundError("no policy.yaml")])
def test_wrong_input_gives_a_message(command, capsys, monkeypatch, error):
    monkeypatch.delenv("SAG_TRACEBACK", raising=False)

    def function() -> None:
        raise error

    command(function)
    assert cli.main(["try", "this"]) == 2
    assert f"sag try this: {error}" in capsys.readouterr().err
    monkeypatch.setenv("SAG_TRACEBACK", "1")
    with pytest.raises(type(error)):
        cli.main(["try", "this"])


def test_programming_errors_keep_their_traceback(command):
    def function() -> None:
        raise AttributeError("a bug")

    command(function)
    with pytest.raises(AttributeError):
        cli.main(["try", "this"])


def test_interrupt(command):
    def function() -> None:
        raise KeyboardInterrupt

    command(function)
    assert cli.main(["try", "this"]) == 130


@pytest.mark.parametrize("entry", cli.COMMANDS, ids=lambda entry: entry.words)
def test_every_command_has_help(entry, capsys):
    if "train" in entry.extras and sys.version_info < (3, 11):
        pytest.skip("demonstrations need zarr 3, which needs Python 3.11")
    with pytest.raises(SystemExit) as done:
        cli.main([*entry.words.split(), "--help"])
    assert done.value.code == 0
    assert f"sag {entry.words}" in capsys.readouterr().out
