"""Samplers: each is a function from the schedule to a coefficient table."""

from __future__ import annotations

from sag_ros.policy.samplers.ddim import ddim_table
from sag_ros.policy.samplers.ddpm import ddpm_table
from sag_ros.policy.samplers.registry import SAMPLERS, build_table

__all__ = ["SAMPLERS", "build_table", "ddim_table", "ddpm_table"]
