"""``sag convert``: demonstrations of other projects. Front door: :mod:`command`."""
