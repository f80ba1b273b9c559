"""The way to an arm's home pose, one stretch at a time; each stretch ends at rest."""

from __future__ import annotations

import numpy as np
import ruckig

from sag_ros.control.stop import ACCELERATION_SHARE, JERK_SHARE, Stopper
from sag_ros.robots.arm import Arm
from sag_ros.robots.limits import JointLimits
from sag_ros.values import Float, JointCommand

STRETCH = 1.0  # s of the way that are commanded at once: if nothing follows, the arm is soon at rest
RENEW = 0.25  # s after which the next stretch is commanded
NEAR = 1e-4  # rad from home that are home
_RISE = 0.5  # s in which the speed is reached, where the limits allow it
_SHARE = 0.9  # of the largest velocity, at most
_ROOM = 0.01  # rad from where the velocity envelope ends; closer to it, the guard would bend the way
_MORE = 1.01  # times what is planned: rounding


class Homing:
    """Plans stretches of the way home: slow, all joints at the same time there.

    Args:
        arm: whose home it is; J joints.
        limits: kept to, but for the velocity envelope, which the guard knows.
        step: sampling interval, s.

    Attributes:
        whole: whether the limits let it get home; otherwise it gets as near as they do.
    """

    def __init__(self, arm: Arm, limits: JointLimits, step: float) -> None:
        low, high = limits.envelope.ends
        low, high = np.maximum(limits.lower, low + _ROOM), np.minimum(limits.upper, high - _ROOM)
        self._home, self._step, self._limits = np.clip(arm.home, low, high), step, limits
        self.whole = bool((self._home == arm.home).all())
        self._stopper = Stopper(limits, step)
        self._otg, self._plan = ruckig.Ruckig(arm.dof), ruckig.Trajectory(arm.dof)
        self._input = ruckig.InputParameter(arm.dof)
        self._input.synchronization = ruckig.Synchronization.Phase  # a straight line where that is possible
        self._input.target_position = self._home.tolist()
        self._input.target_velocity = self._input.target_acceleration = [0.0] * arm.dof

    def near(self, position: Float) -> bool:
        """Whether (J,) ``position``, rad, is home."""
        return bool(np.abs(position - self._home).max() <= NEAR)

    def _largest(self, speed: float) -> tuple[Float, Float, Float]:
        """Velocity, acceleration and jerk on the way, each (J,)."""
        limits = self._limits
        velocity = np.minimum(speed, _SHARE * limits.velocity)
        acceleration = np.minimum(velocity / _RISE, ACCELERATION_SHARE * limits.acceleration)
        return velocity, acceleration, np.minimum(4.0 * acceleration / _RISE, JERK_SHARE * limits.jerk)

    def leads_on(self, state: tuple[Float, Float, Float], speed: float) -> bool:
        """Whether a stretch may begin in a state: within what is planned.

        A hard deceleration, as at the end of a stretch, is not: to get out of it gently takes so long that
        the arm would swing far back.
        """
        velocity, acceleration, _ = self._largest(speed)
        return bool(
            (np.abs(state[1]) <= _MORE * velocity).all() and (np.abs(state[2]) <= _MORE * acceleration).all()
        )

    def too_fast(self, command: JointCommand, speed: float) -> str:
        """Why a stretch that a guard has bent is not one any more, or an empty text."""
        fastest = float(np.abs(command.velocity).max())
        return (
            "" if fastest <= _MORE * speed else f"it would move at {fastest:.2f} rad/s, allowed {speed} rad/s"
        )

    def stretch(self, state: tuple[Float, Float, Float], start: float, speed: float) -> JointCommand:
        """The next stretch of the way, from a state that :meth:`leads_on` to rest.

        Args:
            state: position, velocity, acceleration, each (J,), rad, rad/s, rad/s^2.
            start: when it is in it, s.
            speed: of the fastest joint, rad/s.

        Raises:
            ValueError: there is no way from there.
        """
        step = self._step
        self._input.max_velocity, self._input.max_acceleration, self._input.max_jerk = (
            part.tolist() for part in self._largest(speed)
        )
        self._input.current_position, self._input.current_velocity, self._input.current_acceleration = (
            part.tolist() for part in state
        )
        result = self._otg.calculate(self._input, self._plan)
        if result < 0:
            raise ValueError(f"Ruckig found no way home from {np.array(state).tolist()}: {result}")
        left = self.seconds
        count = max(int(np.ceil(min(left, STRETCH) / step - 1e-9)), 1)
        samples = np.array([self._plan.at_time(min(k * step, left)) for k in range(count + 1)])
        samples[0] = state
        if left <= STRETCH:
            samples[-1, 1:] = 0.0
            return JointCommand(start + step * np.arange(count + 1), *samples.transpose(1, 0, 2))
        q, dq, ddq = samples[-1]
        stop = self._stopper.decelerate(q, dq, ddq, start + count * step)
        position, v, a = samples[:-1].transpose(1, 0, 2)
        return JointCommand(
            start + step * np.arange(count + len(stop.time)),
            np.concatenate((position, stop.position)),
            np.concatenate((v, stop.velocity)),
            np.concatenate((a, stop.acceleration)),
        )

    @property
    def seconds(self) -> float:
        """How long the whole way takes from the state of the last stretch, s."""
        return float(self._plan.duration)
