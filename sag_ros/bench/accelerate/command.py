"""``sag accelerate``: a policy that nobody tuned becomes fast, with a page that says what that costs."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sag_ros.bench.accelerate.options import AccelerationOptions


@dataclass(frozen=True)
class Acceleration(AccelerationOptions):
    """Find the fastest way of computing a policy that costs no success; run again to continue.

    Measures all blocks, DDIM with fewer steps and hand-made schedules, searches schedules of several
    densities, teaches a pruner to choose by the observation, compares all of them on held-out demonstrations
    and, where there is a task, in simulation. Schedules are kept in the bundle; a page says what to take.
    """

    def run(self) -> dict[str, Any]:
        """Everything that is not done yet; returns the content of the JSON file.

        Raises:
            BundleError, StoreError, ValueError: unusable input, with what to do.
        """
        os.environ.setdefault("OMP_NUM_THREADS", "1")
        os.environ.setdefault("MUJOCO_GL", "egl")
        from sag_ros.bench.accelerate.page import write_page
        from sag_ros.bench.accelerate.stages import Stages
        from sag_ros.bench.run.progress import console
        from sag_ros.paths import model_folder

        folder = model_folder(self.bundle)
        out = self.out or Path("out/accelerate") / folder.name
        content = Stages(self, folder, out, lambda text: console.print(text, highlight=False)).run()
        out.mkdir(parents=True, exist_ok=True)
        result = out / "accelerate.json"
        result.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
        for path in (result, *write_page(content, out)):
            console.print(f"{path}", highlight=False)
        console.print(content["recommendation"]["text"], highlight=False)
        return content
