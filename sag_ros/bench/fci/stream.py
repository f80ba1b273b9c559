"""What the supervisor commands along a smooth motion, in simulated time: a path at 1 kHz."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sag_ros.control.guard.guard import guard_limits
from sag_ros.control.motion import Motion, of_command
from sag_ros.control.splice import SpliceSettings
from sag_ros.control.states import SupervisorSettings
from sag_ros.control.supervisor import Supervisor
from sag_ros.fci.follower import CYCLE
from sag_ros.robots.arm import Arm
from sag_ros.values import ActionChunk, Float

_TICK, _CHUNK = 10, 20  # cycles
_AGE, _PERIOD, _ACTIONS = 0.03, 0.05, 8  # of an observation, s; of the actions
_NOISE = 0.004  # rad
_RISE = 3.0  # s until the motion has its full size
_NEAR = 0.02  # rad: from a bound
_SETTINGS = SupervisorSettings(splice=SpliceSettings(smoothing=3.0, lead=0.07))  # of the demo


@dataclass(frozen=True)
class Stream:
    """One stream.

    Attributes:
        seed: of frequencies, phases, noise and start.
        place: where it begins: ``home``, or ``bounds``: anywhere, some joints close to a bound.
        amplitude: rad.
    """

    seed: int
    place: str
    amplitude: float


def start(arm: Arm, stream: Stream) -> Float:
    """(J,) where a stream begins, rad."""
    if stream.place == "home":
        return np.array(arm.home)
    rng = np.random.default_rng([stream.seed, 1])
    low, high = reach(arm)
    share = rng.random(arm.dof)
    close = rng.random(arm.dof) < 0.4
    inward = _NEAR * rng.random(arm.dof)
    near = np.where(share < 0.5, low + inward, high - inward)
    position: Float = np.where(close, near, low + share * (high - low))
    return position


def reach(arm: Arm) -> tuple[Float, Float]:
    """Lowest and highest (J,) positions that can be commanded: where the guard's envelope closes, rad."""
    limits = guard_limits(arm)
    low, high = limits.envelope.ends
    return np.maximum(limits.lower, low), np.minimum(limits.upper, high)


def path(arm: Arm, stream: Stream, seconds: float) -> tuple[Float, int]:
    """What is commanded, (N, J) rad at 1 kHz from rest to rest, and how many chunks were executed."""
    rng = np.random.default_rng(stream.seed)
    frequency, phase = rng.uniform(0.1, 0.6, arm.dof), rng.uniform(0.0, 2.0 * np.pi, arm.dof)
    origin = start(arm, stream)
    low, high = arm.limits.lower - 0.05, arm.limits.upper + 0.05

    def wanted(t: float) -> Float:
        swing = np.sin(2.0 * np.pi * frequency * t + phase) - np.sin(phase)
        position: Float = np.clip(origin + stream.amplitude * swing * min(t / _RISE, 1.0), low, high)
        return position

    supervisor = Supervisor(arm, _SETTINGS)
    supervisor.start(0.0, origin)
    motion: Motion | None = None
    out = [origin]
    k, last = 0, round(seconds / CYCLE)
    while k < last or (motion is not None and k * CYCLE < motion.end):
        k += 1
        now, command = k * CYCLE, None
        if k <= last and k % _CHUNK == 0:
            supervisor.on_joint_state(now, out[-1], np.zeros(arm.dof))
            ahead = now - _AGE + _PERIOD * np.arange(1, _ACTIONS + 1)
            actions = np.stack([wanted(max(float(t), 0.0)) for t in ahead])
            actions += rng.normal(0.0, _NOISE, actions.shape)
            chunk = ActionChunk(now - _AGE, _PERIOD, actions, np.full(_ACTIONS, arm.gripper.width_max))
            command = supervisor.on_chunk(chunk, now)
        elif k <= last and k % _TICK == 0:
            command = supervisor.tick(now)
        if command is not None:
            motion = of_command(command)
        out.append(origin if motion is None else motion.at(now)[0])
    return np.stack(out), supervisor.status().chunks
