"""Real-time diffusion-policy control for ROS 2 with Sparse ActionGen."""
