"""A simulated FR3 in MuJoCo: robot, cameras, tasks, scripted experts. No ROS."""
