"""Engines with a fault each, sections that end badly, and clocks, for ``sag gpu-check``."""

from __future__ import annotations

import copy
import os
import time
from dataclasses import replace

import torch

from sag_ros.engines.registry import build_engine


class Ticking:
    """A clock that is moved by hand."""

    def __init__(self):
        self.time = 0.0

    def __call__(self):
        return self.time


def wrong_block(name, bundle, table, **options):
    """One matrix of layer 1 is off by a hundredth."""
    dpt = copy.deepcopy(bundle.dpt)
    with torch.no_grad():
        dpt.decoder.layers[1].linear2.weight.mul_(1.01)
    return build_engine(name, replace(bundle, denoiser=dpt), table, **options)


def restless(name, bundle, table, **options):
    """No two chunks are the same, by less than any tolerance."""
    engine = build_engine(name, bundle, table, **options)
    denoise, calls = engine.denoise, []

    def changed(*arguments):
        calls.append(1)
        return denoise(*arguments) * (1 + 1e-6 * len(calls))

    engine.denoise = changed
    return engine


def raises(name, bundle, table, **options):
    """Engine ``broken`` can be built but not used; others are as they are."""
    if name != "broken":
        return build_engine(name, bundle, table, **options)
    engine = build_engine("cuda_graph", bundle, table, **options)

    def denoise(*arguments):
        raise RuntimeError("an illegal memory access was encountered")

    engine.denoise = denoise
    return engine


def cannot_be_built(name, bundle, table, **options):
    """As an engine whose compiler crashes."""
    raise RuntimeError("ptxas died")


def fine(context, *engines):
    """A section that does its work."""
    context.emit("times", {"what": "fine", "left": context.left()})


def hang(context, *engines):
    """A section that tells something and then does not end."""
    context.emit("times", {"what": "before"})
    time.sleep(60)


def die(context, *engines):
    """A section that takes its process down behind its first row."""
    context.emit("times", {"what": "before"})
    os.abort()


def interrupt(context, *engines):
    """Ctrl-C."""
    raise KeyboardInterrupt
