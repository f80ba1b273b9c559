"""``sag replay``: what was recorded, computed again: chunks, commands, what another policy would have done.

Front door: :mod:`command`. Needs the ROS messages' Python types, and no running graph.
"""
