"""Scripted experts, one file each: they know the scene and plan demonstrations on a clock.

Front door: :func:`registry.make_expert`.
"""
