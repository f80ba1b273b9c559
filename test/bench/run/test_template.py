"""Pages are whole: what they include is inside."""

from __future__ import annotations

from pathlib import Path

import pytest

import sag_ros.bench.accelerate
import sag_ros.bench.tasks
from sag_ros.bench.run.template import template


@pytest.mark.parametrize("package", [sag_ros.bench.tasks, sag_ros.bench.accelerate])
def test_the_style_is_inside(package) -> None:
    source = template(Path(package.__file__).parent)
    assert source.name == "page.html"
    text = Path(source.filename).read_text()
    assert '{% include "page.css" %}' in text
    style = source.environment.get_template("page.css").render()
    assert "border-collapse" in style
