"""Measurements: success and speed on a task, statistics, the machine they were made on, pre-flight checks."""
