"""Settings of a training as the checkpoint holds them: interpolations filled in, values by their path."""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Mapping
from typing import Any

_WHOLE = re.compile(r"^\$\{([^${}]+)\}$")
_INNER = re.compile(r"\$\{([A-Za-z_][\w.]*)\}")
_EVAL = re.compile(r"""^\$\{eval:\s*(['"])(.*)\1\s*\}$""")
_OPERATORS: dict[type, Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.FloorDiv: operator.floordiv,
}
MISSING = object()


class SettingsError(ValueError):
    """Something in the settings that cannot be used."""


def find(settings: Mapping[str, Any], path: str, default: Any = MISSING) -> Any:
    """The value at a dotted path, interpolations filled in.

    Raises:
        SettingsError: nothing is there and there is no default, or an interpolation that is not understood.
    """
    return _find(settings, path, default, 0)


def _find(settings: Mapping[str, Any], path: str, default: Any, depth: int) -> Any:
    value: Any = settings
    for part in path.split("."):
        if isinstance(value, str):
            value = _resolve(value, settings, depth + 1)
        if not isinstance(value, Mapping) or part not in value:
            if default is MISSING:
                raise SettingsError(f"the settings have no {path}")
            return default
        value = value[part]
    return _resolve(value, settings, depth + 1)


def _resolve(value: Any, settings: Mapping[str, Any], depth: int) -> Any:
    if depth > 20:
        raise SettingsError(f"interpolations in a circle at {value!r:.60}")
    if isinstance(value, Mapping):
        return {key: _resolve(one, settings, depth + 1) for key, one in value.items()}
    if isinstance(value, list):
        return [_resolve(one, settings, depth + 1) for one in value]
    if not isinstance(value, str) or "${" not in value:
        return value
    whole = _WHOLE.match(value)
    if whole and ":" not in whole[1]:
        return _find(settings, whole[1], MISSING, depth + 1)
    computed = _EVAL.match(value)
    if computed:
        text = _INNER.sub(lambda found: str(_find(settings, found[1], MISSING, depth + 1)), computed[2])
        return _compute(text)
    if _INNER.search(value) and ":" not in value:
        return _INNER.sub(lambda found: str(_find(settings, found[1], MISSING, depth + 1)), value)
    return value  # of a resolver that only matters where it is asked for


def _compute(text: str) -> Any:
    """Sums and products of whole numbers."""
    try:
        return _term(ast.parse(text, mode="eval").body)
    except (SyntaxError, TypeError, ZeroDivisionError):
        raise SettingsError(f"an expression that is not understood: {text!r:.60}") from None


def _term(node: ast.expr) -> Any:
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
        return _OPERATORS[type(node.op)](_term(node.left), _term(node.right))
    if isinstance(node, ast.Constant) and isinstance(node.value, (int, float)):
        return node.value
    raise TypeError
