"""What the driver can be told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

Seven = tuple[float, float, float, float, float, float, float]
Six = tuple[float, float, float, float, float, float]


@dataclass(frozen=True)
class Load:
    """What the robot carries beyond its hand.

    Attributes:
        mass: kg; centre: of mass in the flange's frame, m; inertia: (9,) column by column, kg m^2.
    """

    mass: float = 0.0
    centre: tuple[float, float, float] = (0.0, 0.0, 0.0)
    inertia: tuple[float, ...] = (1e-3, 0.0, 0.0, 0.0, 1e-3, 0.0, 0.0, 0.0, 1e-3)


@dataclass(frozen=True)
class FciSettings:
    """Settings of the driver.

    Attributes:
        address: of the robot.
        interface: ``position``: the robot's own joint impedance follows positions; ``torque``: ours does.
        joint_impedance: stiffness of the robot's own, N m / rad.
        stiffness, damping: of ours, N m / rad and N m s / rad.
        contact_torque, collision_torque: from which the robot reports a contact and stops, N m.
        contact_force, collision_force: the same at the end effector, N and N m.
        load: on the flange.
        priority: of the loop under SCHED_FIFO; 0 leaves the scheduling as it is.
        core: the loop's own; negative: any.
        enforce_realtime: let libfranka refuse a kernel without real-time scheduling.
    """

    address: str = ""
    interface: Literal["position", "torque"] = "position"
    joint_impedance: Seven = (3000.0, 3000.0, 3000.0, 2500.0, 2500.0, 2000.0, 2000.0)
    stiffness: Seven = (600.0, 600.0, 600.0, 600.0, 250.0, 150.0, 50.0)
    damping: Seven = (50.0, 50.0, 50.0, 50.0, 30.0, 25.0, 15.0)
    contact_torque: Seven = (20.0, 20.0, 18.0, 18.0, 16.0, 14.0, 12.0)
    collision_torque: Seven = (40.0, 40.0, 36.0, 36.0, 32.0, 28.0, 24.0)
    contact_force: Six = (20.0, 20.0, 20.0, 25.0, 25.0, 25.0)
    collision_force: Six = (40.0, 40.0, 40.0, 50.0, 50.0, 50.0)
    load: Load = Load()
    priority: int = 80
    core: int = -1
    enforce_realtime: bool = False

    @classmethod
    def of(cls, content: dict[str, Any]) -> FciSettings:
        """From plain values, as ``dataclasses.asdict`` and JSON make them."""
        values: dict[str, Any] = {name: _frozen(value) for name, value in content.items()}
        load: dict[str, Any] = {name: _frozen(value) for name, value in content.get("load", {}).items()}
        return cls(**{**values, "load": Load(**load)})


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
