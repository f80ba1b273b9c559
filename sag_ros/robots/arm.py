"""An arm as a description: everything that control, simulation and nodes have to know about it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from sag_ros.robots.chain import Chain
from sag_ros.robots.limits import JointLimits
from sag_ros.values import Float


@dataclass(frozen=True)
class Gripper:
    """A gripper with two fingers that move together.

    Attributes:
        joints: finger joints; the width is the sum of their positions.
        width_max: opening, m.
        speed_max: of the width, m/s.
        force_continuous, force_max: of a grasp, N.
    """

    joints: tuple[str, ...]
    width_max: float
    speed_max: float
    force_continuous: float
    force_max: float


@dataclass(frozen=True)
class Bringup:
    """How the drivers of the real robot are started on a ROS installation.

    Attributes:
        package, launch_file: of a ROS package's launch folder.
        arguments: launch arguments; ``{robot_ip}`` stands for the robot's address and ``{config}`` for the
            folder of our configuration.
    """

    package: str
    launch_file: str
    arguments: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Arm:
    """One arm with its gripper; J joints.

    Attributes:
        name: what configurations call it.
        joints: names in the order of every array.
        home: (J,) a pose to begin from, rad.
        limits: what must never be broken.
        grippers: at its end; of several arms, one each in their order.
        model: MJCF file in ``sim/assets``: the joints, an actuator for each of them by the same name and one
            called ``gripper``, sites ``flange`` and ``tcp``, geoms ``left_pad`` and ``right_pad``, camera
            ``wrist``. Empty where none is known.
        controller: ros2_control trajectory controller that executes its commands.
        guard_deceleration: largest deceleration that following the velocity envelope may ask for, rad/s^2;
            less than ``limits.acceleration``, so that there is always something left to brake with.
        overshoot: by how much the velocity of a joint may exceed the commanded one, rad/s: the robot judges
            what it measures, too, and an arm under impedance control swings a little beyond its command.
        envelope_tolerance: by how much the robot itself widens the envelope, rad/s.
        chain: where the joints are; None where nobody bounds the speed of the tip, and of several arms.
        tip_speed: largest speed of the tips of the chain, m/s.
        bringup: of the real robot; None where only the simulated one is known.
        members: where it is several arms, these, in the order of the joints.
    """

    name: str
    joints: tuple[str, ...]
    home: Float
    limits: JointLimits
    grippers: tuple[Gripper, ...]
    model: str
    controller: str
    guard_deceleration: float
    overshoot: float = 0.0
    envelope_tolerance: float = 0.0
    chain: Chain | None = None
    tip_speed: float = np.inf
    bringup: Bringup | None = None
    members: tuple[Arm, ...] = ()

    def __post_init__(self) -> None:
        if not len(self.joints) == len(self.home) == len(self.limits.lower):
            raise ValueError(
                f"arm {self.name!r} has {len(self.joints)} joints, a home of {len(self.home)} and limits of "
                f"{len(self.limits.lower)}; all have to be as many"
            )
        if self.chain is not None and len(self.chain.rolls) != len(self.joints):
            raise ValueError(
                f"arm {self.name!r} has {len(self.joints)} joints and a chain of {len(self.chain.rolls)}"
            )
        if ((self.home < self.limits.lower) | (self.home > self.limits.upper)).any():
            raise ValueError(f"the home {np.array(self.home)} of arm {self.name!r} is outside its limits")

    @property
    def gripper(self) -> Gripper:
        """The only gripper; ValueError where there are several."""
        if len(self.grippers) != 1:
            raise ValueError(f"{self.name!r} has {len(self.grippers)} grippers; this is for one arm with one")
        return self.grippers[0]

    def single(self) -> Iterator[tuple[slice, Arm]]:
        """Each arm with the place of its joints in every array; itself, where it is one."""
        begin = 0
        for arm in self.members or (self,):
            yield slice(begin, begin + arm.dof), arm
            begin += arm.dof

    @property
    def dof(self) -> int:
        """J, the number of joints."""
        return len(self.joints)
