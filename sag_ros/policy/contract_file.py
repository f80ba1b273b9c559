"""Reading and writing ``policy.yaml``, with errors that say what to change."""

from __future__ import annotations

import types
import typing
from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from sag_ros.policy.contract import Contract

CONTRACT_FILE = "policy.yaml"


class InWords(str):
    """A finding that is a description, not a value: shown without quotes."""

    def __repr__(self) -> str:
        return str(self)


MISSING = InWords("missing")


class BundleError(ValueError):
    """A policy bundle that must not be used.

    Attributes:
        file: the offending file.
        key: dotted key in the YAML file, or name of a tensor; empty when it concerns the whole file.
        value: what was found.
        allowed: what would have been accepted.
        remedy: what to do.
    """

    def __init__(self, file: Path, key: str, value: object, allowed: str, remedy: str) -> None:
        self.file, self.key, self.value, self.allowed, self.remedy = file, key, value, allowed, remedy
        shown = repr(value)
        if len(shown) > 120 and not isinstance(value, InWords):
            shown = shown[:117] + "..."
        finding = f"{key} is {shown}" if key else shown
        super().__init__(f"{file}: {finding}; allowed: {allowed}. {remedy}")


def require_inside(file: Path) -> None:
    """Refuse a file of a bundle that is a link to somewhere else. Raises BundleError."""
    target = file.resolve()
    if not target.is_relative_to(file.parent.resolve()):
        remedy = "A bundle is self-contained; put the file itself there."
        raise BundleError(
            file, "", InWords(f"a link to {target}"), "a file of the bundle's own folder", remedy
        )


class _Loader(yaml.SafeLoader):
    """Safe loader that refuses a key given twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        mapping = super().construct_mapping(node, deep)
        if len(mapping) != len(node.value):
            names = [key.value for key, _ in node.value]
            repeated = (key for i, (key, _) in enumerate(node.value) if key.value in names[:i])
            again = next(repeated, node.value[-1][0])  # 1 and 0x1 differ in spelling only
            problem = f"key '{again.value}' is given twice"
            raise yaml.constructor.ConstructorError(None, None, problem, again.start_mark)
        return mapping


def read_contract(file: Path) -> Contract:
    """Read ``policy.yaml``.

    Raises:
        BundleError: missing, not YAML, a wrong or missing key, a value of another type or out of range.
    """
    require_inside(file)
    try:
        content = yaml.load(file.read_text(encoding="utf-8"), _Loader)
    except FileNotFoundError:
        raise BundleError(file, "", MISSING, "a readable file", "Give a bundle's folder.") from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        problem = InWords(" ".join(str(error).split()))
        raise BundleError(file, "", problem, "a YAML mapping", "Repair the file.") from error
    return parse_contract(content, file)


def parse_contract(content: object, file: Path = Path(CONTRACT_FILE)) -> Contract:
    """Validate a mapping; ``file`` is only named in errors. Raises BundleError."""
    if not isinstance(content, Mapping):
        allowed = "a mapping with the keys " + ", ".join(Contract.model_fields)
        raise BundleError(file, "", InWords(type(content).__name__), allowed, "Write a mapping.")
    try:
        return Contract.model_validate(dict(content))
    except ValidationError as error:
        # a misspelt key shows as one unknown and one missing: the unknown one tells the person more
        errors = sorted(error.errors(), key=lambda e: e["type"] != "extra_forbidden")
        raise _explain(file, dict(errors[0])) from error


def contract_text(contract: Contract) -> str:
    """The content of ``policy.yaml``."""
    return yaml.safe_dump(contract.model_dump(mode="json"), sort_keys=False, allow_unicode=True)


def _explain(file: Path, error: dict[str, Any]) -> BundleError:
    location, kind, context = error["loc"], error["type"], error.get("ctx", {})
    key = ".".join(str(part) for part in location if part != "[key]")
    if kind == "inconsistent":
        remedy = context["remedy"]
        return BundleError(
            file, context["key"], context["value"], context["allowed"], remedy[:1].upper() + remedy[1:] + "."
        )
    if kind == "extra_forbidden":
        known = ", ".join(_section(location[:-1]).model_fields)
        return BundleError(file, key, error["input"], f"only the keys {known}", "Remove or rename the key.")
    if kind == "missing":
        return BundleError(file, key, MISSING, _expected(location), "Add the key.")
    allowed = context.get("expected") or error["msg"].replace("Input should", "it should")
    return BundleError(file, key, error["input"], str(allowed), "Correct the value.")


def _section(location: tuple[str | int, ...]) -> type[BaseModel]:
    """The model class at ``location``, following containers and optional values."""
    current: Any = Contract
    for part in location:
        if isinstance(current, type) and issubclass(current, BaseModel):
            current = current.model_fields[str(part)].annotation
            arguments = [a for a in typing.get_args(current) if a is not type(None)]
            if typing.get_origin(current) in (typing.Union, types.UnionType) and len(arguments) == 1:
                current = arguments[0]
        else:
            current = typing.get_args(current)[-1]  # list[X], dict[str, X]
    return typing.cast("type[BaseModel]", current)


def _expected(location: tuple[str | int, ...]) -> str:
    annotation = _section(location[:-1]).model_fields[str(location[-1])].annotation
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return "a mapping with the keys " + ", ".join(annotation.model_fields)
    return annotation.__name__ if isinstance(annotation, type) else str(annotation).replace("typing.", "")
