"""``sag accelerate``: how to compute a policy fast at no cost of success. Front door: :mod:`command`."""
