"""What was heard of the signals that a policy observes besides cameras, arm and hand."""

from __future__ import annotations

from sag_ros.ros.policy.inputs import JointHistory
from sag_ros.ros.policy.signals.fields import FieldReader
from sag_ros.ros.sections import Signal


class Heard:
    """What was heard of a signal of ``size`` numbers."""

    def __init__(self, config: Signal, size: int) -> None:
        self.topic = config.topic
        self.reader = FieldReader(config.type, config.fields, size, config.scale)
        self.history = JointHistory(size)
