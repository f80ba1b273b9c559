"""What the engines of the CPU share: functions that numba compiles for this machine.

Front doors: :mod:`kernels`, the work between the residual blocks, and :func:`jit.kernel`, which compiles.
"""
