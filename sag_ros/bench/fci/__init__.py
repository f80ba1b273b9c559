"""What Franka's own interface says of our commands: ``sag bench fci``, front door ``command``."""
