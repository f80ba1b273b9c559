"""A policy and all that goes with it: what is exchanged when another one takes over."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sag_ros.control.reach.kinematics import forward_of
from sag_ros.engines.ladder import Ladder
from sag_ros.policy.bundle import PolicyBundle
from sag_ros.policy.contract import Contract
from sag_ros.policy.pictures import Likeness
from sag_ros.robots.registry import find_arm
from sag_ros.ros.policy import preflight
from sag_ros.ros.policy.camera_check import CameraCheck
from sag_ros.ros.policy.degrading import Degrading
from sag_ros.ros.policy.fitting import Imprecise
from sag_ros.ros.policy.observation import ObservationAssembler
from sag_ros.ros.policy.subscriptions import Subscriptions
from sag_ros.ros.schema import PolicyNode


@dataclass(frozen=True)
class Prepared:
    """A policy that may run.

    Attributes:
        config: of the node, naming it.
        bundle, ladder: the policy, and what computes it.
        report: of its comparison with the reference.
        facts: for /diagnostics.
        pictures: what its cameras saw in training.
    """

    config: PolicyNode
    bundle: PolicyBundle
    ladder: Ladder
    report: preflight.Report
    facts: Mapping[str, object]
    pictures: Mapping[str, Likeness]


def name_of(config: PolicyNode) -> str:
    """Its name, if it has one, bundle, sampler and mask source."""
    name = f"{config.policy}: " if config.policy else ""
    return f"{name}{config.bundle} {config.sampler}+{config.mask_source}"


def prepare(
    config: PolicyNode, say: Callable[[str], Any], report: preflight.Report | None = None
) -> Prepared:
    """Load, validate, build, warm up, compare; not the last two where there is a ``report`` of that.

    Where the precision is ours to choose, and the fast one is too coarse for this policy or for a rung of its
    ladder, all of them compute in float32.

    Raises:
        Refused: what does not fit, or differs from the reference.
    """
    if report is not None and report.precision != config.precision:
        config = config.model_copy(update={"precision": report.precision})
    try:
        return _prepare(config, say, report)
    except Imprecise as error:
        if config.precision != "auto":
            raise
        say(f"in float32, more slowly: {error}")
    return _prepare(config.model_copy(update={"precision": "f32"}), say, None)


def _prepare(config: PolicyNode, say: Callable[[str], Any], report: preflight.Report | None) -> Prepared:
    bundle = preflight.load(config)
    say(f"bundle {config.bundle}: {bundle.contract.task}, weights {bundle.weights_hash[:12]}")
    runner = preflight.build(bundle, config)
    checked = report is not None
    report = report or preflight.examine(runner, config, say)
    ladder = preflight.climb(bundle, runner, config, say, checked)
    facts = preflight.facts(bundle, runner, config, report)
    return Prepared(config, bundle, ladder, report, facts, preflight.likeness(config))


def observed(contract: Contract) -> str:
    """Cameras and signals of a policy, for a comparison and for a person."""
    signals = [f"signal {name} ({one.size})" for name, one in contract.signals.items()]
    return ", ".join([f"camera {name}" for name in contract.cameras] + signals) or "no camera and no signal"


class Running:
    """See the module.

    Args:
        prepared: the policy.
        inputs: of the node.
        now: its clock, s.
        say: called with a sentence when it does less than it was asked for.
    """

    def __init__(
        self,
        prepared: Prepared,
        inputs: Subscriptions,
        now: Callable[[], float],
        say: Callable[[str], Any],
    ) -> None:
        config, ladder = prepared.config, prepared.ladder
        self.config, self.runner, self.name = config, ladder, name_of(config)
        # What each rung computes, as ``~/timing`` and ``~/chunk`` number them, is the first word of its name.
        rungs = ", ".join(rung.name.split()[0] for rung in ladder.rungs)
        self.facts = {"policy": self.name, **prepared.facts, "rungs": rungs}
        self.degrading = Degrading(ladder, config.ladder_latency, say)
        # Without ``ignore``, as it may be set while the node runs.
        self.observed = observed(prepared.bundle.contract)
        self.check = CameraCheck(prepared.bundle.contract.cameras, prepared.pictures)
        self.assembler = ObservationAssembler(
            ladder, prepared.bundle.contract, inputs.state_at, now=now, pictures=self.check.watches,
            joints_at=inputs.joints_at, apart=config.watchdog.cameras_apart,
            forward=forward_of(find_arm(config.arm)),
        )  # fmt: skip
