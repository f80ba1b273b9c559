"""Triton device functions, and the tile sizes they are compiled for. Front door: :mod:`blocks`."""
