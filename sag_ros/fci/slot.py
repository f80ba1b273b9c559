"""The newest message from one process to another, in shared memory; neither ever waits for the other."""

from __future__ import annotations

import mmap
import os
import zlib

import numpy as np

_NUMBER, _LENGTH, _SUM = range(3)  # of the header
_HEADER = 3 * 8  # bytes
_TRIES = 3


class Slot:
    """Holds one message of up to ``size`` bytes; one process writes, one reads.

    A reader that meets a writer in the act sees that number or checksum do not fit, and finds nothing new; in
    whatever order the memory of this CPU shows the writes, half a message is never taken for one.

    Args:
        size: bytes.
        descriptor: of the memory that the other side made (see ``descriptor``); new memory by default. It is
            gone when both processes are, however they end.
    """

    def __init__(self, size: int, descriptor: int | None = None) -> None:
        if descriptor is None:
            descriptor = os.memfd_create("sag_ros_slot")
            os.ftruncate(descriptor, _HEADER + size)
        self.descriptor = descriptor
        self._memory = mmap.mmap(descriptor, _HEADER + size)
        self._header: np.ndarray | None = np.ndarray(3, np.int64, self._memory)
        self._bytes: np.ndarray | None = np.ndarray(size, np.uint8, self._memory, _HEADER)
        self._size, self._seen = size, 0

    def write(self, message: bytes) -> None:
        """Replace the message.

        Raises:
            ValueError: it is too long.
        """
        if len(message) > self._size:
            raise ValueError(f"a message of {len(message)} bytes does not fit into a slot of {self._size}")
        header, data = self._header, self._bytes
        assert header is not None
        assert data is not None
        number = int(header[_NUMBER]) + 1
        header[_NUMBER] = -number  # in the act
        data[: len(message)] = np.frombuffer(message, np.uint8)
        header[_LENGTH] = len(message)
        header[_SUM] = zlib.crc32(message) ^ number
        header[_NUMBER] = number

    def read(self) -> bytes | None:
        """The message if it is one that was not read before, else None."""
        header, data = self._header, self._bytes
        assert header is not None
        assert data is not None
        for _ in range(_TRIES):
            number = int(header[_NUMBER])
            if number == self._seen:
                return None
            if number < 0:
                continue
            length = int(header[_LENGTH])
            if not 0 <= length <= self._size:
                continue
            message = data[:length].tobytes()
            if int(header[_NUMBER]) == number and int(header[_SUM]) == zlib.crc32(message) ^ number:
                self._seen = number
                return message
        return None

    def close(self) -> None:
        """Let go of the memory."""
        self._header = self._bytes = None  # they hold the buffer
        self._memory.close()
        os.close(self.descriptor)
