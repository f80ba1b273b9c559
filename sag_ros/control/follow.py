"""Follow one joint's motion as well as its limits allow."""

from __future__ import annotations

import numpy as np

from sag_ros.control.planner import JointPlanner, Path, State

_RATE = 30.0  # 1/s, with which a velocity error is removed; about 3 samples
_APPROACH = 12.0  # 1/s, with which a small position error is removed
_BRAKE = 0.5  # share of the acceleration counted on for closing in on the motion
_SPEED = 0.97  # share of the velocity bound that is used: it moves with the joint
_NEAR = (1e-3, 2e-2)  # rad, rad/s: so close, rejoining is tried
_HOOK = 4  # samples to rejoin in
_WINDOW = 25  # samples it is tried for: long before, a new chunk replaces the motion


def follow(
    planner: JointPlanner, joint: int, wanted: Path, broken: np.ndarray, begin: int, step: float
) -> tuple[Path, int]:
    """Track ``wanted`` from sample ``begin`` until it can be rejoined exactly, or for a while.

    The acceleration is linear between samples, so the trajectory controller executes just this, and
    its bound and that of the jerk hold between the samples, too.

    Args:
        wanted: (3, N) position, velocity, acceleration; broken: (N - 1,) pieces that break a limit.

    Returns:
        The (3, n) samples from ``begin`` on, and the index from which ``wanted`` goes on, or -1: then the
        last of the samples is a state from which to come to rest.
    """
    top = planner.acceleration(joint) * 0.995
    change = planner.jerk(joint) * step
    positions, velocities, accelerations = wanted.tolist()
    blocked = broken.tolist()
    last = len(positions) - 1
    q, v, a = positions[begin], velocities[begin], accelerations[begin]
    states: list[State] = [(q, v, a)]
    for k in range(begin, min(begin + _WINDOW, last)):
        # Where a constant acceleration would lead tells the errors to correct by the next one.
        error = positions[k + 1] - (q + v * step + 0.5 * a * step * step)
        ahead = velocities[k + 1]
        closing = min(_APPROACH * abs(error), (2.0 * _BRAKE * top * abs(error)) ** 0.5)
        target = ahead + (closing if error > 0.0 else -closing)
        down, up = (_SPEED * bound for bound in planner.bounds(joint, q + 2.0 * step * v))
        target = min(max(target, down), up)
        push = min(max(accelerations[k + 1], -top), top) + _RATE * (target - v - 0.5 * a * step)
        # Whatever is wanted: the velocity must not leave its bounds within the next sample.
        drift = v + 0.5 * a * step
        push = min(max(push, (down - drift) / step), (up - drift) / step)
        push = min(max(push, -top, a - change), top, a + change)
        q += step * (v + step * (2.0 * a + push) / 6.0)
        v += 0.5 * step * (a + push)
        a = push
        states.append((q, v, a))
        here = k + 1
        target_index = here + _HOOK
        close = abs(positions[here] - q) < _NEAR[0] and abs(velocities[here] - v) < _NEAR[1]
        if not close or target_index >= last or any(blocked[here : target_index + 1]):
            continue
        goal = (positions[target_index], velocities[target_index], accelerations[target_index])
        if planner.passable(joint, goal) and planner.reach(joint, (q, v, a), goal, _HOOK * step):
            hook = planner.sampled(_HOOK, step)
            hook[:, 0] = states[-1]
            if planner.inside(joint, hook):
                return np.concatenate((np.array(states[:-1]).T, hook), axis=1), target_index
    return np.array(states).T, -1
