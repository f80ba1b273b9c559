"""What the engines of the CPU share: functions that numba compiles for this machine.

Front door: :mod:`kernels`, the work between the residual blocks.
"""
