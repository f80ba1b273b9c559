"""``sag bench tasks``: success, time and smoothness of methods on the same episodes.

Front door: :mod:`command`.
"""
