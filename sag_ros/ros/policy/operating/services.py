"""``~/pause``, ``~/resume``, ``~/home``, ``~/stop``, and the topic by which a human takes the arm."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from rclpy.lifecycle import LifecycleNode
from rclpy.task import Future
from std_msgs.msg import Bool
from std_srvs.srv import Trigger

from sag_ros.control.states import State
from sag_ros.ros import qos
from sag_ros.ros.policy.diagnosis import Diagnosis
from sag_ros.ros.policy.operating.commander import Commander
from sag_ros.ros.policy.operating.session import Session
from sag_ros.ros.policy.publishers import PolicyPublishers
from sag_ros.ros.policy.rivals import listed
from sag_ros.ros.policy.subscriptions import Subscriptions
from sag_ros.ros.schema import PolicyNode

QUIET = 1.0  # s without a trajectory of somebody else before the policy may go on
_AGAIN = 0.1  # s between two attempts to go on by itself
_NOTABLE = (State.PAUSED, State.TAKEN, State.HOMING, State.FAULT)  # begin and end of which are told at once


@dataclass(frozen=True)
class Parts:
    """Of a configured node; see there."""

    commander: Commander
    inputs: Subscriptions
    outputs: PolicyPublishers
    diagnosis: Diagnosis


class Operating:
    """Does what an operator asks for, or says why not.

    Args:
        node: of the policy; offers the services.
        config: its present configuration.
        now: its clock, s.
        phase: of its life cycle: ``unconfigured``, ``inactive``, ``active``.
        deactivate: it, for good; whether it is inactive, or less, then.
        changed: called when the arm got into a state that whoever looks on should hear of at once.
    """

    def __init__(
        self,
        node: LifecycleNode,
        config: Callable[[], PolicyNode],
        now: Callable[[], float],
        phase: Callable[[], str],
        deactivate: Callable[[], bool],
        changed: Callable[[], None],
    ) -> None:
        self._node, self._config, self._now = node, config, now
        self._phase, self._deactivate, self._changed = phase, deactivate, changed
        self._parts: Parts | None = None
        self._session: Session | None = None
        self._refresh: Callable[[float], None] | None = None  # while the policy is active
        self._told = State.INACTIVE
        self._foreign = self._tried = -1e9  # when a trajectory of others came; when it last tried to go on
        self._taken = self._goes_on = False
        for name, act in (("pause", self.pause), ("resume", self.resume), ("home", self.home)):
            node.create_service(Trigger, f"~/{name}", lambda _, answer, act=act: _answer(answer, *act()))
        # It waits until the arm is at rest, and whatever comes meanwhile does not wait for it.
        apart = MutuallyExclusiveCallbackGroup()
        node.create_service(Trigger, "~/stop", self._on_stop, callback_group=apart)
        if topic := config().topics.takeover:
            node.create_subscription(Bool, topic, self._on_takeover, qos.NEWEST)

    # What the node does -------------------------------------------------------------------------------------

    def configured(self, parts: Parts) -> None:
        """There is somebody to command now."""
        self._parts = parts
        parts.inputs.on_deadman = parts.commander.on_deadman

    def released(self) -> None:
        """There is nobody any more."""
        self._parts = None

    def unready(self) -> str:
        """Why the policy may not begin, or an empty text."""
        if self._taken:
            return f"a human has the arm: the last on {self._takeover} was true"
        return "the arm goes home; wait, or call ~/pause" if self._session is not None else ""

    def begin(self, refresh: Callable[[float], None]) -> None:
        """The policy is active.

        Args:
            refresh: lets it forget what was before a time, s.
        """
        self._session, self._refresh = self._open(), refresh

    def end(self) -> None:
        """Stop smoothly; nothing moves the arm until it begins again."""
        session, self._session, self._refresh = self._session, None, None
        self._goes_on = False
        if session is not None:
            session.end()
            self._look()

    @property
    def in_session(self) -> bool:
        """Whether the arm may be commanded: our own watch is then one of those who take trajectories."""
        return self._session is not None

    def settle(self) -> None:
        """Notice that a stop is over, where nothing else ticks."""
        if self._parts is not None and self._session is None:
            self._parts.commander.tick()

    def _open(self) -> Session:
        parts = self._parts
        assert parts is not None
        return Session(
            self._node, self._config(), parts.commander, parts.inputs, parts.outputs, self._on_foreign,
            self._tick,
        )  # fmt: skip

    def _tick(self) -> None:
        assert self._parts is not None
        self._parts.commander.tick()
        self._look()
        if self._refresh is None and self._parts.commander.silent:  # it was on the way home, inactive
            self.end()
        elif self._goes_on and not self._taken and self._now() - self._tried > _AGAIN:
            self._tried = self._now()
            if self._parts.commander.state is State.PAUSED:
                self.resume()

    def _look(self) -> None:
        """Say it once when the arm got into a state that matters to whoever looks on, or out of it."""
        assert self._parts is not None
        state, before = self._parts.commander.state, self._told
        if state is before:
            return
        self._told = state
        if state in _NOTABLE or before in _NOTABLE:
            reason = self._parts.commander.status().reason
            self._node.get_logger().info(f"{before.value} -> {state.value}{f': {reason}' if reason else ''}")
            self._changed()

    # What an operator asks for: whether it is done, and a sentence ------------------------------------------

    def pause(self) -> tuple[bool, str]:
        """Stop smoothly, and be silent until resume."""
        if self._session is None or self._parts is None:
            return False, f"the node is {self._phase()}; there is nothing to pause"
        commander, self._goes_on = self._parts.commander, False
        commander.pause("an operator paused it")
        left = commander.rest_in()
        if left > 0.0:
            return True, f"the arm is at rest in {left:.2f} s; call ~/resume when the policy may go on"
        status = commander.status()
        return True, f"{status.state.value}: {status.reason}"

    def resume(self) -> tuple[bool, str]:
        """Let the policy go on from where the arm is, and from what it sees from now on."""
        if self._refresh is None or self._parts is None:
            return False, f"the node is {self._phase()}; activate it"
        reason = self._occupied() or self._parts.commander.resume()
        if not reason:
            self._refresh(self._now())
            self._goes_on = False
        if not reason or not self._goes_on:
            self._node.get_logger().info(f"resume: {reason or 'waiting for a new observation'}")
        return not reason, reason or "waiting for a new observation"

    def home(self) -> tuple[bool, str]:
        """Bring the arm home, slowly, and be paused there; also where the node is configured but inactive."""
        parts = self._parts
        if parts is None:
            return False, f"the node is {self._phase()}; configure it"
        reason, seconds = self._occupied(), 0.0
        if not reason and self._session is None:
            reason = self._enter()
        if not reason:
            reason, seconds = parts.commander.home()
        if reason and self._refresh is None:
            self.end()
        self._node.get_logger().info(f"home: {reason or f'{seconds:.1f} s'}")
        return not reason, reason or f"on the way home, {seconds:.1f} s; ~/pause stops it"

    def _occupied(self) -> str:
        """Who else moves the arm, or why it would not hear us; or an empty text."""
        assert self._parts is not None
        if self._taken:
            return f"a human has the arm: the last on {self._takeover} was true"
        ago, topic = self._now() - self._foreign, self._config().topics.trajectory
        if ago < QUIET:
            others = listed(self._parts.diagnosis.others(topic))
            name = self._node.resolve_topic_name(topic)
            return f"a trajectory of {others} came on {name} {ago:.1f} s ago; end that, then ask again"
        return self._parts.diagnosis.unheard()

    def _enter(self) -> str:
        """Let an inactive node command the arm; why not, or an empty text."""
        assert self._parts is not None
        inputs, commander = self._parts.inputs, self._parts.commander
        inputs.wait_for_measured(self._now())
        q = inputs.joints_at(self._now())
        if q is None:
            bound, topic = self._config().watchdog.joint_state, self._config().topics.joint_states
            name = self._node.resolve_topic_name(topic)
            return f"no joint_states (topic {name}) for more than {bound} s; start the arm's driver"
        self._session = self._open()
        try:
            commander.start_paused(q, "the policy is inactive")
        except ValueError as error:
            return str(error)
        inputs.wait_for_measured(self._now())  # it forgot what it was told before
        return ""

    async def _on_stop(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        self.end()  # where the policy is not active: the way home
        response.success = self._deactivate()
        if self._parts is not None and (seconds := self._parts.commander.rest_in()) > 0.0:
            await self._after(seconds)
        self.settle()
        response.message = f"{self._phase()}; the arm is at rest" if response.success else "see the log"
        return response

    def _after(self, seconds: float) -> Future:
        done = Future(executor=self._node.executor)

        def over() -> None:
            timer.cancel()
            self._node.destroy_timer(timer)
            done.set_result(None)

        timer = self._node.create_timer(seconds, over)
        return done

    # Who else moves the arm ---------------------------------------------------------------------------------

    @property
    def _takeover(self) -> str:
        return str(self._node.resolve_topic_name(self._config().topics.takeover))

    def _on_takeover(self, message: Bool) -> None:
        """A human takes the arm or gives it back; silence changes nothing."""
        taken, before = bool(message.data), self._taken
        self._taken = taken
        if taken == before or self._session is None or self._parts is None:
            return
        commander = self._parts.commander
        if taken:
            self._goes_on = self._config().operator.resume_after_takeover and commander.by_itself
            commander.pause(f"a human has the arm ({self._takeover})", human=True)
        else:
            goes_on = ", the policy goes on when it is at rest" if self._goes_on else ""
            commander.give_back(f"the arm was given back{goes_on}")
        self._look()

    def _on_foreign(self) -> None:
        """Somebody else sent a trajectory to our controller."""
        self._foreign = self._now()
        parts = self._parts
        if parts is None or parts.commander.silent:
            return  # which is no fault then, and nobody asks the graph for every one of them
        topic = self._config().topics.trajectory
        others, name = listed(parts.diagnosis.others(topic)), self._node.resolve_topic_name(topic)
        parts.commander.fault(f"a trajectory of {others} came on {name}, not ours")


def _answer(answer: Any, success: bool, text: str) -> Any:
    answer.success, answer.message = success, text
    return answer
