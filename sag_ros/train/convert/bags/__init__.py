"""ROS bags as demonstrations: each topic at its own stamps. Front door: :class:`source.BagSource`."""
