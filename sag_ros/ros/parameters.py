"""From the schema to ROS parameters and back, with errors a person can act on.

``python -m sag_ros.ros.parameters`` prints ``config/parameters.md``.
"""

from __future__ import annotations

import difflib
import types
import typing
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from sag_ros.ros.schema import NODES
from sag_ros.ros.sections import ONLOOKERS, Section

S = TypeVar("S", bound=Section)
# Parameters every ROS node has; not ours to refuse.
_FOREIGN = ("use_sim_time", "start_type_description_service", "qos_overrides")


class ParameterError(ValueError):
    """A configuration that is refused; one line per problem."""


def nest(flat: Mapping[str, Any]) -> dict[str, Any]:
    """Turn ``{"a.b": 1}`` into ``{"a": {"b": 1}}``."""
    tree: dict[str, Any] = {}
    for name, value in flat.items():
        *path, leaf = name.split(".")
        node = tree
        for part in path:
            node = node.setdefault(part, {})
            if not isinstance(node, dict):
                raise ParameterError(f"{name}: '{part}' is a value and a group at once")
        node[leaf] = value
    return tree


def flatten(section: BaseModel, prefix: str = "") -> dict[str, Any]:
    """Turn a validated section into dotted parameter names and plain values."""
    flat: dict[str, Any] = {}
    for name in type(section).model_fields:
        value = getattr(section, name)
        members = value if isinstance(value, dict) else {"": value} if isinstance(value, BaseModel) else None
        if members is None:
            flat[prefix + name] = value
            continue
        for key, member in members.items():
            flat |= flatten(member, f"{prefix}{name}." + (f"{key}." if key else ""))
    return flat


def _model_at(schema: type[BaseModel], path: tuple[Any, ...]) -> type[BaseModel]:
    model: Any = schema
    for part in path:
        if isinstance(model, type) and issubclass(model, BaseModel):
            model = model.model_fields[part].annotation
        else:
            model = typing.get_args(model)[1]  # dict[str, Section]: any key
    return model


def _explain(schema: type[BaseModel], error: Mapping[str, Any]) -> str:
    *path, leaf = error["loc"]
    name = ".".join(str(part) for part in error["loc"])
    if error["type"] != "extra_forbidden":
        return f"{name} = {error['input']!r}: {error['msg'][0].lower()}{error['msg'][1:]}"
    known = list(_model_at(schema, tuple(path)).model_fields)
    close = difflib.get_close_matches(str(leaf), known, n=1, cutoff=0.5)
    hint = f"did you mean '{close[0]}'? " if close else ""
    return f"unknown parameter '{name}': {hint}Known here: {', '.join(known)}"


def validate(schema: type[S], flat: Mapping[str, Any]) -> S:
    """Check dotted parameters against the schema.

    Raises:
        ParameterError: every problem on a line of its own: the parameter, its value and what is allowed;
            for an unknown name the closest known one.
    """
    mine = {name: value for name, value in flat.items() if name.split(".")[0] not in _FOREIGN}
    try:
        return schema.model_validate(nest(mine))
    except ValidationError as error:
        problems = [_explain(schema, item) for item in error.errors()]
        raise ParameterError("\n".join(problems)) from None


def given(path: Path, node: str) -> dict[str, Any]:
    """Dotted parameters in one node's section of a ROS 2 parameter file, as they stand there, without ROS.

    Raises:
        ParameterError: unreadable file, or no such node in it.
    """
    try:
        tree = yaml.safe_load(path.read_text())
        if node in ONLOOKERS and isinstance(tree, dict):  # whoever only looks on may do so with any file
            tree = {node: {"ros__parameters": {}}, **tree}
        return dict(_leaves(tree[node]["ros__parameters"] or {}))
    except (OSError, yaml.YAMLError) as error:
        raise ParameterError(f"{path}: {error}") from None
    except (KeyError, TypeError):
        raise ParameterError(f"{path}: has no '{node}: ros__parameters:' section") from None


