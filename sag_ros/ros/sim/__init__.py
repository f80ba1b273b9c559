"""The simulated robot as a node: the topics of franka_ros2 and of its cameras.

Front door: :class:`node.SimNode`.
"""
