"""``sag train streaming``: a policy whose horizon is a queue of noise levels. Front door: :mod:`command`."""
