"""Hook of mkdocs.yml: files of the repository outside ``docs/`` become files of the site.

A page links them as GitHub wants it, relative to itself (``../bench/results/tasks_density.png``). Whatever is
linked so, or named in the navigation, is added under its path in the repository, and the links are adapted.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
DOCS = "docs/"
LINK = re.compile(r"(?<=\]\()(?![a-z]+:|#)([^)\s#]+)")


def repository_path(source: str) -> str:
    """Path in the repository of the page that the site calls ``source``."""
    inside = f"{DOCS}{source}"
    return inside if (ROOT / inside).exists() else source


def targets(source: str, text: str) -> Iterator[str]:
    """Paths in the repository of what the page ``source`` links to."""
    folder = posixpath.dirname(repository_path(source))
    for link in LINK.findall(text):
        yield posixpath.normpath(posixpath.join(folder, link))


def pages_of(entries: Any) -> Iterator[str]:
    """Pages named in the navigation."""
    if isinstance(entries, str):
        yield entries
    else:
        for entry in entries.values() if isinstance(entries, dict) else entries:
            yield from pages_of(entry)


def on_files(files: Any, config: Any) -> Any:
    """Add what is linked or in the navigation and lies outside ``docs/``."""
    from mkdocs.structure.files import File

    wanted = [page for page in pages_of(config.nav) if not (ROOT / DOCS / page).exists()]
    seen: set[str] = set()
    queue = [*wanted, *(file.src_uri for file in files.documentation_pages())]
    while queue:
        source = queue.pop()
        path = repository_path(source)
        if path in seen:
            continue
        seen.add(path)
        if not path.startswith(DOCS) and (ROOT / path).is_file():
            files.append(File.generated(config, path, abs_src_path=str(ROOT / path)))
        if path.endswith(".md") and (ROOT / path).is_file():
            for target in targets(source, (ROOT / path).read_text(encoding="utf-8")):
                outside = not target.startswith((DOCS, "../")) and (ROOT / target).is_file()
                queue += [target] if outside else []
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Any) -> str:
    """Links between paths of the repository become links between files of the site."""
    source = page.file.src_uri
    folder = posixpath.dirname(repository_path(source))

    def adapt(match: re.Match[str]) -> str:
        target = posixpath.normpath(posixpath.join(folder, match[1])).removeprefix(DOCS)
        return posixpath.relpath(target, posixpath.dirname(source) or ".")

    return LINK.sub(adapt, markdown)
