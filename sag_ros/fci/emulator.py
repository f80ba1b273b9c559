"""The emulated FR3 of the PyPI package franka-sim, which judges commands as the real robot does.

It pins old versions of numpy and MuJoCo, so it lives in a virtual environment of its own, made at the first
use. It listens on all addresses of this machine while it runs. Three things are changed, because without them
it stops for what no robot did:

- Physics and protocol run in step, see ``emulated_robot``.
- The servo that it emulates is an explicit one, whose damping is unstable at 1 ms with the light armature of
  our arm: the largest eigenvalue of ``dt M^-1 Kd`` is 1.96 at home and up to 3.4 elsewhere, 2 is the border.
  So the arm joints get an armature of 0.2, about that of the package's own model.
- Contacts are off: no floor stands where our table does.
"""

from __future__ import annotations

import fcntl
import os
import re
import signal
import subprocess
import sys
import time
from contextlib import suppress
from importlib import resources
from pathlib import Path
from typing import IO

from sag_ros.paths import cache_folder

PACKAGE = "franka-sim==1.1.7"
PORT = 1337  # libfranka's own; there can be one robot at an address
ADDRESS = "127.0.0.1"
ARMATURE = 0.2  # kg m^2
_START, _INSTALL = 60.0, 600.0  # s


class Unavailable(RuntimeError):
    """The emulated robot cannot be had here; the message says why."""


def adapted_model(text: str) -> str:
    """Our MJCF of the arm as the emulation needs it: heavier rotors, no contacts.

    Raises:
        ValueError: the model does not look as expected.
    """
    text, joints = re.subn(r'(<joint armature=)"[^"]*"', rf'\1"{ARMATURE}"', text, count=1)
    text, options = re.subn(r"(<compiler [^>]*/>)", r'\1\n  <option><flag contact="disable"/></option>', text)
    if (joints, options) != (1, 1):
        raise ValueError("fr3.xml names no armature or no compiler; the emulated robot needs to change them")
    return text


def environment() -> Path:
    """The Python of the emulation's own virtual environment, made if need be.

    Raises:
        Unavailable: it cannot be made.
    """
    folder = cache_folder("franka-sim-1.1.7")
    if folder is None:
        raise Unavailable("there is no writable cache folder for the emulated robot; set SAG_ROS_CACHE")
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        python, ready = folder / "venv" / "bin" / "python", folder / "ready"
        if not ready.exists():
            for command in (
                [sys.executable, "-m", "venv", "--clear", str(folder / "venv")],
                [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", PACKAGE],
            ):
                try:
                    subprocess.run(command, check=True, capture_output=True, text=True, timeout=_INSTALL)
                except (OSError, subprocess.SubprocessError) as error:
                    last = (getattr(error, "stderr", "") or str(error)).strip().splitlines()[-1:]
                    raise Unavailable(f"{PACKAGE} cannot be installed: {' '.join(last)}") from None
            ready.touch()
    return python


class Emulator:
    """A running emulated robot at ``ADDRESS``; a context manager.

    Args:
        log: file for what it says.
        patience: how long to wait for another one on this machine to end, s.

    Raises:
        Unavailable: it cannot be installed or does not start; or another one runs on this machine.
    """

    def __init__(self, log: Path, patience: float = 0.0) -> None:
        python = environment()
        folder = python.parent.parent.parent
        self._lock: IO[str] = (folder / "port").open("w")
        deadline = time.monotonic() + patience
        while not _locked(self._lock):
            if time.monotonic() > deadline:
                self._lock.close()
                raise Unavailable("an emulated robot runs already, and they share one port")
            time.sleep(0.2)
        model = folder / "fr3.xml"
        model.write_text(adapted_model((resources.files("sag_ros.sim") / "assets" / "fr3.xml").read_text()))
        self._model, self._python, self._log = model, python, log
        self._process: subprocess.Popen[str] | None = None
        try:
            self.start()
        except BaseException:
            self._lock.close()
            raise

    def start(self) -> None:
        """Start it again after :meth:`stop`, at home. Raises Unavailable."""
        if _answers():
            raise Unavailable(f"something else listens on port {PORT}")
        command = [str(self._python), str(Path(__file__).with_name("emulated_robot.py"))]
        command += ["--enforce-comm-constraints", "--enforce-motion-limits"]
        environment = {**os.environ, "FR3_MJCF": str(self._model)}
        for variable in ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV"):
            environment.pop(variable, None)
        self._log.parent.mkdir(parents=True, exist_ok=True)
        with self._log.open("a") as log:
            self._process = subprocess.Popen(
                command, env=environment, stdout=log, stderr=log, text=True, start_new_session=True
            )
        deadline = time.monotonic() + _START
        while not _answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                tail = " ".join(self._log.read_text().strip().splitlines()[-2:])
                self.stop()
                raise Unavailable(f"the emulated robot does not start: {tail}")
            time.sleep(0.1)

    def stop(self) -> None:
        """End it, as if the robot were switched off."""
        process, self._process = self._process, None
        if process is not None:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def __enter__(self) -> Emulator:
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()
        self._lock.close()


def _locked(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _answers() -> bool:
    """Whether somebody listens; read from the kernel, because a connection would count as a client."""
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with suppress(OSError):
            for line in Path(table).read_text().splitlines()[1:]:
                fields = line.split()
                if fields[3] == "0A" and int(fields[1].rsplit(":", 1)[1], 16) == PORT:
                    return True
    return False
