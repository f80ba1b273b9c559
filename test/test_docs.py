"""The documentation names what exists: links, pages, files and functions."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(DOCS.glob("*.md"))]
EXAMPLE = re.compile(r"^```python\n# ((?:sag_ros|test)/\S+\.py)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FENCE = re.compile(r"^( *)(```|~~~).*?^\1\2", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\((?![a-z]+:)([^)\s]+)\)")
SPAN = re.compile(r"`([^`\n]+)`")
FOLDERS = "sag_ros|test|bench|config|launch|scripts|models|docs"
REFERENCE = re.compile(rf"((?:{FOLDERS})/[\w./-]*)(?::([A-Za-z_][\w.]*))?")
LONGEST_README = 150

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


def prose(page: Path) -> str:
    """Text of a page without its fenced examples, whose files are the reader's."""
    return FENCE.sub("", page.read_text(encoding="utf-8"))


@lru_cache
def anchors(page: Path) -> frozenset[str]:
    """What a link may name behind ``#``, as GitHub and MkDocs make it from headings."""
    headings = re.findall(r"^#+ +(.+)$", prose(page), re.MULTILINE)
    words = (re.sub(r"[^\w\- ]", "", heading.lower()).strip() for heading in headings)
    return frozenset(text.replace(" ", "-") for text in words)


def references(text: str) -> Iterator[tuple[str, str]]:
    """Paths in code spans, and the name behind each, or an empty text."""
    for span in SPAN.findall(text):
        found = REFERENCE.fullmatch(span)
        if found:
            yield found[1], found[2] or ""


@lru_cache
def members(path: Path) -> frozenset[str]:
    """``name`` and ``Class.name`` of all that a Python file defines."""
    found: set[str] = set()

    def collect(body: list[ast.stmt], prefix: str) -> None:
        for node in body:
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                found.add(prefix + node.name)
                if isinstance(node, ast.ClassDef):
                    collect(node.body, f"{prefix}{node.name}.")
            elif isinstance(node, (ast.Assign, ast.AnnAssign)):
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                found.update(prefix + target.id for target in targets if isinstance(target, ast.Name))

    collect(ast.parse(path.read_text(encoding="utf-8")).body, "")
    return frozenset(found)


def named(entries: object) -> Iterator[str]:
    """Pages in a navigation of mkdocs.yml."""
    if isinstance(entries, str):
        yield entries
    else:
        for entry in entries.values() if isinstance(entries, dict) else entries:
            yield from named(entry)


def test_readme_is_a_door():
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= LONGEST_README


@each_page
def test_links_lead_somewhere(page):
    for link in LINK.findall(prose(page)):
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{link} does not exist"
        assert target.is_relative_to(ROOT), f"{link} leaves the repository"
        if anchor:
            assert anchor in anchors(target), f"{link}: {target.name} has no such heading"


@each_page
def test_code_that_is_named_exists(page):
    for path, name in references(prose(page)):
        assert (ROOT / path).exists(), f"{path} does not exist"
        if name:
            assert name in members(ROOT / path), f"{path} defines no {name}"


def test_a_reference_to_nothing_is_found():
    text = "`sag_ros/control/splice.py:Splicer.splice`, `sag_ros/values.py`, `bench/results`, `ddim10+sag`"
    assert list(references(text)) == [
        ("sag_ros/control/splice.py", "Splicer.splice"),
        ("sag_ros/values.py", ""),
        ("bench/results", ""),
    ]
    known = members(ROOT / "sag_ros/control/splice.py")
    assert {"Splicer.splice", "SpliceSettings.lead", "Splice"} <= known
    assert "Splicer.join" not in known


def test_navigation_lists_every_page():
    listed = list(named(yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))["nav"]))
    assert len(listed) == len(set(listed))
    assert {page.name for page in DOCS.glob("*.md")} <= set(listed)
    for page in listed:
        path = DOCS / page if (DOCS / page).is_file() else ROOT / page
        assert path.is_file(), f"{page} does not exist"
        # What a page links becomes one, too, and MkDocs wants all pages listed.
        for link in LINK.findall(prose(path)):
            target = (path.parent / link.partition("#")[0]).resolve()
            if target.suffix == ".md" and target.is_relative_to(ROOT):
                name = target.relative_to(DOCS if target.is_relative_to(DOCS) else ROOT).as_posix()
                assert name in listed, f"{page} links {link}, which the navigation of mkdocs.yml lacks"


def test_examples_of_contributing_work(tmp_path):
    """Each is a file to add, or its test: they are added to a copy of the package, and its tests run."""
    shutil.copytree(ROOT / "sag_ros", tmp_path / "sag_ros", ignore=shutil.ignore_patterns("__pycache__"))
    examples = EXAMPLE.findall((DOCS / "contributing.md").read_text(encoding="utf-8"))
    tests = [path for path, _ in examples if path.startswith("test/")]
    assert len(tests) >= 3
    for path, text in examples:
        assert not (ROOT / path).exists(), f"{path} exists already"
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text, encoding="utf-8")
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "--import-mode=importlib",
        *tests,
    ]
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_site_builds(tmp_path):
    """With links of the site checked by MkDocs itself, and every picture of results in it."""
    pytest.importorskip("mkdocs", reason="make docs installs it")
    pytest.importorskip("material", reason="make docs installs it")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path / "site")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "site/bench/results/tasks_pick_release.png").is_file()
    assert (tmp_path / "site/models/pick_release/index.html").is_file()
    shutil.rmtree(tmp_path / "site")


@lru_cache
def sentences() -> tuple[str, ...]:
    """All texts of the code; what is put into one stands there as an ellipsis."""
    found: list[str] = []
    for path in sorted((ROOT / "sag_ros").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.JoinedStr):
                parts = (part.value if isinstance(part, ast.Constant) else "…" for part in node.values)
                found.append("".join(map(str, parts)))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.append(node.value)
    return tuple(found)


def test_tables_are_as_in_the_results():
    """Where a page has a table that scripts/claims.py writes."""
    done = subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "claims.py"), "--check"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_messages_of_the_handbook_are_those_of_the_code():
    section = (DOCS / "handbook.md").read_text(encoding="utf-8").split("## Messages")[1].split("\n## ")[0]
    rows = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    assert len(rows) > 15
    for message in SPAN.findall("\n".join(rows)):
        pieces = [piece for piece in message.split("…") if len(piece.strip()) > 2]
        assert any(all(piece in sentence for piece in pieces) for sentence in sentences()), message
