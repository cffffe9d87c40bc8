"""What a card may contain, in words: types, ranges, units and defaults from the models' schema.

The reference of the cards and the messages about mistakes are both written from here, so that
they cannot disagree.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from pydantic import BaseModel

from negf_torque.study.keylines import KeyPath

__all__ = [
    "KeyInfo",
    "describe",
    "entry_types",
    "known_keys",
    "node_at",
    "options",
    "repr_toml",
    "walk",
]

Node = dict[str, Any]


@dataclass(frozen=True)
class KeyInfo:
    """One key as the reference shows it."""

    path: str
    kind: str
    limits: str
    unit: str
    default: str
    description: str

    @property
    def expected(self) -> str:
        """What to give, for a message: type, range, unit."""
        words = self.kind + (f", {self.limits}" if self.limits else "")
        return words + (f", in {self.unit}" if self.unit else "")


_WORDS = {
    "integer": ("a whole number", "whole numbers"),
    "number": ("a number", "numbers"),
    "string": ("a text in quotes", "texts in quotes"),
    "boolean": ("true or false", "true or false"),
    "object": ("a table", "tables"),
    "null": ("nothing", "nothing"),
}
_LIMITS = {
    "minimum": "{} or more",
    "exclusiveMinimum": "more than {}",
    "maximum": "at most {}",
    "exclusiveMaximum": "less than {}",
    "minLength": "at least {} characters",
}


def describe(path: str, node: Node, definitions: Node, required: bool = False) -> KeyInfo:
    """The key at `path` in words, from its node of a JSON schema."""
    merged = _resolved(node, definitions)
    default = "required" if required else _default(merged.get("default"))
    if merged.get("type") == "object" and "default" not in merged and not required:
        default = "the defaults of its keys"
    return KeyInfo(
        path=path,
        kind=_kind(merged, definitions),
        limits=", ".join(_limits(merged)),
        unit=merged.get("unit", ""),
        default=default,
        description=merged.get("description", "").strip(),
    )


def node_at(model: type[BaseModel], path: KeyPath) -> tuple[Node, Node] | None:
    """Schema node and definitions for the key at `path` inside `model`, or None."""
    schema = _schema_of(model)
    definitions = schema.get("$defs", {})
    nodes = [schema]
    for part in path:
        nodes = [child for node in nodes for child in _children(node, definitions, part)]
    if not nodes:
        return None
    # what stands there may be of several forms: lists of numbers, or of lists
    return (nodes[0] if len(nodes) == 1 else {"anyOf": nodes}), definitions


def known_keys(model: type[BaseModel], path: KeyPath) -> list[str]:
    """Keys that the table at `path` inside `model` may have."""
    found = node_at(model, path)
    if found is None:
        return []
    keys: list[str] = []
    for option in options(*found):
        keys += [name for name in option.get("properties", {}) if name not in keys]
    return keys


def walk(model: type[BaseModel], table: str) -> Iterator[KeyInfo]:
    """Every key of `model`, tables inside it included, in the order of their definition."""
    schema = _schema_of(model)
    yield from _walk(schema, schema.get("$defs", {}), table)


@lru_cache(maxsize=64)
def _schema_of(model: type[BaseModel]) -> Node:
    return model.model_json_schema(by_alias=True)


def _walk(node: Node, definitions: Node, path: str) -> Iterator[KeyInfo]:
    required = node.get("required", [])
    for name, child in node.get("properties", {}).items():
        here = f"{path}.{name}"
        yield describe(here, child, definitions, name in required)
        for option in options(_resolved(child, definitions), definitions):
            if "properties" in option:
                yield from _walk(option, definitions, _variant(here, option))
            item = _resolved(option.get("items", {}), definitions)
            for inner in options(item, definitions):
                if "properties" in inner:
                    yield from _walk(inner, definitions, _variant(f"{here}[]", inner))


def _variant(path: str, node: Node) -> str:
    """Name the variant of a table that is chosen by its `kind`."""
    kind = node["properties"].get("kind", {}).get("const")
    return f"{path}({kind})" if kind else path


def _resolved(node: Node, definitions: Node) -> Node:
    """The node with its reference replaced by what it refers to; its own words win."""
    if "$ref" in node:
        target = definitions[node["$ref"].rsplit("/", 1)[1]]
        own = {name: value for name, value in node.items() if name != "$ref"}
        return {**_resolved(target, definitions), **own}
    return node


def options(node: Node, definitions: Node) -> list[Node]:
    """The alternatives that a node allows, without null."""
    node = _resolved(node, definitions)
    alternatives = node.get("anyOf") or node.get("oneOf")
    if not alternatives:
        return [node]
    found = [o for alternative in alternatives for o in options(alternative, definitions)]
    return [option for option in found if option.get("type") != "null"]


def entry_types(node: Node, definitions: Node) -> set[str]:
    """Types that the entries of an array may have."""
    entries = [*node.get("prefixItems", []), *([node["items"]] if "items" in node else [])]
    return {option.get("type", "") for entry in entries for option in options(entry, definitions)}


def _children(node: Node, definitions: Node, part: str | int) -> list[Node]:
    children = []
    for option in options(node, definitions):
        if isinstance(part, int):
            prefix = option.get("prefixItems", [])
            if part < len(prefix):
                children.append(prefix[part])
            elif option.get("items"):
                children.append(option["items"])
        elif part in option.get("properties", {}):
            children.append(option["properties"][part])
    return children


def _kind(node: Node, definitions: Node, plural: bool = False) -> str:
    found = options(node, definitions)
    if len(found) > 1:
        return " or ".join(dict.fromkeys(_kind(option, definitions, plural) for option in found))
    node = found[0] if found else {}
    if "const" in node:
        return repr_toml(node["const"])
    if "enum" in node:
        return "one of " + ", ".join(map(repr_toml, node["enum"]))
    if node.get("type") == "array":
        return _array_kind(node, definitions, plural)
    return _WORDS.get(node.get("type", ""), ("a value", "values"))[plural]


def _array_kind(node: Node, definitions: Node, plural: bool) -> str:
    least, most = node.get("minItems"), node.get("maxItems")
    items = node.get("prefixItems") or [node.get("items", {})]
    entries = _kind(items[0], definitions, plural=True)
    count = f"{least} " if least is not None and least == most else ""
    if least and not count:
        count = f"{least} or more "
    return f"{'lists' if plural else 'a list'} of {count}{entries}"


def _limits(node: Node) -> list[str]:
    alternatives = node.get("anyOf", [])
    found = [words.format(_number(node[name])) for name, words in _LIMITS.items() if name in node]
    for alternative in alternatives:
        found += [limit for limit in _limits(alternative) if limit not in found]
    items = node.get("items")
    if isinstance(items, dict):
        found += [f"each {limit}" for limit in _limits(items)]
    return found


def _number(value: float) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _default(value: Any) -> str:
    return "none" if value is None else repr_toml(value)


def repr_toml(value: Any, limit: int = 60) -> str:
    """A value as a card would write it, cut after `limit` characters.

    Examples
    --------
    >>> repr_toml([1, "a", True, {"b": 2.5}])
    '[1, "a", true, {b = 2.5}]'
    """
    text = _toml(value)
    return text if len(text) <= limit else text[: limit - 3] + "..."


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_toml, value)) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name} = {_toml(v)}" for name, v in value.items()) + "}"
    return str(value)
