"""A worker that spawned processes can import, which they cannot a test file."""

from __future__ import annotations

import os


class Worker:
    def __init__(self, setting):
        self.setting, self.ran = setting, []

    def run(self, method, seed):
        self.ran.append((method, seed))
        return method, seed, self.setting, os.getpid()
