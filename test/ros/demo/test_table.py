from __future__ import annotations

from types import SimpleNamespace

from rich.console import Console
from synthetic_run import run

from sag_ros.ros.demo.run_record import summarise
from sag_ros.ros.demo.table import final, live


def shown(renderable) -> str:
    console = Console(width=100, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    console.print(renderable)
    return console.export_text()


def monitor(episode):
    return SimpleNamespace(
        episode=episode,
        status={"limit_violations": 0, "real_time_factor": 0.998, "message": "carrying the bag"},
        diagnostics={"state": "running"},
        message="running",
    )


def test_the_table_shows_rate_latency_blocks_and_guard():
    text = shown(live(monitor(run(1, rate=50.0)[0]), run(2), 10, "running"))
    for part in (
        "50.0 chunks/s",
        "latency p50",
        "latency p99",
        "blocks computed",
        "guard",
        "carrying the bag",
    ):
        assert part in text
    assert "episode 3 of 10" in text
    assert "✓ ✗" in text


def test_it_is_drawn_before_anything_was_heard():
    empty = SimpleNamespace(episode=None, status={}, diagnostics={}, message="")
    assert "episode 1 of 3" in shown(live(empty, [], 3, "starting"))


def test_the_summary_is_shown_whole():
    summary = summarise(run(2), "openvino-f32", {"cpu": "some processor", "cores": 2})
    text = shown(final(summary))
    assert all(key in text for key in summary)
    assert "some processor, 2 cores" in text
