"""A smooth stop from a moving state."""

from __future__ import annotations

import numpy as np
import ruckig

from sag_ros.robots.limits import JointLimits
from sag_ros.values import Float, JointCommand

# Between samples the trajectory controller puts a quintic through what Ruckig planned with steps of jerk.
# The quintic's jerk is a weighted mean of the planned one whose weights have an absolute sum of 2.18.
JERK_SHARE = 0.45
ACCELERATION_SHARE = 0.9


class Stopper:
    """Plans smooth stops.

    Args:
        limits: kept to while braking.
        step: sampling interval, s.
        duration: wanted time to stop in, s; longer where the limits need it, 0 for as fast as they allow.
    """

    def __init__(self, limits: JointLimits, step: float = 0.01, duration: float = 0.0) -> None:
        joints = len(limits.velocity)
        self._allowed = limits.acceleration * ACCELERATION_SHARE
        self._step = step
        self._duration = duration
        self._velocity = limits.velocity
        self._acceleration = limits.acceleration
        self._otg = ruckig.Ruckig(joints)
        self._plan = ruckig.Trajectory(joints)
        self._input = ruckig.InputParameter(joints)
        self._input.control_interface = ruckig.ControlInterface.Velocity
        self._input.synchronization = ruckig.Synchronization.No
        self._input.target_velocity = [0.0] * joints
        self._input.target_acceleration = [0.0] * joints
        self._input.max_acceleration = self._allowed.tolist()
        self._input.max_jerk = (limits.jerk * JERK_SHARE).tolist()

    def decelerate(self, position: Float, velocity: Float, acceleration: Float, start: float) -> JointCommand:
        """The motion from a state (each (J,)) at time ``start`` to rest; its last sample is the hold.

        A velocity or acceleration above the limits is not a state of the arm and is clipped first.

        Raises:
            ValueError: the state is not finite.
        """
        state = np.array((position, velocity, acceleration))
        if not np.isfinite(state).all():
            raise ValueError(f"cannot stop from a state that is not finite: {state.tolist()}")
        state[1] = np.minimum(np.maximum(state[1], -self._velocity), self._velocity)
        state[2] = np.minimum(np.maximum(state[2], -self._acceleration), self._acceleration)
        plan_input, plan, step = self._input, self._plan, self._step
        if self._duration > 0.0:
            gentle = np.maximum(np.abs(state[1]) / self._duration, 1.0)
            plan_input.max_acceleration = np.minimum(gentle, self._allowed).tolist()
        plan_input.current_position = state[0].tolist()
        plan_input.current_velocity = state[1].tolist()
        plan_input.current_acceleration = state[2].tolist()
        result = self._otg.calculate(plan_input, plan)
        if result < 0:
            raise ValueError(f"Ruckig found no stop from {state.tolist()}: {result}")
        count = max(int(np.ceil(plan.duration / step - 1e-9)), 1)
        samples = np.array([plan.at_time(min(k * step, plan.duration)) for k in range(count + 1)])
        samples[0], samples[-1, 1:] = state, 0.0
        return JointCommand(start + step * np.arange(count + 1), samples[:, 0], samples[:, 1], samples[:, 2])


def decelerate(
    position: Float,
    velocity: Float,
    acceleration: Float,
    start: float,
    limits: JointLimits,
    step: float = 0.01,
) -> JointCommand:
    """:meth:`Stopper.decelerate` once, as fast as ``limits`` allow."""
    return Stopper(limits, step).decelerate(position, velocity, acceleration, start)
