"""Limits of the joints of an arm, as its maker publishes them."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np

from sag_ros.values import Float, frozen

_CALM = 0.2  # rad/s


@dataclass(frozen=True)
class VelocityEnvelope:
    """Velocity bounds that shrink towards the position bounds; every field is (J,), SI units.

    Toward the upper side ``v <= -c + sqrt(g * (upper - q))``, toward the lower one the same with
    ``q - lower``.
    """

    c: Float
    g: Float
    lower: Float
    upper: Float

    @property
    def ends(self) -> tuple[Float, Float]:
        """Lowest and highest position (J,) where it allows a velocity; beyond, only towards the other."""
        tip = self.c * self.c / self.g
        return self.lower + tip, self.upper - tip

    @classmethod
    def braking(cls, lower: Float, upper: Float, deceleration: Float) -> VelocityEnvelope:
        """For an arm whose maker publishes none: the speeds from which ``deceleration`` (J,), rad/s^2, still
        stops before the position bounds.

        Near a bound less, in proportion to the distance that is left: the plain root is vertical there, and
        a rounding of the position would be a speed.
        """
        c, g = np.full(len(lower), _CALM), 2.0 * deceleration
        beyond = c * c / g  # so that nothing may move outwards at the bounds themselves
        return cls(frozen(c), frozen(g), frozen(lower - beyond), frozen(upper + beyond))


@dataclass(frozen=True)
class JointLimits:
    """Bounds of the J joints of an arm; every array is (J,), SI units.

    Attributes:
        lower, upper: position.
        velocity, acceleration, jerk: largest magnitudes.
        envelope: velocity bounds that depend on the position.
    """

    lower: Float
    upper: Float
    velocity: Float
    acceleration: Float
    jerk: Float
    envelope: VelocityEnvelope

    def __post_init__(self) -> None:
        parts = {name: getattr(self, name) for name in ("lower", "upper", "velocity", "acceleration", "jerk")}
        parts |= {
            f"envelope.{field.name}": getattr(self.envelope, field.name) for field in fields(self.envelope)
        }
        wrong = {name: part.shape for name, part in parts.items() if part.shape != (len(self.lower),)}
        if wrong:
            raise ValueError(f"limits of {len(self.lower)} joints are arrays of that length; got {wrong}")

    def tightened(
        self,
        factor: float = 1.0,
        position_margin: float = 0.0,
        velocity_margin: Float | float = 0.0,
        braking: float = np.inf,
    ) -> JointLimits:
        """Limits inside these, such that keeping them never asks for more than a joint can do.

        Args:
            factor: of velocity, acceleration and jerk, in (0, 1].
            position_margin: kept from both position bounds, rad.
            velocity_margin: (J,) or scalar, kept from the envelope, rad/s. It is subtracted, not a share:
                near a position bound, where the envelope goes to zero, a share of it would be no margin.
            braking: largest deceleration that following the envelope may ask for, rad/s^2.

        Raises:
            ValueError: ``factor`` outside (0, 1], or margins that leave a joint no room.
        """
        if not 0.0 < factor <= 1.0:
            raise ValueError(f"limit factor {factor} is outside (0, 1]; the hard limits are factor 1")
        lower, upper = self.lower + position_margin, self.upper - position_margin
        c = self.envelope.c + velocity_margin
        g = np.minimum(self.envelope.g, 2.0 * braking)
        tip = c * c / g  # from the end of the envelope: there it is zero
        envelope = VelocityEnvelope(
            c, g, np.maximum(self.envelope.lower, lower - tip), np.minimum(self.envelope.upper, upper + tip)
        )
        lowest, highest = envelope.ends
        closed = highest <= lowest
        if closed.any():
            joint = int(closed.argmax())
            raise ValueError(
                f"a position margin of {position_margin} rad leaves joint {joint + 1} no room between "
                f"{self.lower[joint]:.4g} and {self.upper[joint]:.4g} rad; make it smaller"
            )
        return replace(
            self,
            lower=lower,
            upper=upper,
            velocity=self.velocity * factor,
            acceleration=self.acceleration * factor,
            jerk=self.jerk * factor,
            envelope=envelope,
        )

    def velocity_bounds(self, position: Float) -> tuple[Float, Float]:
        """Lower (<= 0) and upper (>= 0) velocity bound, each (..., J), rad/s, at (..., J) positions."""
        c, g = self.envelope.c, self.envelope.g
        up = np.sqrt(np.maximum(g * (self.envelope.upper - position), 0.0)) - c
        down = np.sqrt(np.maximum(g * (position - self.envelope.lower), 0.0)) - c
        return -np.minimum(self.velocity, np.maximum(down, 0.0)), np.minimum(
            self.velocity, np.maximum(up, 0.0)
        )
