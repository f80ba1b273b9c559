"""How every node of ours starts and ends."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Sequence
from typing import Any

import rclpy
from rclpy.executors import ExternalShutdownException
from rclpy.signals import SignalHandlerOptions

from sag_ros.realtime import lock_memory, own_threads, settle, take_priority
from sag_ros.ros.batching_executor import INTERVAL, BatchingExecutor
from sag_ros.ros.parameters import ParameterError

REFUSED = 2  # exit status for a configuration that is refused
SIGNALS = (signal.SIGINT, signal.SIGTERM)


def _interrupt(number: int, frame: object) -> None:
    for other in SIGNALS:  # an impatient second Ctrl-C must not break off the smooth stop
        signal.signal(other, signal.SIG_IGN)
    raise KeyboardInterrupt


def _make_punctual(node: Any) -> None:
    """As its ``punctuality`` asks: priority, and whether to lock memory. What is refused is only said."""
    priority, lock = getattr(node, "punctuality", (0, False))
    remarks = (take_priority(priority, own_threads()), lock_memory(on_use=True) if lock else "")
    for remark in filter(None, remarks):
        node.get_logger().warning(remark)


def run(
    create: Callable[[], Any],
    arguments: Sequence[str] | None = None,
    interval: float = INTERVAL,
    patience: float = 0.1,
) -> int:
    """Create a node, spin it in this thread until a signal, and close it.

    One thread for all callbacks: they only store messages, and this measured best. The node may set
    ``failed`` to a message; it then ends with exit status 1.

    Args:
        create: makes the node.
        arguments: of ROS.
        interval: s between two looks of the executor.
        patience: s for which it waits when nothing is ready; a signal is seen after that.

    Returns:
        Exit status: 0 after SIGINT, SIGTERM or a shutdown, 1 when the node failed, 2 for refused parameters.
    """
    # The interpreter hands its lock over this often; the default of 5 ms would be the latency of every
    # callback while another thread computes.
    sys.setswitchinterval(5e-4)
    # rclpy's own handlers would shut the context down first, and no stop could be published any more.
    rclpy.init(args=arguments, signal_handler_options=SignalHandlerOptions.NO)
    for number in SIGNALS:
        signal.signal(number, _interrupt)
    node = None
    try:
        node = create()
        _make_punctual(node)
        executor = BatchingExecutor(interval)
        executor.add_node(node)
        settle()
        while rclpy.ok() and not getattr(node, "failed", ""):
            executor.spin_once(timeout_sec=patience)
        if getattr(node, "failed", ""):
            print(f"{node.get_name()}: {node.failed}", file=sys.stderr)
            return 1
        return 0
    except (KeyboardInterrupt, ExternalShutdownException):
        return 0
    except ParameterError as error:
        print(f"refused: {error}", file=sys.stderr)
        return REFUSED
    finally:
        for number in SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        if node is not None:
            node.close()
        rclpy.try_shutdown()
