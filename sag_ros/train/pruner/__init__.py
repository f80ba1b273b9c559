"""``sag train pruner``: searched schedules taught to the pruner, then straight-through training.

Front door: :mod:`command`.
"""