def load_file(path: Path, node: str, overrides: Mapping[str, Any] | None = None) -> Section:
    """Read one node's section of a ROS 2 parameter file, without ROS.

    Raises:
        ParameterError: unreadable file, no such node in it, or an invalid parameter.
    """
    own = given(path, node)
    try:
        return validate(NODES[node], own | dict(overrides or {}))
    except ParameterError as error:
        raise ParameterError(f"{path}, {node}:\n{error}") from None


def _leaves(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in tree.items():
        if isinstance(value, dict):
            yield from _leaves(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value


def declare(node: Any, schema: type[S]) -> S:
    """Validate what the node was started with and declare every parameter of the schema on it.

    The node must have been created with ``automatically_declare_parameters_from_overrides=True``: only so
    does ROS tell of parameters that nobody declared. They are read-only but for those that the schema lists
    as ``LIVE``: the others are what a running node was built from.

    Raises:
        ParameterError: see :func:`validate`.
    """
    from rcl_interfaces.msg import ParameterDescriptor

    given = {name: parameter.value for name, parameter in node.get_parameters_by_prefix("").items()}
    config = validate(schema, given)
    flat = flatten(config)
    texts = {name: text for name, *_, text in rows(schema, config)}
    for name in given:
        if name in flat:
            node.undeclare_parameter(name)
    for name, value in flat.items():
        live = name in schema.LIVE
        text = texts.get(name, "") + ("" if live else " (read-only: takes a start of the node)")
        descriptor = ParameterDescriptor(description=text, read_only=not live)
        node.declare_parameter(name, value, descriptor, ignore_override=True)
    return config


def changed(config: S, values: Mapping[str, Any]) -> S:
    """``config`` with other ``values`` (dotted names), all or none.

    Raises:
        ParameterError: a value that is not allowed, or that does not go with the others; nothing is changed.
    """
    return validate(type(config), {**flatten(config), **values})


def _type_name(annotation: Any) -> str:
    if typing.get_origin(annotation) is typing.Literal:
        return " \\| ".join(str(value) for value in typing.get_args(annotation))
    return str(annotation) if isinstance(annotation, types.GenericAlias) else annotation.__name__


def _bounds(metadata: list[Any]) -> str:
    signs = {"gt": ">", "ge": "≥", "lt": "<", "le": "≤"}
    return ", ".join(
        f"{sign} {getattr(item, name):g}"
        for item in metadata
        for name, sign in signs.items()
        if hasattr(item, name)
    )


def rows(schema: type[BaseModel], section: BaseModel, prefix: str = "") -> Iterator[tuple[str, ...]]:
    """Yield (name, type, default, unit, bounds, description) of every parameter."""
    for name, field in schema.model_fields.items():
        value = getattr(section, name)
        if isinstance(value, BaseModel):
            yield from rows(type(value), value, f"{prefix}{name}.")
        elif isinstance(value, dict):
            for key, member in value.items():
                yield from rows(type(member), member, f"{prefix}{name}.{key}.")
            if not value:
                member = _model_at(schema, (name, ""))
                yield from rows(member, member.model_construct(), f"{prefix}{name}.<name>.")
        else:
            unit = (field.json_schema_extra or {}).get("unit", "")
            shown = f"`{value!r}`" if value != "" else ""
            text = field.description or ""
            yield prefix + name, _type_name(field.annotation), shown, unit, _bounds(field.metadata), text


def table() -> str:
    """``config/parameters.md``: every parameter of every node."""
    lines = [
        "# Parameters",
        "",
        "Generated from `sag_ros/ros/schema.py` by",
        "`python -m sag_ros.ros.parameters > config/parameters.md`; a test checks that it is up to date.",
        "Unknown parameters are refused. `cameras.<name>.…` exists once for each camera of the bundle,",
        "`signals.<name>.…` for each signal, `policies.<name>.…` for each policy that is given a name.",
    ]
    for node, schema in NODES.items():
        lines += ["", f"## {node}", "", "| parameter | type | default | unit | bounds | meaning |"]
        lines.append("|---|---|---|---|---|---|")
        for name, *rest in rows(schema, schema()):
            live = "; may be set while the node runs" if name in schema.LIVE else ""
            lines.append(f"| `{name}` | " + " | ".join(rest) + f"{live} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(table(), end="")
