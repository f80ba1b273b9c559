from __future__ import annotations

import json
from html.parser import HTMLParser
from io import StringIO

import pytest
from rich.console import Console

from sag_ros.bench.run.methods import Method
from sag_ros.bench.run.records import EpisodeResult, Turn
from sag_ros.bench.tasks.page import page
from sag_ros.bench.tasks.report import report, write
from sag_ros.bench.tasks.rows import Measured
from sag_ros.bench.tasks.tables import all_tables, terminal

SETTINGS = {"task": "t<1>", "episodes": 20, "seed": 100, "execute": 8, "noise": "fresh", "margin": 2.0}
HARDWARE = {"cpu": "A & B", "packages": {"numpy": "2"}, "gpus": []}
SHARES = {"dense": 20, "sag": 20, "sag9": 19, "uniform10": 0, "cm3@out/a_rather_long_folder": 18}


def measured(name, successes, number, timed=True):
    episodes = [
        EpisodeResult(name, n, n < successes, "", 5.0, 0.1 * (number + 1), 9, 100.0 + n, 0.8, 2.0, 0.03, 0.01)
        for n in range(20)
    ]
    ms = 3.0 + 7 * number
    turns = [Turn(name, 0, [2.0] * 13, [0.6] * 13, [0.1] * 13, [ms] * 13)] if timed else []
    torch = [Turn(name, 0, [40.0] * 3, [1.0] * 3, [0.1] * 3, [1400.0] * 3)] if timed else []
    identity = {"engine": "native-bf16", "weights": "ab" * 32}
    return Measured(Method(name, "ddpm", "x"), identity, episodes, turns, torch)


def content(timed=True, complete=True, budgets=(2.5, 5.0, 20.0), shares=SHARES):
    found = [measured(name, share, n, timed) for n, (name, share) in enumerate(shares.items())]
    return report(found, SETTINGS, HARDWARE, budgets, "sag bench tasks --methods 'a b'", complete)


@pytest.mark.parametrize("timed", [True, False])
def test_tables_fit_120_columns(timed):
    for cells in all_tables(content(timed)):
        console = Console(width=120, record=True, file=StringIO())
        console.print(terminal(cells))
        text = console.export_text()
        assert max(map(len, text.splitlines())) <= 120
        # Nothing but the columns of text may be broken into lines, and nothing is cut.
        assert "…" not in text.replace(" … ", "")
        for row in cells.rows:
            for column, value in zip(cells.columns, row, strict=True):
                assert column in ("method", *cells.wrap) or value in text


def test_tables_show_what_counts():
    success, ms, budgets, smooth = all_tables(content())
    rows = {row[0]: dict(zip(success.columns, row, strict=True)) for row in success.rows}
    assert rows["uniform10"]["verdict"] == "worse"
    assert rows["uniform10"]["−:+"] == "20:0"
    assert rows["uniform10"]["Holm"] == "<.001"
    assert (rows["dense"]["success"], rows["dense"]["p"]) == ("20/20", "–")
    assert [row[5] for row in ms.rows][:2] == ["3.70", "10.7"]
    assert "torch eager: 3 chunks" in ms.title
    assert budgets.rows[0][2] == "–"
    assert "dense 100.0 %" in budgets.rows[1][2]
    assert smooth.rows[0][1] == "110"


def test_json_is_complete_and_readable(tmp_path):
    path = tmp_path / "deep" / "tasks.json"
    written = write(content(), path)
    assert [one.name for one in written] == ["tasks.json", "tasks.html", "tasks.png"]
    assert written[2].read_bytes().startswith(b"\x89PNG")
    found = json.loads(path.read_text())
    assert found["complete"] is True
    assert found["curves"] == {"sag": ["sag", "sag9"]}
    assert found["pareto"] == ["dense"]
    assert [one["ms"] for one in found["budgets"]] == [2.5, 5.0, 20.0]


def test_without_times_or_dense_there_is_still_a_report(tmp_path):
    found = content(timed=False, budgets=(), shares={"sag": 18})
    assert len(write(found, tmp_path / "x.json")) == 3
    assert "nothing is compared" in (tmp_path / "x.html").read_text()


def test_without_rows_there_is_only_json(tmp_path):
    assert write(content(shares={}), tmp_path / "x.json") == [tmp_path / "x.json"]


class Balanced(HTMLParser):
    """Every element that is opened is closed, in order; remembers text and what is loaded."""

    def __init__(self):
        super().__init__()
        self.open, self.text, self.loaded = [], "", []

    def handle_starttag(self, tag, attributes):
        if tag not in ("meta", "img"):
            self.open.append(tag)
        self.loaded += [value for key, value in attributes if key in ("src", "href")]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def test_page_stands_alone():
    found = Balanced()
    found.feed(page(content(complete=False), b"picture"))
    assert found.open == []
    assert len(found.loaded) == 1
    assert found.loaded[0].startswith("data:image/png;base64,")
    for part in (
        "t<1>",
        "A & B",
        "sag bench tasks --methods 'a b'",
        "interrupted",
        "seeds 100 to 119",
        "Holm",
    ):
        assert part in found.text
    assert "interrupted" not in page(content(), b"picture")
