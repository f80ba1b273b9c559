"""Episodes in the terms of a policy: its state, its actions, its cameras."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from sag_ros.data.demonstrations import Episode
from sag_ros.policy.contract import Contract
from sag_ros.policy.rotations import from_matrix, to_matrix
from sag_ros.train.convert.raw import ConversionError, Frames, LeftOut, Values


class Terms:
    """Puts states and actions together.

    Args:
        contract: of the policy.
        state: keys whose numbers are its state, in its order.
        cameras: camera of the contract -> key.
        rotation: how the recorded actions give rotations; empty: as the contract says.
    """

    def __init__(
        self, contract: Contract, state: Sequence[str], cameras: Mapping[str, str], rotation: str = ""
    ) -> None:
        missing = [name for name in contract.cameras if name not in cameras]
        if missing:
            raise ConversionError(f"--cameras names no key for {', '.join(missing)}; the policy observes it")
        self._contract, self._state, self._cameras, self._rotation = contract, state, cameras, rotation
        if rotation and (contract.tcp is None or not contract.commands_poses):
            raise ConversionError("--action-rotation is for policies that command poses")

    def episode(self, raw: Frames) -> Episode:
        """Of the policy. Raises LeftOut for numbers that are not finite, ConversionError for others that do
        not fit it."""
        state, action = self._states(raw), self._actions(raw)
        for name, values in (("state", state), ("action", action)):
            if not np.isfinite(values).all():
                frame = int(np.argwhere(~np.isfinite(values))[0][0])
                raise LeftOut(f"{raw.name}: {name} of frame {frame} is not finite")
        images = {name: self._sized(name, raw.images[key]) for name, key in self._cameras.items()}
        return Episode(
            images,
            continuous(state, self._places()).astype(np.float32),
            action.astype(np.float32),
            np.zeros((len(state), 0), np.float32),
            intervention=raw.intervention,
        )

    def _states(self, raw: Frames) -> Values:
        contract = self._contract
        state = np.concatenate([raw.numbers[key] for key in self._state], axis=1)
        if state.shape[1] != contract.state_dim:
            each = ", ".join(f"{key} {raw.numbers[key].shape[1]}" for key in self._state)
            raise ConversionError(
                f"{raw.name}: the state has {state.shape[1]} numbers ({each}); the policy's has "
                f"{contract.state_dim} ({', '.join(contract.state)})"
            )
        return state

    def _actions(self, raw: Frames) -> Values:
        contract, action = self._contract, np.concatenate(list(raw.action.values()), axis=1)
        if self._rotation and contract.tcp is not None:
            turned = from_matrix(to_matrix(action[:, 3:-1], self._rotation), contract.tcp.rotation)
            action = np.concatenate([action[:, :3], turned, action[:, -1:]], axis=1)
        if action.shape[1] != contract.action_dim:
            raise ConversionError(
                f"{raw.name}: an action has {action.shape[1]} numbers; the policy's has {contract.action_dim}"
            )
        return action

    def _places(self) -> list[slice]:
        """Of quaternions in the state."""
        tcp = self._contract.tcp
        found, begin = [], 0
        for part, size in self._contract.state_parts.items():
            if part == "tcp_rotation" and tcp is not None and tcp.observed_as.startswith("quaternion"):
                found.append(slice(begin, begin + size))
            begin += size
        return found

    def _sized(self, camera: str, pictures: NDArray[np.uint8]) -> NDArray[np.uint8]:
        size = self._contract.cameras[camera]
        if pictures.shape[1:3] == (size.height, size.width):
            return pictures
        smaller = pictures.shape[1] > size.height
        kind = cv2.INTER_AREA if smaller else cv2.INTER_LINEAR
        return np.stack([cv2.resize(one, (size.width, size.height), interpolation=kind) for one in pictures])


def continuous(values: Values, places: Sequence[slice]) -> Values:
    """Quaternions whose sign does not change from frame to frame: q and -q are one rotation."""
    values = values.copy()
    for place in places:
        own = values[:, place]
        flips = np.where((own[1:] * own[:-1]).sum(axis=1) < 0.0, -1.0, 1.0)
        own[1:] *= np.cumprod(flips)[:, None]
    return values
