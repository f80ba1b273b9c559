"""The driver of an FR3 without ros2_control: ``fci_node``; front door ``node``."""
