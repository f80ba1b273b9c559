import gpu_fakes
import pytest

from sag_ros.bench.gpu import sections
from sag_ros.bench.gpu.sections import Section, error_row, run_all, run_apart, run_here


def content():
    return {name: [] for name in (*sections.LISTS, "sections")} | {"machine": {}}


@pytest.fixture
def collected():
    rows = []
    return rows, lambda kind, row: rows.append((kind, row))


def test_an_exception_costs_only_what_the_fence_encloses(collected):
    rows, emit = collected
    section, clock = Section("one", "gpu_fakes:fine", 0, 9), gpu_fakes.Ticking()
    context = sections.Context("one", None, emit, lambda: 1.0, None)
    with context.fence("part"):
        gpu_fakes.cannot_be_built(None, None, None)
    run_here(section, None, clock() + 5.0, emit, None, clock)
    assert [kind for kind, _ in rows] == ["errors", "times"]
    assert rows[0][1]["error"] == "RuntimeError: ptxas died"
    assert rows[0][1]["trace"][-1].startswith("gpu_fakes.py:")
    assert rows[0][1]["trace"][-1].endswith(" cannot_be_built")
    assert rows[1][1]["left"] == 5.0


def test_a_section_that_does_not_exist_is_an_error(collected):
    rows, emit = collected
    run_here(Section("one", "gpu_fakes:nothing", 0, 9), None, 5.0, emit, None, gpu_fakes.Ticking())
    assert "nothing" in rows[0][1]["error"]


def test_a_process_that_ends_normally_reports_its_rows(collected):
    rows, emit = collected
    run_apart(Section("one", "gpu_fakes:fine", 0, 9), None, 60.0, emit)
    ((kind, row),) = rows
    assert (kind, row["what"]) == ("times", "fine")
    assert row["left"] < 60.0 - 0.05  # its start and its imports count, or it is stopped before it tells


def test_a_crash_leaves_the_rows_before_it(collected):
    rows, emit = collected
    run_apart(Section("one", "gpu_fakes:die", 0, 9), None, 60.0, emit)
    assert [kind for kind, _ in rows] == ["times", "errors"]
    assert rows[1][1]["error"] == "its process ended with signal 6"


def test_what_does_not_end_is_stopped(collected, monkeypatch):
    rows, emit = collected
    monkeypatch.setattr(sections, "GRACE", 0.1)
    run_apart(Section("one", "gpu_fakes:hang", 0, 9), None, 0.1, emit)
    assert "did not end within" in rows[-1][1]["error"]
    assert rows[-1][1]["part"] == "process"


def test_what_does_not_fit_is_skipped_and_said_so(capsys):
    clock, found, saved = gpu_fakes.Ticking(), content(), []

    def run(section, limit, emit):
        emit("times", {"what": section.name, "limit": limit})
        clock.time += 20.0

    sections = [Section("a", "", 5, 30), Section("b", "", 15, 30), Section("c", "", 5, 30)]
    run_all(sections, run, 30.0, found, lambda: saved.append(len(found["sections"])), print, clock)
    assert [(row["name"], row["status"]) for row in found["sections"]] == [
        ("a", "done"), ("b", "skipped"), ("c", "done"),
    ]  # fmt: skip
    assert found["sections"][1]["why"] == "10 s left, needs 15 s"
    assert "b: skipped, 10 s left" in capsys.readouterr().out
    assert [row["limit"] for row in found["times"]] == [30.0, 10.0]
    assert saved == [1, 2, 3]


def test_a_dangerous_engine_is_timed_alone_and_last():
    found, seen = content(), []

    def run(section, limit, emit):
        seen.append((section.name, section.engines))
        if section.name == "check bad":
            emit("errors", error_row(section.name, "process", "signal 11"))

    sections = [
        Section("check good", "", 0, 9, ("good",)),
        Section("check bad", "", 0, 9, ("bad",)),
        Section("sparse", "", 0, 9, ("good", "bad")),
        Section("rest", "", 0, 9),
    ]
    run_all(sections, run, 100.0, found, lambda: None, lambda text: None, gpu_fakes.Ticking())
    assert seen[2:] == [("sparse", ("good",)), ("rest", ()), ("sparse, bad alone", ("bad",))]


def test_engines_left_without_times_by_another_get_a_section_each():
    found, seen = content(), []

    def run(section, limit, emit):
        seen.append(section.engines)
        emit("absent", {"part": "missing", "reason": "not installed"})
        if len(section.engines) > 1:
            emit("times", {"what": "first"})
            emit("errors", error_row(section.name, "process", "signal 11"))

    sections = [Section("sparse", "", 0, 9, ("first", "second", "third", "missing"))]
    run_all(sections, run, 100.0, found, lambda: None, lambda text: None, gpu_fakes.Ticking())
    assert seen[1:] == [("second",), ("third",)]
    assert [row["status"] for row in found["sections"]] == ["failed", "done", "done"]


def test_who_fails_first_has_only_itself_to_blame():
    section = Section("sparse", "", 0, 9, ("first", "second", "third:parts=2"))
    new = {name: [] for name in sections.LISTS}
    new["errors"] = [error_row("", part, "lost") for part in ("second f32 dense", "third:parts=2 f32 dense")]
    new["times"] = [{"what": "first"}]
    assert sections.victims(section, new) == ["third:parts=2"]
    assert sections.victims(section, new | {"errors": []}) == []
