import os
import threading

import pytest

from sag_ros.ros import affinity

pytestmark = pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="Linux only")


def test_only_the_calling_thread_is_pinned():
    core, before, seen = affinity.cores()[-1], os.sched_getaffinity(0), []

    def work() -> None:
        affinity.pin(core)
        seen.append(os.sched_getaffinity(0))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [{core}]
    assert os.sched_getaffinity(0) == before


def test_a_negative_core_changes_nothing():
    before = os.sched_getaffinity(0)
    affinity.pin(-1)
    assert os.sched_getaffinity(0) == before


def test_a_core_that_does_not_exist_is_named():
    before = os.sched_getaffinity(0)
    with pytest.raises(ValueError, match="core 1000 "):
        affinity.check(1000)
    assert os.sched_getaffinity(0) == before
