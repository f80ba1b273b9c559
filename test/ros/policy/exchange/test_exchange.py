"""From one policy to another, and back."""

from __future__ import annotations

import copy
from types import SimpleNamespace
from typing import Any

import pytest

from sag_ros.ros.choices import Next
from sag_ros.ros.policy.exchange.exchange import PROBATION, Exchange
from sag_ros.ros.schema import PolicyNode


class Node:
    """Keeps services and what is said."""

    def __init__(self) -> None:
        self.services: dict[str, Any] = {}
        self.said: list[str] = []
        self.published: list[Any] = []

    def get_name(self) -> str:
        return "policy_node"

    def create_publisher(self, kind: Any, topic: str, profile: Any) -> Any:
        assert topic == "~/policy"
        return SimpleNamespace(publish=lambda message: self.published.append(copy.deepcopy(message)))

    def create_service(self, kind: Any, name: str, callback: Any) -> None:
        self.services[name] = callback

    def get_logger(self) -> Any:
        return SimpleNamespace(info=self.said.append)

    def call(self, name: str) -> tuple[bool, str]:
        answer = self.services[name](None, SimpleNamespace())
        return answer.success, answer.message


class Owner:
    def __init__(self) -> None:
        self.time, self.config = 0.0, PolicyNode()
        self.running = SimpleNamespace(name="old", observed="camera front")

    def policy(self) -> Any:
        return self.running

    def configuration(self) -> PolicyNode:
        return self.config

    def become(self, policy: Any) -> Any:
        self.running = policy
        return policy

    def now(self) -> float:
        return self.time


class Successor:
    """One that is told what to be."""

    made: Successor

    def __init__(self, config: PolicyNode, slowest: float, say: Any, observed: str) -> None:
        self.config, self.slowest, self.stopped = config, slowest, False
        assert observed == "camera front"
        self.ready: Any = None
        self.refused = ""
        Successor.made = self

    @property
    def text(self) -> str:
        return self.refused or ("ready" if self.ready else "being prepared")

    def start(self) -> None:
        pass

    def stop(self) -> None:
        self.stopped = True


@pytest.fixture
def exchange() -> tuple[Exchange, Owner, Node]:
    owner, node = Owner(), Node()
    made = Exchange(node, owner.policy, owner.configuration, owner.become, owner.now, Successor)
    return made, owner, node


def swap(exchange: Exchange, owner: Owner, node: Node) -> Any:
    assert node.call("~/load")[0]
    Successor.made.ready = new = SimpleNamespace(name="new")
    success, text = node.call("~/swap")
    assert success
    assert text == "new from the next chunk on, instead of old"
    assert owner.running is new
    return new


def chunk(refused: int = 0) -> Any:
    return SimpleNamespace(refused=refused)


def test_what_is_named_is_prepared_and_then_taken(exchange) -> None:
    exchange, owner, node = exchange
    assert node.call("~/swap") == (False, exchange.swap()[1])
    assert "~/load" in exchange.swap()[1]
    owner.config = PolicyNode(next=Next(mask_source="dense"))
    assert node.call("~/load") == (True, "being prepared")
    assert Successor.made.config.mask_source == "dense"
    assert Successor.made.config.bundle == owner.config.bundle
    assert Successor.made.slowest == pytest.approx(125.0)
    assert node.call("~/load") == (False, "being prepared; wait for it")
    assert node.call("~/swap") == (False, "being prepared")
    Successor.made.refused = "no such mask source"
    assert node.call("~/swap") == (False, "no such mask source")
    swap(exchange, owner, node)
    assert exchange.text == "old is at hand: ~/swap goes back to it"


def test_nothing_is_configured(exchange) -> None:
    exchange, owner, node = exchange
    owner.running = None
    assert not node.call("~/load")[0]
    assert not node.call("~/swap")[0]


def test_one_that_raises_is_replaced_by_the_one_before(exchange) -> None:
    exchange, owner, node = exchange
    old = owner.running
    new = swap(exchange, owner, node)
    exchange.after(old, None, "ValueError: its last")  # of the former one
    assert owner.running is new
    exchange.after(new, None, "ValueError: wrong")
    assert owner.running is old
    assert exchange.text == "swapped back: ValueError: wrong"
    assert "back to old" in node.said[-1]
    exchange.after(old, None, "ValueError: again")  # there is nothing to go back to
    assert owner.running is old


def test_one_whose_chunks_are_refused_is_replaced(exchange) -> None:
    exchange, owner, node = exchange
    old = owner.running
    new = swap(exchange, owner, node)
    for refused in (1, 1, 0, 1, 1):
        exchange.after(new, chunk(refused), "")
    assert owner.running is new
    exchange.after(new, chunk(1), "")
    assert owner.running is old


def test_after_a_while_it_stays(exchange) -> None:
    exchange, owner, node = exchange
    new = swap(exchange, owner, node)
    owner.time = PROBATION + 0.1
    for _ in range(5):
        exchange.after(new, None, "RuntimeError: later")
    assert owner.running is new
    assert node.call("~/swap") == (True, "old from the next chunk on, instead of new")
    assert node.call("~/swap") == (True, "new from the next chunk on, instead of old")


def test_closing_gives_up(exchange) -> None:
    exchange, _, node = exchange
    node.call("~/load")
    exchange.close()
    assert Successor.made.stopped
    assert exchange.text == ""


def test_what_runs_is_announced_when_it_changes(exchange) -> None:
    exchange, owner, node = exchange
    own = {"bundle": "models/pick_release", "mask_source": "dense"}
    owner.config = PolicyNode(policies={"careful": own}, policy="careful")
    owner.running = None
    exchange.tell()
    owner.running = SimpleNamespace(name="old", observed="camera front", facts={"engine": "native-f32"})
    assert exchange.tell() == exchange.tell() == ""
    node.call("~/load")
    assert exchange.tell() == "being prepared"
    first, second, third = node.published
    assert first.message == "not configured: careful: models/pick_release ddpm+dense"
    assert second.message == "careful: models/pick_release ddpm+dense"
    values = {value.key: value.value for value in third.values}
    assert values["policies.careful"] == "models/pick_release ddpm+dense"
    assert (values["engine"], values["next"]) == ("native-f32", "being prepared")
