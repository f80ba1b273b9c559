"""``sag bench faults``: one fault after another on the running graph. Front door: ``command``."""
