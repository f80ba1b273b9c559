"""``sag record graph``: demonstrations of a robot that somebody moves. Front door: :mod:`command`."""
