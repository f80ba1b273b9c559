"""Parameters of the nodes that only look on, and their names. No ROS import."""

from __future__ import annotations

from sag_ros.ros.sections import Section, param

VIEW_NODE = "view_node"
# Their subscriptions of a command do not mean that anybody executes it.
ONLOOKERS = frozenset({VIEW_NODE, "recorder_node", "latency_listener"})


class ViewNode(Section):
    """Parameters of ``view_node``. Topics, cameras, deadline and policies it asks ``policy`` for."""

    host: str = param(
        "127.0.0.1", "address to serve on; beyond this machine only with token_file", min_length=1
    )
    port: int = param(8088, "to serve on; 0 = any that is free", ge=0, le=65535)
    token_file: str = param(
        "", "file whose first line everybody has to enter; empty = nothing asked, on this machine alone"
    )
    names: str = param(
        "", "of this machine in a browser's address line, besides its own and localhost; with spaces between"
    )
    rate: float = param(10.0, "pictures and values", "Hz", ge=1, le=10)
    width: int = param(320, "of camera pictures, at most", "px", ge=64, le=1280)
    quality: int = param(75, "of camera pictures as JPEG", ge=20, le=95)
    policy: str = param("policy_node", "node that is shown and whose services the buttons call", min_length=1)
    simulator: str = param("sim_node", "node that resets episodes, where there is one", min_length=1)
    recorder: str = param("recorder_node", "node that saves what happened, where there is one", min_length=1)
