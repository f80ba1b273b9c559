"""One message between two processes."""

from __future__ import annotations

import os
import struct
import subprocess
import sys

import pytest

from sag_ros.fci.slot import Slot


def test_the_newest_message_is_read_once() -> None:
    one = Slot(16)
    other = Slot(16, os.dup(one.descriptor))
    assert other.read() is None
    one.write(b"first")
    one.write(b"second")
    assert other.read() == b"second"
    assert other.read() is None
    one.write(b"")
    assert other.read() == b""
    one.close()
    other.close()


def test_a_message_that_is_too_long_is_refused_and_the_last_one_stays() -> None:
    slot = Slot(4)
    slot.write(b"1234")
    with pytest.raises(ValueError, match="5 bytes"):
        slot.write(b"12345")
    assert slot.read() == b"1234"
    slot.close()


def test_half_a_message_is_no_message() -> None:
    slot = Slot(8)
    slot.write(b"12345678")
    slot._bytes[3] = 0  # what a reader sees of a write that is not complete in its memory yet
    assert slot.read() is None
    slot.write(b"87654321")
    assert slot.read() == b"87654321"
    slot.close()


WRITER = """
import struct, sys
from sag_ros.fci.slot import Slot
slot = Slot(8000, int(sys.argv[1]))
for number in range(1, 5001):
    slot.write(struct.pack("q", number) * 1000)
"""


def test_a_reader_beside_a_busy_writer_never_sees_a_mixture() -> None:
    slot = Slot(8000)
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(slot.descriptor)], pass_fds=[slot.descriptor]
    )
    last = 0
    while last < 5000:
        message = slot.read()
        if message is None:
            assert writer.poll() in (None, 0)
            continue
        numbers = set(struct.unpack("1000q", message))
        assert len(numbers) == 1
        (number,) = numbers
        assert number > last
        last = number
    writer.wait(10)
    slot.close()
