"""What an engine's folder declares: everything that the registry knows of it."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from sag_ros.engines.protocol import Engine

if TYPE_CHECKING:
    from sag_ros.policy.bundle import PolicyBundle
    from sag_ros.policy.schedule import CoefficientTable


def _none_known(bundle: PolicyBundle | None, precision: str, all_tokens: bool) -> str | None:
    return None


def by_denoiser(transformer: Callable[..., Engine], unet: Callable[..., Engine]) -> Callable[..., Engine]:
    """What builds the one or the other, as the policy's denoiser is; both take the same arguments."""

    def build(bundle: PolicyBundle, table: CoefficientTable, **options: Any) -> Engine:
        return (transformer if bundle.contract.unet is None else unet)(bundle, table, **options)

    return build


@dataclass(frozen=True)
class EngineSpec:
    """An engine by name. ``engines/<name>/spec.py`` declares one as ``ENGINE``.

    Importing that file loads none of the engine's libraries; its functions do.

    Attributes:
        name: as users write it, and of the folder.
        load: imports the engine's class, which is called with a bundle, the sampler's table and options.
        packages: that it imports beside those which every installation has.
        install: how to get them.
        on_gpu: whether it computes on a GPU.
        stateful: whether it can begin at any step, trace and estimate, as samplers with a state ask.
        whole_horizon: options with which it computes all tokens of a chunk.
        beside: who executes the observation encoder and the pruner, where that is installed.
        obstacle: (bundle or None, precision, all_tokens) -> why it cannot run here; None when nothing is
            known. May raise ValueError instead. Asked where its packages are installed.
    """

    name: str
    load: Callable[[], Callable[..., Engine]]
    packages: tuple[str, ...] = ()
    install: str = ""
    on_gpu: bool = False
    stateful: bool = True
    whole_horizon: Mapping[str, Any] = field(default_factory=dict)
    beside: Literal["gpu", "native", "openvino", "reference"] = "reference"
    obstacle: Callable[[PolicyBundle | None, str, bool], str | None] = _none_known

    def missing(self) -> str | None:
        """Which of its packages are not installed and how to get them; imports none."""
        missing = [package for package in self.packages if importlib.util.find_spec(package) is None]
        return f"{' and '.join(missing)} missing ({self.install})" if missing else None
