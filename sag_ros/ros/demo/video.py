"""Videos of episodes, rendered after the run: the scene, and beside it the mask that was executed."""

from __future__ import annotations

import os
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from sag_ros.ros.demo.run_record import Episode, percentiles
from sag_ros.ros.sim.episode_log import RecordedEpisode
from sag_ros.sim.robot import SimulatedRobot

HEIGHT, SCENE_WIDTH, PANEL_WIDTH = 540, 720, 240
PAPER, INK, FAINT = (250, 246, 243), (51, 39, 29), (163, 148, 136)  # BGR
COMPUTED, PRUNED, GOOD = (222, 111, 47), (236, 230, 225), (111, 157, 42)
HOLD = 1.0  # s the last frame stays


def _text(image: NDArray, text: str, x: int, y: int, size: float = 0.5, colour=INK, weight: int = 1) -> None:
    cv2.putText(image, text, (x, y), cv2.FONT_HERSHEY_DUPLEX, size, colour, weight, cv2.LINE_AA)


def mask_picture(pruned: NDArray[np.bool_], height: int, width: int) -> NDArray[np.uint8]:
    """(height, width, 3) BGR picture of a (K, 3L) mask: steps top down; columns SA, CA, FFN of all layers."""
    steps, blocks = pruned.shape
    columns = np.arange(blocks).reshape(-1, 3).T.reshape(-1)
    computed = ~pruned[:, columns]
    rows = np.arange(height) * steps // height
    picture = np.where(computed[rows][:, np.arange(width) * blocks // width, None], COMPUTED, PRUNED)
    for border in (width // 3, 2 * width // 3):
        picture[:, border - 1 : border + 1] = PAPER
    return picture.astype(np.uint8)


def panel(episode: Episode, stamp: float) -> NDArray[np.uint8]:
    """(HEIGHT, PANEL_WIDTH, 3) BGR: what the policy did at ``stamp``, s of ROS time."""
    image = np.full((HEIGHT, PANEL_WIDTH, 3), PAPER, np.uint8)
    past = [chunk for chunk in episode.executed if chunk.publish_stamp <= stamp]
    begin = episode.executed[0].publish_stamp if episode.executed else stamp
    _text(image, f"Episode {episode.number}", 20, 38, 0.75)
    _text(image, f"{max(stamp - begin, 0.0):5.1f} s", 150, 38, 0.55, FAINT)
    recent = [chunk for chunk in past if chunk.publish_stamp > stamp - 1.0]
    latency = percentiles([chunk.latency_ms for chunk in recent])["p50"]
    _text(image, f"{len(recent)} chunks / s", 20, 68)
    _text(image, f"{latency:.0f} ms latency", 20, 90)
    masks = [s for s in episode.masks if s <= stamp]
    if masks:
        pruned = episode.masks[max(masks)]
        _text(image, f"{100 * (1 - pruned.mean()):.1f} % of blocks", 20, 112)
        top, height, width = 152, HEIGHT - 200, PANEL_WIDTH - 40
        image[top : top + height, 20 : 20 + width] = mask_picture(pruned, height, width)
        for i, name in enumerate(("SA", "CA", "FFN")):
            _text(image, name, 20 + width * i // 3 + 18, top - 8, 0.42, FAINT)
        _text(image, "denoising steps, first on top", 20, HEIGHT - 28, 0.38, FAINT)
    return image


def _writer(path: Path, rate: float) -> cv2.VideoWriter:
    size = (SCENE_WIDTH + PANEL_WIDTH, HEIGHT)
    # Hardware encoders that are not there are no news.
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
    level = cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    try:
        for codec in ("avc1", "mp4v"):  # H.264 plays everywhere but is not in every build
            writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*codec), rate, size)
            if writer.isOpened():
                return writer
    finally:
        cv2.utils.logging.setLogLevel(level)
    raise OSError(f"OpenCV cannot write {path}: neither H.264 nor MPEG-4 is in this build")


def render(
    robot: SimulatedRobot, log: RecordedEpisode, episode: Episode, path: Path, until: float = np.inf
) -> Path:
    """Write the video of one episode.

    Args:
        robot: renders; of the task that was run.
        log: states of the episode.
        episode: what the policy did in it.
        until: ROS time at which the video ends, s.

    Raises:
        OSError: no codec.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    stamps = log.stamp / 1e9
    period = float(np.median(np.diff(stamps))) if len(stamps) > 1 else 0.04
    rate = round(1.0 / period, 3)
    log_level = cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    writer = _writer(path, rate)
    cv2.utils.logging.setLogLevel(log_level)
    begin = episode.executed[0].publish_stamp - 0.3 if episode.executed else -np.inf
    frame = None
    for stamp, qpos, mocap_pos in zip(stamps, log.qpos, log.mocap_pos, strict=True):
        if not begin <= stamp <= until:
            continue
        scene = robot.render_video_frame(qpos, mocap_pos, HEIGHT, SCENE_WIDTH)
        frame = np.hstack([cv2.cvtColor(scene, cv2.COLOR_RGB2BGR), panel(episode, stamp)])
        writer.write(frame)
    if frame is not None:
        frame = frame.copy()
        text = "success" if episode.success else episode.message or "time is over"
        _text(frame, text, 24, HEIGHT - 28, 0.9,
              GOOD if episode.success else INK, 2)  # fmt: skip
        for _ in range(round(HOLD * rate)):
            writer.write(frame)
    writer.release()
    return path
