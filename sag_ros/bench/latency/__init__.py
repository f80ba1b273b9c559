"""Statistics and picture of the way from camera to arm; ``ros/latency`` listens to the running graph."""
