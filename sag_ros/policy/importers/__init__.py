"""Checkpoints of other projects: read without executing anything that is in them.

Front door: :func:`archive.read_archive`.
"""
