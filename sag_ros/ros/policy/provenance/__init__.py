"""What a chunk was computed from, so that it can be computed again. Front door: :mod:`detail`."""
