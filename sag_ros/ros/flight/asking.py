"""The parameters of another node, asked for over ROS until it answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rcl_interfaces.srv import GetParameters, ListParameters
from rclpy.node import Node
from rclpy.parameter import parameter_value_to_python

_PATIENCE = 20  # looks until it is asked again


class Asking:
    """Asks for all parameters of a node; call :meth:`look` now and then.

    Args:
        node: that asks.
        name: of the other one.
        done: called with dotted names and values.
    """

    def __init__(self, node: Node, name: str, done: Callable[[dict[str, Any]], None]) -> None:
        self._done = done
        self._list = node.create_client(ListParameters, f"{name}/list_parameters")
        self._get = node.create_client(GetParameters, f"{name}/get_parameters")
        self._waited, self._wanted = 0, True

    def again(self) -> None:
        """They may have changed."""
        self._wanted, self._waited = True, 0

    def look(self) -> None:
        """Ask, if that is to be done and the node is there."""
        if not self._wanted or not self._list.service_is_ready() or not self._get.service_is_ready():
            return
        if self._waited == 0:
            self._list.call_async(ListParameters.Request()).add_done_callback(self._on_names)
        self._waited = (self._waited + 1) % _PATIENCE

    def _on_names(self, future: Any) -> None:
        names = list(future.result().result.names)
        request = GetParameters.Request(names=names)
        self._get.call_async(request).add_done_callback(lambda answer: self._on_values(names, answer))

    def _on_values(self, names: list[str], future: Any) -> None:
        values = [parameter_value_to_python(value) for value in future.result().values]
        if len(values) != len(names):  # one went meanwhile
            return
        self._wanted = False
        self._done(dict(zip(names, values, strict=True)))
