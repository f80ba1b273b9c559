"""Join a new action chunk to the motion that is being executed."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from sag_ros.control.curve import curve
from sag_ros.control.examine import examine
from sag_ros.control.motion import Motion, State, fading
from sag_ros.control.refusal import ChunkRefused
from sag_ros.control.stop import Stopper
from sag_ros.robots.limits import JointLimits
from sag_ros.values import ActionChunk, Float, JointCommand, Violation

_AHEAD, _SAMPLES = 64, 200  # actions and samples that are commanded at most: what bounds the time of a splice
_BEHIND = 8  # actions already over that still take part in the smoothing


@dataclass(frozen=True)
class SpliceSettings:
    """How chunks are joined.

    Attributes:
        step: sampling interval of the command, s; all commands are sampled at multiples of it.
        lead: the new chunk takes over at the first sample at least this long after now, s;
        delay: and at least this long after its observation, s, so that a machine that is quicker, or quicker
            now and then, moves the arm no differently. Of a policy that executes eight actions of each chunk
            and looks again after each one, the first of them may put off for good what the later ones do.
        blend: time in which the difference to the executed motion decays, s.
        blend_acceleration: the blend is longer where decaying in ``blend`` would take more than this,
            rad/s^2; blend_max: but never longer than this, s.
        smoothing: see :func:`sag_ros.control.curve.curve`.
        jump: largest distance of the next action from the executed motion, rad.
        beyond, reach: what is believed of a policy, see :func:`sag_ros.control.examine.examine`.
        horizon: actions later than this after the splice are not commanded, s; nor are more than 64, nor
            such that come later than 200 steps.
        stop: time to come to rest in after the last action, s; longer where the limits need it.
    """

    step: float = 0.01
    lead: float = 0.005
    delay: float = 0.0
    blend: float = 0.2
    blend_acceleration: float = 5.0
    blend_max: float = 0.4
    smoothing: float = 0.1
    jump: float = 0.5
    beyond: float = 0.1
    reach: float = 2.0
    horizon: float = 2.0
    stop: float = 0.3


@dataclass(frozen=True)
class Splice:
    """A joined motion.

    Attributes:
        command: from the splice on: the blend, the remaining actions, then a deceleration to rest.
        time: the splice, s; the first stamp of ``command``.
        dropped: number of actions whose time is not after the splice.
    """

    command: JointCommand
    time: float
    dropped: int


class Splicer:
    """Joins chunks; holds no state between them.

    The new motion is ``r(t) + e(t)``: ``r`` the curve through the chunk, ``e`` the difference between the
    executed motion and ``r`` at the splice, decaying with its first two derivatives to zero by a quintic.
    So position, velocity and acceleration are continuous, and ``r`` is followed without lag.
    """

    def __init__(
        self,
        limits: JointLimits,
        settings: SpliceSettings | None = None,
        hard: JointLimits | None = None,
    ) -> None:
        """Join chunks such that stops keep ``limits``; ``hard``, by default the same, are the arm's own."""
        self.settings = settings or SpliceSettings()
        self._hard = hard or limits
        self._stopper = Stopper(limits, self.settings.step, self.settings.stop)

    def splice_time(self, now: float) -> float:
        """The first sample at least ``lead`` after ``now``, s."""
        return self._sample_from(now + self.settings.lead)

    def _sample_from(self, time: float) -> float:
        step = self.settings.step
        return step * float(np.ceil(time / step - 1e-3))

    def splice(self, executed: Motion, chunk: ActionChunk, now: float, newest: float = -np.inf) -> Splice:
        """Join ``chunk`` to the motion being executed.

        Args:
            executed: the motion last published.
            now: on the clock of the stamps, s.
            newest: stamp of the observation of the chunk that is executed, s.

        Raises:
            ChunkRefused: it is malformed, not finite, older than ``newest``, over, or too far away.
        """
        settings = self.settings
        examine(chunk, self._hard, settings.step, settings.beyond, settings.reach)
        if chunk.stamp < newest:
            message = f"its observation is {newest - chunk.stamp:.3f} s older than the executed one"
            raise ChunkRefused(Violation("stale", -1, chunk.stamp, newest, message))
        start = max(self.splice_time(now), self._sample_from(chunk.stamp + settings.delay))
        # Times of actions are compared with half a millisecond of slack: stamps are rounded.
        dropped = int(np.searchsorted(chunk.times, start + 5e-4, side="right"))
        count = int(np.floor((chunk.times[-1] - start) / settings.step + 1e-3))
        if dropped >= len(chunk.positions) or count < 1:
            late = start - float(chunk.times[-1])
            raise ChunkRefused(
                Violation("stale", -1, late, 0.0, f"the last action is {late:.3f} s before the splice")
            )
        self._refuse_jump(executed, chunk, dropped)
        horizon = min(settings.horizon, _SAMPLES * settings.step)
        chunk = self._excerpt(chunk, dropped, start + horizon)
        left = min(float(chunk.times[-1]) - start, horizon)
        count = max(min(count, int(np.floor(left / settings.step + 1e-3))), 1)

        reference = curve(chunk, settings.smoothing)
        # The samples of all commands fall on the same instants, so that nothing is resampled.
        index = round(start / settings.step)
        times = settings.step * np.arange(index, index + count + 1)
        r = np.stack(reference.sample(times))
        error = np.stack(executed.at(start)) - r[:, 0]
        moving = r + self._decay((error[0], error[1], error[2]), times - times[0])
        stop = self._stopper.decelerate(moving[0, -1], moving[1, -1], moving[2, -1], float(times[-1]))
        tail = len(stop.time)
        command = JointCommand(
            settings.step * np.arange(index, index + count + tail),
            np.concatenate((moving[0, :-1], stop.position)),
            np.concatenate((moving[1, :-1], stop.velocity)),
            np.concatenate((moving[2, :-1], stop.acceleration)),
        )
        return Splice(command, start, dropped)

    def _excerpt(self, chunk: ActionChunk, dropped: int, end: float) -> ActionChunk:
        """The actions up to the first after ``end``, so that a chunk of any length costs the same."""
        first = max(dropped - _BEHIND, 0)
        ahead = int(np.searchsorted(chunk.times, end)) + 1
        last = max(min(ahead, dropped + _AHEAD), dropped + 1)
        if first == 0 and last >= len(chunk.positions):
            return chunk
        stamp = chunk.stamp + first * chunk.period
        return replace(
            chunk, stamp=stamp, positions=chunk.positions[first:last], gripper=chunk.gripper[first:last]
        )

    def _refuse_jump(self, executed: Motion, chunk: ActionChunk, dropped: int) -> None:
        action = chunk.positions[dropped]
        distance = np.abs(action - executed.at(float(chunk.times[dropped]))[0])
        joint = int(distance.argmax())
        if distance[joint] > self.settings.jump:
            message = (
                f"joint {joint + 1}: next action {action[joint]:.3f} rad is {distance[joint]:.3f} rad "
                f"from the executed motion, allowed {self.settings.jump} rad"
            )
            raise ChunkRefused(Violation("jump", joint, float(distance[joint]), self.settings.jump, message))

    def _decay(self, error: State, t: Float) -> Float:
        """(3, N, J): the error and its derivatives, decaying to zero by a quintic."""
        settings = self.settings
        p, v, _ = error
        # Peak accelerations of the decay are about 6 p / T^2 and 4 v / T.
        limit = settings.blend_acceleration
        needed = max(float((6.0 / limit * np.abs(p).max()) ** 0.5), 4.0 / limit * float(np.abs(v).max()))
        T = min(max(settings.blend, needed), settings.blend_max)
        return np.stack(fading(error, 0.0, T).sample(t))


def led_in(motion: Motion, command: JointCommand, now: float, step: float) -> JointCommand:
    """``command`` with what is being executed from ``now`` until it begins in front, s."""
    first = int(np.floor(now / step + 1e-3))
    times = step * np.arange(first, round(float(command.time[0]) / step))
    if not len(times):
        return command
    q, v, a = motion.sample(times)
    return JointCommand(
        np.concatenate((times, command.time)),
        np.concatenate((q, command.position)),
        np.concatenate((v, command.velocity)),
        np.concatenate((a, command.acceleration)),
    )
