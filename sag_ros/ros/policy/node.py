"""The policy as a managed lifecycle node.

configure  loads and validates the bundle, builds and warms up the engine, compares it with the reference;
           fails when anything is wrong, and /diagnostics says what.
activate   needs fresh joint states and all cameras; then every fresh set of frames becomes a chunk.
deactivate decelerates smoothly; the arm holds.

One thread receives frames and joint states, one runs all other callbacks, one encodes, one infers.
"""

from __future__ import annotations

from collections.abc import Sequence

from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn

from sag_ros.messages.errors import MessageError
from sag_ros.messages.stamps import SECOND
from sag_ros.realtime import settle, unsettle
from sag_ros.robots.registry import find_arm
from sag_ros.ros import executable, parameters
from sag_ros.ros.choices import swapped
from sag_ros.ros.diagnostics import ERROR, OK, Diagnostics
from sag_ros.ros.live_parameters import LiveParameters
from sag_ros.ros.policy import preflight
from sag_ros.ros.policy.chunk_executor import ChunkExecutor
from sag_ros.ros.policy.chunk_record import ChunkRecord
from sag_ros.ros.policy.diagnosis import Diagnosis
from sag_ros.ros.policy.exchange.exchange import Exchange
from sag_ros.ros.policy.inference import InferenceThreads
from sag_ros.ros.policy.operating.services import Operating, Parts
from sag_ros.ros.policy.publishers import PolicyPublishers
from sag_ros.ros.policy.rivals import onlookers
from sag_ros.ros.policy.running import Prepared, Running, prepare
from sag_ros.ros.policy.subscriptions import Subscriptions
from sag_ros.ros.policy.transitions import answer_impossible
from sag_ros.ros.schema import PolicyNode as PolicyParameters
from sag_ros.ros.stamps import clock_of

SUCCESS, FAILURE = TransitionCallbackReturn.SUCCESS, TransitionCallbackReturn.FAILURE
_YOUNG = 5.0  # s after configuring in which inputs may still be missing
_BY_STOP, _BY_LIFECYCLE = "~/stop was called", "deactivated by a lifecycle request"
AUTOSTART_PERIOD = 0.5  # s between attempts


