"""``sag train consistency``: a student that samples in 1 to 3 steps. Front door: :mod:`command`."""
