"""``sag train policy``: observation encoder, then DP-T on its features. Front door: :mod:`command`."""
