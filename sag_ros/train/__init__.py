"""Training: the policy (observation encoder, then DP-T on its features) and what trainers share."""

from __future__ import annotations

import os

# Read by OpenMP when torch is first imported. Threads that spin for each other make a step on a shared
# machine ten times slower (measured: 1.4 s against 10 s on two busy cores) and gain little on an idle one.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
