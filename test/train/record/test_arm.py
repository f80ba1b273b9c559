from pathlib import Path

import numpy as np

from sag_ros.data.demonstrations import Demonstrations
from sag_ros.train.record.command import Recording


def test_recording_is_continued_and_consistent(tmp_path: Path) -> None:
    path = tmp_path / "demo.zarr"
    Recording(path, episodes=1, image_size=24, processes=1).run()
    Recording(path, episodes=2, image_size=24, processes=1).run()
    data = Demonstrations(path)
    assert list(data.seeds) == [0, 1]
    assert data.cameras == ["front", "wrist"]
    assert data.images("front").shape == (len(data), 24, 24, 3)
    assert data.privileged.shape[1] == len(data.privileged_names)
    # The set point of one frame is where the arm is one period later, up to the disturbance.
    end = int(data.ends[0])
    assert np.abs(data.action[: end - 1, :7] - data.state[1:end, :7]).max() < 0.1
    assert set(np.round(data.action[:, 7].astype(float), 3)) == {0.04, 0.08}
