"""What the buttons of the page do: each is a service of the graph, or a few of them in a row.

All of this runs in the thread of the node's executor, and every step is a callback: nothing waits.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any

from lifecycle_msgs.msg import State, Transition
from lifecycle_msgs.srv import ChangeState, GetState
from rcl_interfaces.srv import SetParametersAtomically
from rclpy.node import Node
from rclpy.parameter import Parameter
from std_srvs.srv import Trigger

from sag_ros.ros.sections import ViewNode

PATIENCE = 20.0  # s for one answer
LOADING = 180.0  # s for a policy to be loaded, compiled and checked
ACTIVATION = 15.0  # s for which a refusal to activate is tried again: the arm has to come to rest
_AGAIN = 0.3  # s between two tries
Answer = tuple[bool, str]
# What a button's steps yield: a call, its request and how long its answer may take, s; or s to wait.
Step = tuple[Any, Any, float] | float


@dataclass(frozen=True)
class Button:
    """One button: the service that it needs, and of whom."""

    service: str
    owner: str


class Buttons:
    """Calls services for the page.

    Args:
        node: that calls.
        config: names of the nodes that are called.
        now: monotonic s.
    """

    def __init__(self, node: Node, config: ViewNode, now: Callable[[], float] = time.monotonic) -> None:
        self._node, self._now = node, now
        policy, simulator, recorder = config.policy, config.simulator, config.recorder
        self.table = {
            **{name: Button(f"{policy}/{name}", policy) for name in ("pause", "resume", "stop", "home")},
            **{name: Button(f"{policy}/{name}", policy) for name in ("load", "swap")},
            **{name: Button(f"{recorder}/{name}", recorder) for name in ("success", "failure", "save")},
            "next": Button(f"{simulator}/reset", simulator),
            "start": Button(f"{policy}/change_state", policy),
        }
        create = node.create_client
        self._change = create(ChangeState, self.table["start"].service)
        self._clients = {
            name: self._change if name == "start" else create(Trigger, one.service)
            for name, one in self.table.items()
        }
        self._set = create(SetParametersAtomically, f"{policy}/set_parameters_atomically")
        self._state = create(GetState, f"{policy}/get_state")
        self._running: list[_Run] = []

    def available(self) -> dict[str, str]:
        """Button -> why it cannot be pressed now, or an empty text."""
        present = self._node.get_node_names()
        return {
            name: "" if client.service_is_ready() else self._absence(self.table[name], present)
            for name, client in self._clients.items()
        }

    def _absence(self, button: Button, nodes: list[str]) -> str:
        present = button.owner in nodes
        who = f"{button.owner} does not offer it" if present else f"{button.owner} is not running"
        return f"no service {button.service}: {who}"

    def press(self, name: str, choice: str, answer: Callable[[bool, str], object]) -> None:
        """Do what a button says.

        Args:
            name: of the button.
            choice: name of the policy to load.
            answer: called once with what came of it.
        """
        if name not in self.table:
            answer(False, f"there is no button {name[:40]!r}; there are {', '.join(self.table)}")
            return
        reason = self.available()[name]
        if reason:
            answer(False, reason)
            return
        steps = {"load": lambda: self._load(choice), "next": self._next, "start": self._start}
        run = _Run(steps.get(name, lambda: self._trigger(name))(), answer, self._now)
        self._running.append(run)
        run.go(None)

    def look(self) -> None:
        """Go on with what waits, give up what is never answered. Call it a few times a second."""
        for run in self._running:
            run.look()
        self._running = [run for run in self._running if not run.over]

    @property
    def busy(self) -> bool:
        """Whether an answer is awaited."""
        return bool(self._running)

    # What they do: generators that yield calls and get answers ---------------------------------------------

    def _trigger(self, name: str) -> Generator[Step, Any, Answer]:
        found = yield self._clients[name], Trigger.Request(), PATIENCE
        return found.success, found.message

    def _load(self, choice: str) -> Generator[Step, Any, Answer]:
        if choice:
            values = {"next.policy": choice, "next.bundle": "", "next.sampler": "", "next.mask_source": ""}
            wanted = [Parameter(name, value=value).to_parameter_msg() for name, value in values.items()]
            found = yield self._set, SetParametersAtomically.Request(parameters=wanted), PATIENCE
            if not found.result.successful:
                return False, found.result.reason
        return (yield from self._trigger("load"))

    def _next(self) -> Generator[Step, Any, Answer]:
        """The policy is switched off while the simulator begins anew, and on again if it was on."""
        found = yield self._state, GetState.Request(), PATIENCE
        active = found.current_state.id == State.PRIMARY_STATE_ACTIVE
        if active and not (yield from self._transition(Transition.TRANSITION_DEACTIVATE)):
            return False, "the policy could not be switched off"
        success, text = yield from self._trigger("next")
        if not success:
            return False, text
        text = _episode(text)
        if not active:
            return True, text
        if not (yield from self._activate()):
            return False, f"{text}; the policy could not be switched on again, see its message"
        return True, f"{text}; the policy is on"

    def _start(self) -> Generator[Step, Any, Answer]:
        """The policy is loaded if it was not, and switched on."""
        found = yield self._state, GetState.Request(), PATIENCE
        state = found.current_state.id
        if state == State.PRIMARY_STATE_ACTIVE:
            return True, "the policy is on already"
        if state == State.PRIMARY_STATE_UNCONFIGURED and not (
            yield from self._transition(Transition.TRANSITION_CONFIGURE, LOADING)
        ):
            return False, "the policy could not be loaded, see its message"
        if not (yield from self._activate()):
            return False, "the policy could not be switched on, see its message"
        return True, "the policy is on"

    def _activate(self) -> Generator[Step, Any, bool]:
        deadline = self._now() + ACTIVATION
        while not (yield from self._transition(Transition.TRANSITION_ACTIVATE)):
            if self._now() > deadline:
                return False
            yield _AGAIN
        return True

    def _transition(self, number: int, patience: float = PATIENCE) -> Generator[Step, Any, bool]:
        found = yield self._change, ChangeState.Request(transition=Transition(id=number)), patience
        return found.success


def _episode(text: str) -> str:
    """A simulator's answer for a person."""
    try:
        told = json.loads(text)
        return f"episode {told['episode']}, seed {told['seed']}"
    except (ValueError, KeyError, TypeError):
        return text


