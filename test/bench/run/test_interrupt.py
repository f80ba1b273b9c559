from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from sag_ros.bench.run.interrupt import deaf_children, interruptible


@pytest.fixture
def ignored():
    """As in a process that a shell without job control has started in the background."""
    former = signal.signal(signal.SIGINT, signal.SIG_IGN)
    yield
    signal.signal(signal.SIGINT, former)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_interrupt_even_where_they_were_ignored(ignored, number):
    before = [signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)]
    with pytest.raises(KeyboardInterrupt), interruptible():
        signal.raise_signal(number)
    assert [signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)] == before


def test_children_ignore_sigint_and_the_parent_listens_again():
    code = "import signal; print(signal.getsignal(signal.SIGINT) is signal.SIG_IGN)"
    with interruptible():
        with deaf_children():
            child = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert child.stdout.strip() == "True"
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
