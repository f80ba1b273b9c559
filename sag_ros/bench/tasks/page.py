"""One page with everything a reader of ``sag bench tasks`` needs; it loads nothing from elsewhere."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from html import escape
from typing import Any

from sag_ros.bench.tasks.tables import Cells, all_tables, said

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #1a1a1a; background: #fff; margin: 2rem auto;
       max-width: 1180px; padding: 0 1rem; }
h1 { font-size: 1.5rem; margin-bottom: .2rem; } h2 { font-size: 1.1rem; margin: 2.2rem 0 .4rem; }
p.lead { color: #555; margin-top: 0; } p.note { color: #555; font-size: .85rem; max-width: 62rem; }
img { width: 100%; height: auto; } .scroll { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .87rem; }
th, td { padding: .25rem .6rem; text-align: right; white-space: nowrap; border-bottom: 1px solid #e3e3e3; }
th { border-bottom: 2px solid #999; vertical-align: bottom; } tr:hover td { background: #f5f7fa; }
th.text, td.text { text-align: left; } td.wrap { white-space: normal; }
td:first-child { white-space: nowrap; font-weight: 600; }
.good { color: #1b6e3c; } .bad { color: #a61b1b; } .open { color: #8a6100; }
pre { background: #f4f4f4; padding: .7rem; white-space: pre-wrap; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1rem; font-size: .9rem; }
dt { color: #555; } dd { margin: 0; overflow-wrap: anywhere; }
.warning { background: #fff4d6; border-left: 4px solid #d9a300; padding: .5rem .8rem; }
"""
CLASSES = {
    "better": "good",
    "not inferior": "good",
    "within margin": "good",
    "unclear": "open",
    "worse": "bad",
}


def page(content: Mapping[str, Any], png: bytes) -> str:
    """HTML of a report (see ``bench.task_report``) with its picture inside."""
    settings = content["settings"]
    task, first, count = settings["task"], settings["seed"], settings["episodes"]
    warning = ""
    if not content["complete"]:
        warning = '<p class="warning">The run was interrupted; some episodes or times are missing.</p>'
    picture = b64encode(png).decode()
    classes = {said(verdict, settings["margin"]): kind for verdict, kind in CLASSES.items()}
    return f"""<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{escape(task)}: sparse against dense</title><style>{STYLE}</style></head>
<body>
<h1>Is sparse as good as dense? {escape(task)}</h1>
<p class="lead">{len(content["rows"])} methods, closed loop in lock step,
seeds {first} to {first + count - 1}, the same for each; {escape(content["created"])}</p>
{warning}
{_answer(content)}
<img alt="Success, latency, density and smoothness of all methods" src="data:image/png;base64,{picture}">
{"".join(_table(cells, classes) for cells in all_tables(content))}
<h2>How to get this again</h2>
<pre>{escape(content["command"])}</pre>
<dl>{"".join(f"<dt>{escape(key)}</dt><dd>{escape(value)}</dd>" for key, value in _facts(content))}</dl>
</body>
</html>
"""


def _answer(content: Mapping[str, Any]) -> str:
    compared = [row for row in content["rows"] if row["verdict"] is not None]
    if not compared:
        return "<p>Dense was not among the methods, so nothing is compared with it.</p>"
    parts, margin = [], content["settings"]["margin"]
    for verdict in CLASSES:
        names = [row["method"] for row in compared if row["verdict"] == verdict]
        if names:
            words = said(verdict, margin) + (
                " points, not significantly worse" if "within" in verdict else ""
            )
            parts.append(f'<b class="{CLASSES[verdict]}">{escape(words)}</b>: {escape(", ".join(names))}')
    return f"<p>Against dense on the same seeds: {'; '.join(parts)}.</p>"


def _table(cells: Cells, classes: Mapping[str, str]) -> str:
    kinds = [
        ("text" if n == 0 or name in cells.left else "") + (" wrap" if name in cells.wrap else "")
        for n, name in enumerate(cells.columns)
    ]
    head = "".join(_cell("th", name, kind) for name, kind in zip(cells.columns, kinds, strict=True))
    body = ""
    for row in cells.rows:
        parts = [
            _cell("td", value, f"{kind} {classes.get(value, '')}".strip())
            for value, kind in zip(row, kinds, strict=True)
        ]
        body += f"<tr>{''.join(parts)}</tr>\n"
    return (
        f'<h2>{escape(cells.title)}</h2><div class="scroll"><table><thead><tr>{head}</tr></thead>\n'
        f'<tbody>{body}</tbody></table></div><p class="note">{escape(cells.note)}</p>'
    )


def _cell(tag: str, text: str, kind: str) -> str:
    attribute = f' class="{kind}"' if kind else ""
    return f"<{tag}{attribute}>{escape(text)}</{tag}>"


def _facts(content: Mapping[str, Any]) -> list[tuple[str, str]]:
    out = []
    for name in ("settings", "hardware"):
        for key, value in content[name].items():
            if isinstance(value, Mapping):
                value = ", ".join(f"{part} {found}" for part, found in value.items())
            elif isinstance(value, (list, tuple)):
                value = ", ".join(map(str, value)) or "none"
            out.append((key.replace("_", " "), str(value)))
    weights = {row["weights"]: row["method"] for row in reversed(content["rows"])}
    out += [(f"weights of {method}", str(digest)) for digest, method in reversed(weights.items())]
    return out
