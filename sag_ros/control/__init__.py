"""From an action chunk to a safe joint command; no ROS."""
