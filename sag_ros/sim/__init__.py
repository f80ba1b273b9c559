"""Simulated arms in MuJoCo: robot, cameras, tasks, scripted experts. No ROS."""
