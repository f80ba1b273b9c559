"""Measurements: a folder for each ``sag bench`` command; what they share is in ``run``.

A folder's front door is its ``command``.
"""
