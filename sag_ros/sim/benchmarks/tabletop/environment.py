"""robosuite's environments: made with absolute poses as actions, and reset by a seed alone."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np


def make_environment(kind: str, arms: int) -> Any:
    """The robosuite environment ``kind`` with ``arms`` Pandas at 20 Hz, without cameras.

    An action is, for each arm, the position (m) and the rotation vector (rad) of its grip site in the world,
    and the gripper, -1 open to 1 closed.

    Raises:
        ImportError: robosuite is missing.
    """
    logging.disable(logging.WARNING)  # it recommends to set up what is not needed here
    try:
        import robosuite
        from robosuite.controllers import load_composite_controller_config
    finally:
        logging.disable(logging.NOTSET)
    logging.getLogger("robosuite_logs").setLevel(logging.ERROR)
    control = load_composite_controller_config(controller="BASIC", robot="Panda")
    control["body_parts"]["right"].update(input_type="absolute", input_ref_frame="world")
    with _global_seed(0):
        return robosuite.make(
            kind,
            robots=["Panda"] * arms,
            controller_configs=control,
            has_renderer=False,
            has_offscreen_renderer=False,
            use_camera_obs=False,
            use_object_obs=True,
            control_freq=20,
            ignore_done=True,
            # To compile the scene anew takes seconds; sizes of objects, which are drawn then, stay the first.
            hard_reset=False,
        )


def reset(environment: Any, seed: int) -> None:
    """Begin the episode that ``seed`` decides.

    Samplers of places and initial postures draw from generators that each keeps for itself.
    """
    generator = np.random.default_rng(seed)
    environment.rng = generator
    samplers = getattr(environment, "placement_initializer", None)
    if samplers is not None:
        for sampler in (samplers, *getattr(samplers, "samplers", {}).values()):
            sampler.rng = generator
    for robot in environment.robots:
        robot.rng = generator
    with _global_seed(seed):
        environment.reset()


@contextmanager
def _global_seed(seed: int) -> Iterator[None]:
    """Much of robosuite draws from numpy's global generator: seeded meanwhile, and then as it was."""
    state = np.random.get_state()  # noqa: NPY002
    np.random.seed(seed)  # noqa: NPY002
    try:
        yield
    finally:
        np.random.set_state(state)  # noqa: NPY002
