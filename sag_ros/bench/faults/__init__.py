"""What has to happen after a fault, and whether it did; front doors ``outcome`` and ``picture``."""