class PolicyNode(LifecycleNode):
    """See the module."""

    def __init__(self, **arguments: object) -> None:
        """Take the arguments of a LifecycleNode. Raises ParameterError."""
        super().__init__("policy_node", automatically_declare_parameters_from_overrides=True, **arguments)
        answer_impossible(self)
        config = parameters.declare(self, PolicyParameters)
        self._live = LiveParameters(self, config, self._apply)
        self.punctuality = config.threads.priority, config.threads.lock_memory
        self._stamps = clock_of(self)
        self._diagnostics = Diagnostics(self)
        self._phase, self._problem, self._configured = "unconfigured", "", -_YOUNG
        self._why = ""  # it is or will be inactive, once it was active
        self._inputs: Subscriptions | None = None
        self._outputs: PolicyPublishers | None = None
        self._policy: Running | None = None
        self._chunk_executor = self._inference = None
        self._diagnosis: Diagnosis | None = None
        self._named = config  # as the parameters name the policy
        policy, now = (lambda: self._policy), self._stamps.now
        self._exchange = Exchange(self, policy, lambda: self._config, self._become, now)
        self._operating = Operating(
            self, lambda: self._config, now, lambda: self._phase, self._deactivate, self._publish_diagnostics
        )
        self.create_timer(1.0 / config.diagnostics_rate, self._publish_diagnostics)
        self._starter = self.create_timer(AUTOSTART_PERIOD, self._autostart) if config.autostart else None

    # Transitions -------------------------------------------------------------------------------------------

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Load, validate, build, warm up, compare."""
        try:
            self._phase = "configuring"
            self._configure()
        except preflight.Refused as error:
            return self._refuse("configure", str(error))
        except Exception as error:  # a traceback tells an operator nothing
            return self._refuse("configure", f"{type(error).__name__}: {error}")
        self._phase, self._problem = "inactive", ""
        self._publish_diagnostics()
        return SUCCESS

    def _configure(self) -> None:
        config, log = self._config, self.get_logger()
        self._problem = "loading the bundle"
        prepared = prepare(config, log.info)
        contract = prepared.bundle.contract
        self._inputs = Subscriptions(self, config, contract, self._stamps)
        self._outputs = PolicyPublishers(self, config, self._inputs.joints, self._stamps)
        self._policy = Running(prepared, self._inputs, self._stamps.now, log.warning)
        self._diagnosis = Diagnosis(
            self, config, self._stamps, self._inputs, self._policy, self._latency, self._listeners,
            self._outputs,
        )  # fmt: skip
        self._chunk_executor = ChunkExecutor(
            find_arm(config.arm), config, self._inputs.watched, self._outputs, self._stamps.now,
            epoch=self._stamps.epoch / SECOND, gate=self._diagnosis.gate,
            rival=lambda: self._diagnosis.joints_rival,
            on_stop=lambda: self._policy.assembler.reset(),  # it does not go on from what was seen before
        )  # fmt: skip
        parts = Parts(self._chunk_executor, self._inputs, self._outputs, self._diagnosis)
        self._operating.configured(parts)
        self._configured = self._stamps.now()
        settle()

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Begin to move, if every input is there."""
        if unready := self._operating.unready():
            return self._refuse("activate", unready)
        self._inputs.wait_for_measured(self._stamps.now())
        missing = self._inputs.missing(self._stamps.now())
        missing = missing or [*filter(None, [self._diagnosis.unheard()]), *self._unlike()]
        if missing:
            return self._refuse("activate", "; ".join(missing))
        held = self._inputs.position()
        try:
            self._chunk_executor.start(held[:-1], float(held[-1]))
        except ValueError as error:
            return self._refuse("activate", str(error))
        super().on_activate(state)
        self._policy.runner.reset(self._config.seed)
        self._policy.check.reset()
        executor, threads = self._chunk_executor, self._config.threads
        self._inference = InferenceThreads(
            self._inputs.frames, self._policy, executor.on_inference, self._on_error,
            (threads.encoder, threads.inference), self._stamps.now, threads.priority, self._after,
        )  # fmt: skip
        self._operating.begin(self._refresh)
        self._inference.start()
        self._phase, self._problem, self._why = "active", "", _BY_LIFECYCLE
        self.get_logger().info("active")
        return SUCCESS

    def _unlike(self) -> list[str]:
        """Cameras whose newest picture is not one of those that the policy knows."""
        if self._config.pictures != "hold":
            return []
        try:
            pictures = self._policy.assembler.decode(self._inputs.frames.newest())
            return self._policy.check.judge(pictures)
        except MessageError as error:
            return [str(error)]

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Decelerate; the arm holds."""
        self._halt()
        self._phase = "inactive"
        self.get_logger().info(f"inactive, {self._why}; the arm holds")
        return super().on_deactivate(state)

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Forget the policy."""
        self._halt()  # it may be on the way home
        self._release()
        self._phase = "unconfigured"
        return SUCCESS

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Stop from any state."""
        self._halt()
        self._release()
        self._phase = "finalized"
        return SUCCESS

    def on_error(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Whatever failed, hold and start over."""
        self._halt()
        return self.on_cleanup(state)

    def _halt(self) -> None:
        """Publish the stop first: the chunk that is being computed may take its time."""
        self._operating.end()
        if self._inference is not None:
            self._inference.stop()
            self._inference = None

    def _release(self) -> None:
        self._operating.released()
        self._exchange.close()
        for part in (self._inputs, self._outputs):
            if part is not None:
                part.destroy()
        self._inputs = self._outputs = self._chunk_executor = self._policy = self._diagnosis = None
        self._live.config = swapped(self._config, self._named)
        unsettle()  # the next policy is loaded when this one is gone, not beside it

    def _refuse(self, what: str, reason: str) -> TransitionCallbackReturn:
        self._problem = f"cannot {what}: {reason}"
        self._phase = "inactive" if what == "activate" else "unconfigured"
        logger, young = self.get_logger(), self._stamps.now() - self._configured < _YOUNG
        if what == "activate" and young:  # whoever starts a graph tries until everybody is there
            logger.info(f"not yet active: {reason}", throttle_duration_sec=1.0)
        elif self._starter is None:
            logger.error(self._problem)
        else:  # it tries again and again
            logger.error(self._problem, throttle_duration_sec=5.0)
        self._publish_diagnostics()
        return FAILURE

    # While running -----------------------------------------------------------------------------------------

    def _on_error(self, error: Exception) -> None:
        """In the inference thread."""
        if (diagnosis := self._diagnosis) is not None:
            diagnosis.on_error(error)
        self.get_logger().error(f"inference: {type(error).__name__}: {error}", throttle_duration_sec=2.0)

    def _listeners(self) -> int:
        others = self._outputs.listeners - self._operating.in_session  # our own watch is one
        return others - onlookers(self, self._config.topics.trajectory)

    def _latency(self) -> tuple[int, int]:
        found = self._chunk_executor.latency.snapshot()
        return found.count, found.misses

    def _apply(self, config: PolicyParameters) -> None:
        """Take a configuration in which live parameters are others. Raises ValueError."""
        if self._chunk_executor is not None:
            self._chunk_executor.reconfigure(config)
            self._policy.degrading.reconfigure(config.ladder_latency)
        for part in (self._inputs, self._diagnosis):
            if part is not None:
                part.config = config

    @property
    def _config(self) -> PolicyParameters:
        return self._live.config

    def _after(self, policy: Running, record: ChunkRecord | None, error: str) -> None:
        """In the inference thread: chunks that a pause kept from being executed say nothing of a policy."""
        if error or not self._chunk_executor.paused:
            self._exchange.after(policy, record, error)

    def _refresh(self, since: float) -> None:
        """What was seen before ``since``, s, is forgotten."""
        self._policy.check.reset()
        self._inference.refresh(since, self._config.seed)

    def _deactivate(self) -> bool:
        """For good: nothing activates it by itself any more; whether it is not active then."""
        if self._starter is not None:
            self._starter.cancel()
        self._why = _BY_STOP if self._phase == "active" else self._why
        return self._phase != "active" or self.trigger_deactivate() == SUCCESS

    def _become(self, policy: Prepared | Running) -> Running:
        """Let another policy compute from the next chunk on."""
        if isinstance(policy, Prepared):
            policy = Running(policy, self._inputs, self._stamps.now, self.get_logger().warning)
        policy.runner.reset(self._config.seed)
        self._policy = self._diagnosis.policy = policy
        self._live.config = swapped(self._config, policy.config)
        if self._inference is not None:
            self._inference.replace(policy)
        return policy

    def _publish_diagnostics(self) -> None:
        why = self._why if self._phase == "inactive" else ""
        values: dict[str, object] = {"lifecycle": self._phase, "deactivated": why}
        values |= {"next": self._exchange.tell(), **({} if self._policy is None else self._policy.facts)}
        level, message = (ERROR, self._problem) if self._problem else (OK, self._phase)
        self._operating.settle()
        if self._diagnosis is not None and self._chunk_executor is not None:
            now, status = self._stamps.now(), self._chunk_executor.status()
            values |= self._chunk_executor.values()
            self._diagnosis.look(now, status)
            values |= self._diagnosis.values(now)
            if self._operating.in_session and not self._problem:
                level, message = self._diagnosis.summary(now, status)
        self._diagnostics.publish(level, message, values)

    def _autostart(self) -> None:
        if self._phase == "unconfigured" and not self._problem:
            self.trigger_configure()
        elif self._phase == "inactive":
            self.trigger_activate()
        else:  # it runs, or its problem will not go away by itself
            self._starter.cancel()

    def close(self) -> None:
        """Stop smoothly, then end."""
        self._halt()
        self._release()
        self.destroy_node()


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point of the ``policy_node`` executable."""
    return executable.run(PolicyNode, arguments, 0.02)  # what must not wait comes through the receiver


if __name__ == "__main__":
    raise SystemExit(main())
