"""``sag record graph``: demonstrations from a running graph, by teleoperation or hand guiding."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import rclpy
from rclpy.executors import ExternalShutdownException
from rclpy.signals import SignalHandlerOptions

from sag_ros.bench.run.interrupt import interruptible
from sag_ros.paths import config_file, model_folder
from sag_ros.policy.contract_file import CONTRACT_FILE, read_contract
from sag_ros.ros.parameters import load_file
from sag_ros.ros.policy.fitting import Refused, check_contract
from sag_ros.ros.record.node import Actions, Recorder


@dataclass(frozen=True)
class GraphRecording:
    """Record demonstrations from a running graph while somebody moves the arm; run again to add more.

    ``ros2 service call /recorder/begin std_srvs/srv/Trigger`` begins an episode, ``/recorder/keep`` writes
    it, ``/recorder/discard`` forgets it. No policy may be active.
    """

    output: Path
    """zarr folder; an existing one is continued"""
    bundle: str = "models/pick_release"
    """policy whose joints, cameras and rate are recorded: a folder, or its name in models/"""
    params: Path | None = None
    """the graph's parameter file; config/pick_release.yaml by default"""
    actions: Actions = "commanded"
    """what the controller was told to follow (topics.desired_states), or measured: where the arm was, for
    hand guiding"""
    task: str = "recorded"
    """name, for the store"""

    def run(self) -> int:
        """Record until Ctrl-C; returns 0.

        Raises:
            BundleError, ParameterError, StoreError, ValueError: unusable input, with what to do.
        """
        config = load_file(self.params or config_file("pick_release.yaml"), "policy_node", {})
        contract = read_contract(model_folder(self.bundle) / CONTRACT_FILE)
        try:
            check_contract(contract, config)
        except Refused as error:
            raise ValueError(str(error)) from None
        rclpy.init(args=[], signal_handler_options=SignalHandlerOptions.NO)
        node = Recorder(config, contract, self.output, self.actions, self.task)
        count = f"{self.output}: {node.episodes} episodes"
        print(f"{count}; call /recorder/begin, then /recorder/keep", flush=True)
        try:
            with interruptible():
                rclpy.spin(node)
        except (KeyboardInterrupt, ExternalShutdownException):
            pass
        finally:
            node.close()
            rclpy.try_shutdown()
        return 0
