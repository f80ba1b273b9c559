"""What is already measured: one JSON line per record, so that an interrupted benchmark continues."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Generic, TypeVar

R = TypeVar("R")


class Journal(Generic[R]):
    """Records on disk, of these identities and of others that share the file.

    Args:
        path: JSONL file; created on the first record.
        identities: method -> everything its records depend on; lines of another identity are kept in the
            file but not used. A method is known by its identity, not by its name: other methods may come
            and go, and a folder may be renamed.
        kind: a dataclass of JSON values with a ``method`` and a ``key``, an int that is unique within it.

    Attributes:
        foreign: number of lines of other identities or another format.
    """

    def __init__(self, path: Path, identities: Mapping[str, Mapping[str, Any]], kind: type[R]) -> None:
        self.path = path
        self.identities = {method: dict(identity) for method, identity in identities.items()}
        self.foreign = 0
        self._done: dict[tuple[str, int], R] = {}
        self._methods = {_text(identity): method for method, identity in self.identities.items()}
        for identity, entry in lines(path):
            method = self._method(identity, entry)
            try:
                record = None if method is None else kind(**{**entry, "method": method})
            except TypeError:  # other fields: an older or newer format
                record = None
            if record is None:
                self.foreign += 1
            else:
                self._add(record)

    def _method(self, identity: Any, entry: Mapping[str, Any]) -> str | None:
        return self._methods.get(_text(identity))

    def _identity(self, method: str) -> Mapping[str, Any]:
        return self.identities[method]

    def _add(self, record: Any) -> None:
        self._done[record.method, record.key] = record

    def __contains__(self, key: tuple[str, int]) -> bool:
        return key in self._done

    def records(self, method: str, keys: Iterable[int] | None = None) -> list[R]:
        """Records of ``method`` for the ``keys`` that are done, in their order; all of them by default."""
        if keys is None:
            keys = sorted(key for name, key in self._done if name == method)
        return [self._done[method, key] for key in keys if (method, key) in self._done]

    def forget(self) -> None:
        """As if nothing were done; the file keeps it, and what is appended replaces it."""
        self._done.clear()

    def append(self, record: Any) -> None:
        """Add a record and write it through, so that an interruption loses at most the running one."""
        self._add(record)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        line = json.dumps({"identity": self._identity(record.method), **asdict(record)})
        with self.path.open("ab+") as file:
            if file.tell():
                file.seek(-1, os.SEEK_END)
                if file.read(1) != b"\n":  # torn by a crash: leave that half line alone
                    line = "\n" + line
            file.write(line.encode() + b"\n")


def lines(path: Path) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """(identity, record) of each whole line; one that a crash has cut short is run again."""
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
        try:
            entry = json.loads(line)
            identity = entry.pop("identity")
        except (json.JSONDecodeError, TypeError, KeyError, AttributeError):
            continue
        if isinstance(identity, dict):
            yield identity, entry


def kept_identities(
    path: Path, methods: Iterable[str], wanted: Mapping[str, Any]
) -> dict[str, dict[str, Any]]:
    """Of each method that has records, the identity of the newest one: what a report is made of.

    Args:
        path: of a journal; it need not exist.
        methods: names.
        wanted: values that the identity must have.
    """
    fitting = [(entry, own) for own, entry in lines(path) if wanted.items() <= own.items()]
    newest = {entry.get("method"): own for entry, own in fitting}
    return {method: newest[method] for method in methods if method in newest}


def _text(identity: Any) -> str:
    return json.dumps(identity, sort_keys=True)