class _Run:
    """Steps of one press."""

    def __init__(
        self,
        steps: Generator[Step, Any, Answer],
        answer: Callable[[bool, str], object],
        now: Callable[[], float],
    ) -> None:
        self._steps, self._answer, self._now = steps, answer, now
        self._since, self._wait, self._called, self._patience = now(), 0.0, "", PATIENCE
        self._number = 0  # of the step, so that an answer that comes after all is not taken for another
        self.over = False

    def go(self, value: Any) -> None:
        """The step that was waited for has ``value``."""
        if self.over:
            return
        self._number += 1
        try:
            step = self._steps.send(value)
        except StopIteration as end:
            self._end(*end.value)
            return
        self._since = self._now()
        if isinstance(step, float):
            self._wait, self._called = step, ""
            return
        client, request, self._patience = step
        self._called = client.srv_name
        number = self._number
        client.call_async(request).add_done_callback(lambda future: self._on_answer(number, future))

    def _on_answer(self, number: int, future: Any) -> None:
        if number != self._number or self.over:
            return
        try:
            found = future.result()
        except Exception as error:  # of rclpy: the service's side failed
            self._end(False, f"{self._called}: {error}")
            return
        self.go(found)

    def look(self) -> None:
        """See :meth:`Buttons.look`."""
        waited = self._now() - self._since
        if not self.over and not self._called and waited >= self._wait:
            self.go(None)
        elif not self.over and waited > self._patience:
            self._end(False, f"{self._called} did not answer within {self._patience:.0f} s")

    def _end(self, success: bool, text: str) -> None:
        self.over = True
        self._steps.close()
        self._answer(success, text)
