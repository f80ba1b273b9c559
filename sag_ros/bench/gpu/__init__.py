"""``sag gpu-check``: are the GPU engines right, and how fast are they?

Front door: :mod:`command`.
"""
