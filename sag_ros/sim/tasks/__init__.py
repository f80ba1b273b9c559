"""Tasks of the simulated robot, one file each: what is random, what is measured, when it has succeeded.

Front door: :func:`registry.make_task`.
"""
