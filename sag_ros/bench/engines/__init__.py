"""``sag bench engines``: milliseconds per chunk of every engine, dense and sparse, beside the floor.

Front door: :mod:`command`.
"""
