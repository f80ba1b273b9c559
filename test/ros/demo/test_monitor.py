from __future__ import annotations

from types import SimpleNamespace

import pytest
from lifecycle_msgs.msg import State
from rclpy.task import Future

from sag_ros.ros.demo.monitor import GraphTimeout, Monitor


class Client:
    """Stands in for a service client; ``answers`` are taken in turns, None is an answer that got lost."""

    def __init__(self, answers):
        self._answers = list(answers)
        self.calls = 0

    def service_is_ready(self):
        return True

    def call_async(self, request):
        self.calls += 1
        future, answer = Future(), self._answers[min(self.calls, len(self._answers)) - 1]
        if answer is not None:
            future.set_result(answer)
        return future


def states(*numbers):
    return Client(SimpleNamespace(current_state=SimpleNamespace(id=number)) for number in numbers)


@pytest.fixture
def monitor(domain, monkeypatch):
    monitor = Monitor()
    wait = monitor.wait
    # As if the time had passed: what was waited for has not come.
    monkeypatch.setattr(monitor, "wait", lambda done, seconds, what="": wait(done, 0.0, what))
    yield monitor
    monitor.close()


def test_an_answer_that_got_lost_after_a_success(monitor):
    monitor._change = Client([None])
    monitor._state = states(State.TRANSITION_STATE_CONFIGURING, State.PRIMARY_STATE_INACTIVE)
    monitor.transition("configure", 60.0)
    assert monitor._change.calls == 1


REFUSED = SimpleNamespace(success=False)


def test_an_answer_that_got_lost_after_a_refusal(monitor, monkeypatch):
    monitor._change, monitor._state = Client([None]), states(State.PRIMARY_STATE_UNCONFIGURED)
    ask = monitor.ask

    def refused(name):
        monitor.message = "cannot configure: no bundle"
        return ask(name)

    monkeypatch.setattr(monitor, "ask", refused)
    with pytest.raises(GraphTimeout, match="refused to configure: cannot configure: no bundle"):
        monitor.transition("configure", 60.0)
    assert monitor._change.calls == 1


def test_a_refusal_that_says_no_reason(monitor):
    monitor._change, monitor._state = Client([REFUSED]), states(State.PRIMARY_STATE_UNCONFIGURED)
    with pytest.raises(GraphTimeout, match="refused to configure: see its log"):
        monitor.transition("configure", 60.0)


def test_a_request_that_got_lost_is_made_again(monitor):
    monitor.message = "unconfigured"
    monitor._change = Client([None, None, SimpleNamespace(success=True)])
    monitor._state = states(
        State.PRIMARY_STATE_UNCONFIGURED, State.PRIMARY_STATE_UNCONFIGURED, State.PRIMARY_STATE_INACTIVE
    )
    monitor.transition("configure", 60.0)
    assert monitor._change.calls == 3


def test_a_request_that_was_only_late_and_is_refused_the_second_time(monitor):
    monitor._change = Client([None, REFUSED])
    monitor._state = states(
        State.PRIMARY_STATE_UNCONFIGURED, State.TRANSITION_STATE_CONFIGURING, State.PRIMARY_STATE_INACTIVE
    )
    monitor.transition("configure", 60.0)


def test_requests_that_get_lost_for_ever(monitor):
    monitor._change, monitor._state = Client([None]), states(State.PRIMARY_STATE_UNCONFIGURED)
    with pytest.raises(GraphTimeout, match="configure policy_node: nothing within 0 s"):
        monitor.transition("configure", 0.0)


def test_a_transition_that_never_ends(monitor):
    monitor._change, monitor._state = Client([None]), states(State.TRANSITION_STATE_CONFIGURING)
    with pytest.raises(GraphTimeout, match="configure policy_node: nothing within 0 s"):
        monitor.transition("configure", 0.0)


def test_a_node_that_never_answers(monitor):
    monitor._state = Client([None])
    with pytest.raises(GraphTimeout, match="state of policy_node: nothing within 0 s"):
        monitor.state(0.0)
