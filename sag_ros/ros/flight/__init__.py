"""``recorder_node``: the last seconds of all that the policy saw, decided and commanded, for a file.

Its parts without ROS are in :mod:`sag_ros.flight`. Front door: :mod:`node`.
"""
