"""Pages: templates that share a style and load nothing from elsewhere."""

from __future__ import annotations

from pathlib import Path

import jinja2


def template(folder: Path) -> jinja2.Template:
    """``page.html`` of a folder; it may include ``page.css``, which lies here."""
    loader = jinja2.FileSystemLoader([folder, Path(__file__).parent])
    return jinja2.Environment(loader=loader, autoescape=True, trim_blocks=True).get_template("page.html")
