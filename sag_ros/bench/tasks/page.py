"""One page with everything a reader of ``sag bench tasks`` needs; it loads nothing from elsewhere."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sag_ros.bench.run.template import template
from sag_ros.bench.tasks.tables import all_tables, said

CLASSES = {
    "better": "good",
    "not inferior": "good",
    "within margin": "good",
    "unclear": "open",
    "worse": "bad",
}


def page(content: Mapping[str, Any], png: bytes) -> str:
    """HTML of a report (see ``bench.tasks.report``) with its picture inside."""
    page = template(Path(__file__).parent)
    margin = content["settings"]["margin"]
    methods = {
        verdict: [row["method"] for row in content["rows"] if row["verdict"] == verdict]
        for verdict in CLASSES
    }
    return page.render(
        content,
        picture=b64encode(png).decode(),
        classes={said(verdict, margin): kind for verdict, kind in CLASSES.items()},
        verdicts=[{"said": said(one, margin), "methods": found} for one, found in methods.items() if found],
        tables=all_tables(content),
        facts=_facts(content),
    )


def _facts(content: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Settings, machine and weights: (what, value)."""
    out = []
    for key, value in [*content["settings"].items(), *content["hardware"].items()]:
        if isinstance(value, Mapping):
            value = ", ".join(f"{part} {found}" for part, found in value.items())
        elif isinstance(value, (list, tuple)):
            value = ", ".join(map(str, value)) or "none"
        out.append((key.replace("_", " "), str(value)))
    weights = {row["weights"]: row["method"] for row in reversed(content["rows"])}
    return out + [(f"weights of {method}", str(digest)) for digest, method in reversed(weights.items())]
