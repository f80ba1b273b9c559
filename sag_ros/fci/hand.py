"""The Franka Hand through libfranka, in a process of its own: its calls last as long as the fingers move."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sag_ros.fci.slot import Slot

SIZE = 512  # bytes of a message in either direction
_READ = 0.02  # s between two readings
_AGAIN = 2.0  # s between two tries to connect
_ANY_WIDTH = 0.08  # m: a grasp of anything counts
_END = 2.0  # s


@dataclass(frozen=True)
class HandState:
    """What is known of the hand.

    Attributes:
        width: between the fingers, m; None if nobody knows.
        moving: whether a command is being executed; the width may be older then.
        error: of the last command or connection.
    """

    width: float | None = None
    moving: bool = False
    error: str = ""


class Hand:
    """Starts the hand's process and talks to it; nothing here blocks."""

    def __init__(self, address: str) -> None:
        self._commands, self._states = Slot(SIZE), Slot(SIZE)
        descriptors = [self._commands.descriptor, self._states.descriptor]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "sag_ros.fci.hand", address, *map(str, descriptors)], pass_fds=descriptors
        )
        self._last = HandState()

    @property
    def state(self) -> HandState:
        """The newest state."""
        found = self._states.read()
        if found is not None:
            self._last = HandState(**json.loads(found))
        return self._last

    def move(self, width: float, speed: float, force: float) -> None:
        """Open or close to ``width`` m with ``speed`` m/s; grasp with ``force`` N if that is above 0."""
        self._commands.write(json.dumps(["move", width, speed, force]).encode())

    def homing(self) -> None:
        """Find out how far the fingers open."""
        self._commands.write(json.dumps(["homing"]).encode())

    def close(self) -> None:
        """End the process."""
        self._process.terminate()
        try:
            self._process.wait(_END)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._commands.close()
        self._states.close()


class HandLoop:
    """What the process does: reads the width, executes the newest command, which stops the one before.

    Args:
        connect: makes libfranka's Gripper.
        command: the newest one if it is new; publish: takes a state.
    """

    def __init__(
        self,
        connect: Callable[[], Any],
        command: Callable[[], list[Any] | None],
        publish: Callable[[HandState], None],
    ) -> None:
        self._connect, self._command, self._publish = connect, command, publish
        self._gripper: Any = None
        self._mover: threading.Thread | None = None
        self._error = ""
        self._width: float | None = None

    def turn(self) -> None:
        """Once around; connects if need be."""
        if self._gripper is None:
            try:
                self._gripper, self._error = self._connect(), ""
            except Exception as error:  # libfranka's own have no base that is known without it
                self._publish(HandState(error=f"no hand: {error}"))
                time.sleep(_AGAIN)
                return
        wish = self._command()
        if wish is not None:
            self._begin(wish)
        moving = self._mover is not None and self._mover.is_alive()
        try:
            self._width = float(self._gripper.read_once().width)
        except Exception as error:
            if not moving:  # while it moves, some hands do not answer
                self._gripper, self._width, self._error = None, None, str(error)
        self._publish(HandState(self._width, moving, self._error[:200]))

    def _begin(self, wish: list[Any]) -> None:
        if self._mover is not None and self._mover.is_alive():
            try:
                self._gripper.stop()
            except Exception as error:
                self._error = str(error)
            self._mover.join()
        self._mover = threading.Thread(target=self._execute, args=(self._gripper, *wish), daemon=True)
        self._mover.start()

    def _execute(
        self, gripper: Any, what: str, width: float = 0.0, speed: float = 0.1, force: float = 0.0
    ) -> None:
        try:
            if what == "homing":
                done = gripper.homing()
            elif force > 0.0:
                done = gripper.grasp(width, speed, force, _ANY_WIDTH, _ANY_WIDTH)
            else:
                done = gripper.move(width, speed)
            self._error = "" if done else f"the hand did not succeed: {what} {width} m"
        except Exception as error:
            self._error = str(error)


def main() -> int:
    """``python -m sag_ros.fci.hand ADDRESS COMMANDS STATES``: until SIGTERM, or until the parent is gone."""
    import pylibfranka

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    address, *descriptors = sys.argv[1:]
    commands, states = (Slot(SIZE, int(descriptor)) for descriptor in descriptors)
    parent = os.getppid()

    def command() -> list[Any] | None:
        found = commands.read()
        return None if found is None else list(json.loads(found))

    loop = HandLoop(
        lambda: pylibfranka.Gripper(address),
        command,
        lambda state: states.write(json.dumps(vars(state)).encode()),
    )
    while os.getppid() == parent:
        loop.turn()
        time.sleep(_READ)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
