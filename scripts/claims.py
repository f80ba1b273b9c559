#!/usr/bin/env python3
"""Tables of README and docs from the results in bench/results, so that they cannot say anything else.

    python scripts/claims.py           writes them
    python scripts/claims.py --check   fails where a page says something else (a test does this)

A page has ``<!-- table: NAME -->``; what stands from there to ``<!-- end -->`` is of ``TABLES[NAME]``.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from sag_ros.bench.paper.looking import QUESTIONS, Answer, Question, answer
from sag_ros.bench.run.paired import holm
from sag_ros.bench.tasks.rows import significantly_worse

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "bench" / "results"
PAGES = ("README.md", "docs/benchmarks.md", "docs/evidence.md")
BLOCK = re.compile(r"(<!-- table: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def _read(name: str) -> Any:
    return json.loads((RESULTS / name).read_text(encoding="utf-8"))


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def _difference(row: Mapping[str, Any]) -> str:
    paired = row["paired"]
    if paired is None:
        return ""
    low, high = paired["ci95"]
    return f"{paired['difference']:+.1f} ({low:+.1f} … {high:+.1f})"


def _share(row: Mapping[str, Any]) -> str:
    low, high = row["ci95"]
    return f"{row['successes']} of {row['episodes']} ({100 * low:.0f}–{100 * high:.0f})"


def _ms(row: Mapping[str, Any]) -> str:
    return f"{row['ms']['policy']['p50']:.2f}" if row["ms"] else ""


def _published(row: Mapping[str, Any]) -> str:
    paper = row["published"]
    if paper is None:
        return ""
    parts = paper.get("parts")
    return f"{' / '.join(map(str, parts)) if parts else paper['success']}; {paper['speedup']:g}×"


def benchmarks() -> str:
    """Every method on every task of the paper."""
    out = []
    for task, own in _read("paper.json")["tasks"].items():
        first, count = own["settings"]["seed"], own["settings"]["episodes"]
        out.append(f"\n**{task}**, seeds {first} to {first + count - 1}, {own['hardware']['cpu']}:\n\n")
        parts = any(row["parts"] for row in own["rows"])
        head = ("method", "success (95 %)", *(("p1 / p2 / p3 / p4",) if parts else ()))
        head += ("− dense, points (95 %)", "blocks, %", "ms", "× dense", "the paper")
        rows = []
        for row in own["rows"]:
            shares = " / ".join(f"{100 * share:.0f}" for share in row["parts"] or ())
            speedup = f"{row['policy_speedup']:.1f}" if row["policy_speedup"] else ""
            rows.append(
                (
                    f"`{row['method']}`",
                    _share(row),
                    *((shares,) if parts else ()),
                    _difference(row),
                    f"{100 * row['density']:.1f}",
                    _ms(row),
                    speedup,
                    _published(row),
                )
            )
        out.append(_table(head, rows))
        best = "; ".join(
            f"{ms} ms: {', '.join(f'`{n}`' for n in names)}" for ms, names in own["best"].items()
        )
        out.append(f"\nMost successes within {best}.\n")
    return "".join(out)


def benchmarks_short() -> str:
    """Dense beside the fastest that is not significantly worse, for each task."""
    rows = []
    for task, own in _read("paper.json")["tasks"].items():
        dense = next(row for row in own["rows"] if row["method"] == "dense")
        good = [row for row in own["rows"] if row["ms"] and row["paired"]]
        good = [row for row in good if not significantly_worse(row["paired"])]
        fast = min(good, key=lambda row: row["ms"]["policy"]["p50"], default=dense)
        rows.append(
            (
                f"`{task}`",
                f"{dense['successes']} of {dense['episodes']}, {_ms(dense)} ms",
                f"`{fast['method']}`: {fast['successes']} of {fast['episodes']}, {_ms(fast)} ms",
                _difference(fast),
            )
        )
    return _table(
        ("task", "dense", "fastest that is not significantly worse", "− dense, points (95 %)"), rows
    )


FINAL_TIMED = "tasks_final_pick_release_hard_third.json"  # all methods in turns, on AVX2
RUNS = (
    ("tasks_pick_release.json", "seen while methods were chosen"),
    ("ladder_pick_release.json", "that no choice had seen"),
    ("tasks_zen3.json", "that no choice had seen, engine in whole numbers"),
    ("tasks_final_pick_release.json", "of the final tables"),
    ("tasks_final_pick_release_more.json", "of the final tables, engine in whole numbers"),
    ("tasks_final_pick_release_shipped.json", "of the final tables, engine in whole numbers"),
    ("tasks_pick_release_hard.json", "seen while methods were chosen"),
    ("tasks_final_pick_release_hard.json", "of the final tables"),
    ("tasks_final_pick_release_hard_more.json", "of the final tables, engine in whole numbers"),
    (FINAL_TIMED, "of the final tables, engine in whole numbers"),
)
TASKS = ("pick_release", "pick_release_hard")
COLUMNS = ("dense", "sag", "sag_mean", "ddim50+sag_mean", "geometric10", "ddim10", "ddim5", "rtc10")


def _first(report: Mapping[str, Any]) -> int:
    """Seed of its first episode."""
    return int(report["settings"]["seed"])


def success() -> str:
    """Successes of what matters most on pick-and-release, run by run."""
    rows = []
    for name, seeds in RUNS:
        if not (RESULTS / name).exists():
            continue
        report = _read(name)
        found = {row["method"]: row for row in report["rows"]}
        counts = {row["episodes"] for row in report["rows"]}
        settings = report["settings"]
        label = f"`{settings['task']}`, {max(counts)} from {_first(report)}, {seeds}"
        rows.append((label, *(str(found[one]["successes"]) if one in found else "" for one in COLUMNS)))
    return _table(("task, seeds", *(f"`{name}`" for name in COLUMNS)), rows)


def final() -> str:
    """Pick-and-release on the seeds of the final tables, paired with dense."""
    rows = []
    for name in (name for name, _ in RUNS if name.startswith("tasks_final")):
        if not (RESULTS / name).exists():
            continue
        report = _read(name)
        for row in sorted(report["rows"], key=lambda row: row["method"] != "dense"):
            smooth = row["smoothness"]
            task = f"`{report['settings']['task']}`, {_first(report)}"
            numbers = f"{100 * row['density']:.1f}", f"{1e3 * smooth['jump']['mean']:.0f}"
            jerk = f"{smooth['rms_jerk']['mean']:.0f}"
            rows.append((task, f"`{row['method']}`", _share(row), _difference(row), *numbers, jerk))
    head = (
        "task, first seed",
        "method",
        "success (95 %)",
        "− dense, points (95 %)",
        "blocks, %",
        "jump, mrad",
        "jerk, rad/s³",
    )
    return _table(head, rows)


def final_pooled() -> str:
    """The same, the runs of a task pooled, corrected for the number of methods."""
    rows = []
    for task in TASKS:
        answers = _against_dense(task)
        dense = max(answers, key=lambda one: one.episodes)
        rows.append((f"`{task}`", "`dense`", f"{dense.blind} of {dense.episodes}", "", ""))
        for one, p in zip(answers, holm([one.p for one in answers]), strict=True):
            difference = f"{one.difference:+.1f} ({one.low:+.1f} … {one.high:+.1f})"
            count = f"{one.told} of {one.episodes}"
            rows.append((f"`{task}`", f"`{one.question.told}`", count, difference, f"{p:.2g}"))
    return _table(("task", "method", "success", "− dense, points (95 %)", "p, corrected"), rows)


def _against_dense(task: str) -> list[Answer]:
    """Each method of the final tables, on all runs that have it."""
    files = [name for name, _ in RUNS if name.startswith("tasks_final") and _task(name) == task]
    found: dict[str, list[str]] = {}
    for name in files:
        for row in _read(name)["rows"]:
            found.setdefault(row["method"], []).append(name)
    del found["dense"]
    return [answer(Question(task, method, "dense", tuple(own)), _read) for method, own in found.items()]


def final_best() -> str:
    """What succeeds most often within so many ms, on the seeds of the final tables."""
    times = {row["method"]: row["ms"]["policy"]["p50"] for row in _read(FINAL_TIMED)["rows"]}
    rows = []
    for task in TASKS:
        found = _against_dense(task)
        for bound in (2.5, 5.0, 10.0, 20.0):
            fits = [one for one in found if times[one.question.told] <= bound]
            fits.sort(key=lambda one: (-one.told / one.episodes, times[one.question.told]))
            cells = [
                f"`{one.question.told}` {one.told} of {one.episodes}, {times[one.question.told]:.1f} ms"
                for one in fits[:3]
            ]
            cells = cells or ["none of these"]
            rows.append((f"`{task}`", f"{bound:g}", *cells, *[""] * (3 - len(cells))))
    return _table(("task", "within, ms", "most successes", "then", "then"), rows)


def _task(name: str) -> str:
    return str(_read(name)["settings"]["task"])


def rtc_delay() -> str:
    """Real-time chunking against plain splicing, where commands come late."""
    rows = []
    for delay, report in _read("rtc_delay.json")["delays"].items():
        for row in report["rows"]:
            smooth = row["smoothness"]
            rows.append(
                (
                    f"{50 * int(delay)} ms",
                    f"`{row['method']}`",
                    _share(row),
                    f"{1e3 * smooth['jump']['mean']:.0f}",
                    f"{1e3 * smooth['bend']['mean']:.0f}",
                    f"{smooth['rms_jerk']['mean']:.0f}",
                    str(row["refused"]),
                )
            )
    head = ("delay", "method", "success (95 %)", "jump, mrad", "bend, mrad", "jerk, rad/s³", "chunks refused")
    return _table(head, rows)


def looking_again() -> str:
    """Asked after every action, by how long after its observation a chunk is followed."""
    rows = []
    for policy, delays in _read("looking_again.json")["policies"].items():
        for delay, report in delays.items():
            for row in report["rows"]:
                cells = f"{50 * int(delay)} ms", _share(row), f"{row['seconds']:.1f}"
                rows.append((f"`{policy}`, `{row['method']}`", *cells))
    return _table(("policy", "a chunk is followed after", "success (95 %)", "mean time of those, s"), rows)


def looking_answers() -> str:
    """Masks that depend on the observation against ones that do not."""
    rows, answers = [], [answer(question, _read) for question in QUESTIONS]
    for one, corrected in zip(answers, holm([one.p for one in answers]), strict=True):
        question = one.question
        told, blind = (
            f"`{method}` {count}"
            for method, count in ((question.told, one.told), (question.blind, one.blind))
        )
        blocks = " / ".join(f"{100 * share:.2g}" for share in one.density)
        difference = f"{one.difference:+.1f} ({one.low:+.1f} … {one.high:+.1f})"
        task = f"`{question.task}`"
        rows.append((task, str(one.episodes), told, blind, blocks, difference, f"{corrected:.2g}"))
    points = "difference, points (95 %)"
    head = ("task", "pairs", "by the observation", "not", "blocks, %", points, "p, corrected")
    return _table(head, rows)


TABLES: dict[str, Callable[[], str]] = {
    "benchmarks": benchmarks,
    "benchmarks_short": benchmarks_short,
    "success": success,
    "final": final,
    "final_pooled": final_pooled,
    "final_best": final_best,
    "rtc_delay": rtc_delay,
    "looking_again": looking_again,
    "looking": looking_answers,
}


def current(text: str) -> str:
    """``text`` of a page with its tables as the results have them. Raises KeyError for a table not known."""
    return BLOCK.sub(lambda found: f"{found[1]}{TABLES[found[2]]()}{found[3]}", text)


def main(arguments: list[str]) -> int:
    """Write the pages, or say which are not as the results have them."""
    stale = []
    for name in PAGES:
        page = ROOT / name
        if not page.exists():
            continue
        text = page.read_text(encoding="utf-8")
        if (wanted := current(text)) != text:
            stale.append(name)
            if "--check" not in arguments:
                page.write_text(wanted, encoding="utf-8")
    if stale and "--check" in arguments:
        print(f"not as in bench/results: {', '.join(stale)}; run python scripts/claims.py", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
