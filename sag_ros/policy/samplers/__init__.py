"""Samplers: coefficient tables that every engine executes, and what some keep from chunk to chunk.

Front doors: :func:`build_sampler`, :func:`table_for`. A new sampler is a file here that declares ``SAMPLER``.
"""

from __future__ import annotations

from sag_ros.policy.samplers.consistency import consistency_table
from sag_ros.policy.samplers.ddim import ddim_table
from sag_ros.policy.samplers.ddpm import ddpm_table
from sag_ros.policy.samplers.falcon import FalconSampler, FalconSettings
from sag_ros.policy.samplers.protocol import Sampler, Start, TableSampler
from sag_ros.policy.samplers.registry import (
    SAMPLERS,
    TABLES,
    build_sampler,
    build_table,
    require_training,
    samplers_for,
    table_for,
)
from sag_ros.policy.samplers.streaming import Segments, StreamingSampler

__all__ = [
    "SAMPLERS",
    "TABLES",
    "FalconSampler",
    "FalconSettings",
    "Sampler",
    "Segments",
    "Start",
    "StreamingSampler",
    "TableSampler",
    "build_sampler",
    "build_table",
    "consistency_table",
    "ddim_table",
    "ddpm_table",
    "require_training",
    "samplers_for",
    "table_for",
]
