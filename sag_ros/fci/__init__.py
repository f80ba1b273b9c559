"""Driver of an FR3 through libfranka, without ros2_control; no ROS.

Front door: :class:`sag_ros.fci.driver.Driver`. It starts a process that does nothing but the 1 kHz loop
(``process``, ``loop``) and talks to it through shared memory (``slot``, ``report``).
"""
