"""``sag latency``: attaches to a running graph, of whatever robot, and measures; front door ``command``."""
