"""From a ring to files that others read."""

from __future__ import annotations

import pytest

from sag_ros.flight.folder import RecordingFolder
from sag_ros.flight.reading import RecordingError, open_recording
from sag_ros.flight.ring import SECOND, Heard, Ring
from sag_ros.flight.saver import Saver
from sag_ros.flight.writing import Topic

TOPICS = {"/a": Topic("/a", "std_msgs/msg/String"), "/b": Topic("/b", "trajectory_msgs/msg/JointTrajectory")}
HELLO = b"\x00\x01\x00\x00\x03\x00\x00\x00hi\x00\x00"


class World:
    def __init__(self, path, quota=10**8, roll=0.0, pinned=frozenset()):
        self.time, self.said = 0.0, []
        self.ring = Ring(30.0, 10**7, pinned)
        self.folder = RecordingFolder(path, quota)
        self.saver = Saver(
            self.ring, self.folder, lambda: TOPICS, lambda reasons: {"why": {"reason": "; ".join(reasons)}},
            2.0, roll, self.said.append, lambda: self.time, lambda: 1e9 + self.time,
        )  # fmt: skip

    def hear(self, count, data=HELLO, step=0.1):
        for _ in range(count):
            self.time += step
            stamp = round((1e9 + self.time) * SECOND)
            self.ring.append(Heard(stamp, stamp - 5, "/a", data))

    @property
    def files(self):
        return self.folder.recordings()


@pytest.fixture
def world(tmp_path):
    return World(tmp_path)


def test_what_followed_is_in_the_recording_and_requests_meet_in_one(world):
    world.hear(10)
    world.saver.ask("stop: camera")
    world.saver.look()
    assert world.files == []
    world.hear(10)
    world.saver.ask("fault: late")
    world.hear(10)
    world.saver.look()
    world.saver.look()
    (path,) = world.files
    assert path.name.endswith("_fault.mcap")
    found = open_recording(path)
    assert found.counts == {"/a": 30, "/b": 0}
    assert found.types["/a"] == "std_msgs/msg/String"
    assert found.metadata == {"why": {"reason": "stop: camera; fault: late"}}
    assert found.seconds == pytest.approx(2.9)
    assert [(one.received - one.sent, one.data) for one in found.messages(["/a"])] == 30 * [(5, HELLO)]


def test_others_read_it(world):
    from rosbags.rosbag2 import Reader
    from rosbags.typesys import Stores, get_typestore

    world.hear(3)
    world.saver.ask("request", soon=True)
    world.saver.look()
    store = get_typestore(Stores.ROS2_JAZZY)
    with Reader(world.files[0]) as reader:
        assert {one.topic: one.msgtype for one in reader.connections} == {
            name: topic.type for name, topic in TOPICS.items()
        }
        found = [store.deserialize_cdr(data, one.msgtype).data for one, _, data in reader.messages()]
    assert found == ["hi"] * 3


def test_a_full_disk_is_said_and_the_ring_goes_on(tmp_path):
    world = World(tmp_path, quota=500)
    world.hear(3)
    world.saver.ask("stop", soon=True)
    world.saver.look()
    assert "quota" in world.saver.state.problem
    assert world.files == [] and list(tmp_path.iterdir()) == []
    assert not world.saver.asked
    world.folder.quota = 10**6
    world.hear(1)
    world.saver.ask("stop", soon=True)
    world.saver.look()
    assert world.saver.state.problem == "" and len(world.files) == 1


def test_written_all_the_time_files_follow_each_other_without_a_gap(tmp_path):
    world = World(tmp_path, roll=5.0)
    for _ in range(16):
        world.hear(10)
        world.saver.look()
    world.saver.look(last=True)
    found = [one for path in world.files for one in open_recording(path).messages()]
    assert len(world.files) == 3
    stamps = [one.received for one in found]
    assert len(stamps) == 160 and stamps == sorted(set(stamps))
    assert world.saver.lost == 0


def test_what_was_told_once_is_in_each_of_these_files_and_makes_none_longer(tmp_path):
    world = World(tmp_path, roll=5.0, pinned=frozenset({"/b"}))
    world.ring.append(Heard(round(1e9 * SECOND), 0, "/b", HELLO))
    for _ in range(16):
        world.hear(10)
        world.saver.look()
    world.saver.look(last=True)
    found = [open_recording(path) for path in world.files]
    assert [one.counts["/b"] for one in found] == [1, 1, 1]
    assert max(one.seconds for one in found) < 8.0  # of 16


def test_asked_for_while_all_is_written(tmp_path):
    world = World(tmp_path, roll=50.0)
    world.hear(10)
    world.saver.look()
    world.saver.ask("request", soon=True)
    world.saver.look(last=True)
    assert sorted(open_recording(path).counts["/a"] for path in world.files) == [10, 10]


def test_the_thread_writes_what_is_due_at_the_end(world):
    world.hear(2)
    world.saver.start()
    world.saver.ask("stop")
    world.saver.stop()
    assert len(world.files) == 1


def test_a_file_that_is_none_is_refused(tmp_path, world):
    path = tmp_path / "x.mcap"
    path.write_bytes(b"not a recording")
    with pytest.raises(RecordingError, match="no whole MCAP"):
        open_recording(path)
    world.hear(30)
    world.saver.ask("stop", soon=True)
    world.saver.look()
    whole = world.saver.state.paths[0].read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(RecordingError):
        open_recording(path)
