"""``sag view``: the operator's page for a graph that runs already, in the same ROS domain."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from sag_ros.ros.sections import VIEW_NODE
from sag_ros.ros.view import node


@dataclass(frozen=True)
class View:
    """Options of the page."""

    # Address to serve on; beyond this machine only with --token-file.
    host: str = "127.0.0.1"
    # Port to serve on; 0 = any that is free.
    port: int = 8088
    # File whose first line everybody has to enter; only its owner may be able to read it.
    token_file: Path | None = None
    # Names of this machine in a browser's address line, besides its own and localhost.
    names: tuple[str, ...] = ()
    # The policy node to show.
    policy: str = "policy_node"

    def arguments(self) -> list[str]:
        """As ROS arguments of the node."""
        values = {
            "host": self.host,
            "port": self.port,
            "token_file": "" if self.token_file is None else str(self.token_file),
            "names": " ".join(self.names),
            "policy": self.policy,
        }
        found = ["--ros-args", "--enclave", f"/{VIEW_NODE}"]
        for name, value in values.items():
            found += ["-p", f"{name}:={json.dumps(value)}"]
        return found

    def run(self) -> None:
        """Serve until interrupted; exits with the node's status."""
        raise SystemExit(node.main(self.arguments()))
