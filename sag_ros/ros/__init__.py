"""The thin ROS 2 layer: nodes, message conversion, parameters, the graph and the demo.

The only package that imports rclpy and message packages. Everything that decides anything lives below it
and can be used and tested without ROS.
"""

import os

# MuJoCo chooses its renderer when it is imported, and GLFW, its default, needs a display.
os.environ.setdefault("MUJOCO_GL", "egl")
