"""What is wrong with a table, in words: pydantic's errors told in the terms of the card."""

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any

from pydantic import BaseModel, ValidationError

from negf_torque.study import schema
from negf_torque.study.keylines import KeyPath

__all__ = ["complaints", "nearest", "path_text"]


def path_text(path: KeyPath) -> str:
    """A key's path as messages print it.

    Examples
    --------
    >>> path_text(("system", "layers", 2, "thickness"))
    'system.layers[2].thickness'
    """
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


def nearest(word: str, known: Iterable[str], what: str = "keys") -> str:
    """A sentence that names the known word nearest to a wrong one, or all of them.

    Examples
    --------
    >>> nearest("thicknes", ["thickness", "onsite"])
    'Did you mean "thickness"?'
    >>> nearest("colour", ["thickness", "onsite"])
    'Known keys: thickness, onsite.'
    """
    known = list(known)
    close = get_close_matches(word, known, n=1, cutoff=0.6)
    if close:
        return f'Did you mean "{close[0]}"?'
    return f"Known {what}: {', '.join(known)}." if known else f"There are no {what} here."


def complaints(error: ValidationError, model: type[BaseModel], data: Any) -> dict[KeyPath, str]:
    """One message for each key that does not fit.

    Parameters
    ----------
    error : pydantic.ValidationError
        From validating `data` against `model`.
    model, data
        The table's model and what the card gives.

    Returns
    -------
    dict
        From the key's path inside the table to the message.
    """
    messages: dict[KeyPath, str] = {}
    branches: set[KeyPath] = set()
    for entry in error.errors(include_url=False, include_context=True):
        path, value, tagged = _place(entry["loc"], data, entry["type"] == "missing")
        if tagged and entry["type"] not in ("missing", "extra_forbidden", "value_error"):
            branches.add(path)
        message = _message(entry, path, value, model)
        # Of several alternatives that all fail a sentence of our own says more than a type.
        if path not in messages or entry["type"] in ("value_error", "missing"):
            messages[path] = message
    deeper = {path[:cut] for path in messages for cut in range(len(path))}
    return {p: text for p, text in messages.items() if not (p in branches and p in deeper)}


def _place(location: tuple, data: Any, missing: bool) -> tuple[KeyPath, Any, bool]:
    """The key's path, its value, and whether alternatives of a union were passed on the way.

    Pydantic's location names alternatives of unions as well; they are not part of the path.
    """
    path: KeyPath = ()
    tagged = False
    for index, part in enumerate(location):
        last = index == len(location) - 1
        if isinstance(data, dict) and part in data:
            data = data[part]
        elif isinstance(data, list) and isinstance(part, int) and part < len(data):
            data = data[part]
        elif last and (missing or isinstance(data, list) and isinstance(part, int)):
            data = None
        else:
            tagged = True
            continue
        path = (*path, part)
    return path, data, tagged


def _message(entry: Any, path: KeyPath, value: Any, model: type[BaseModel]) -> str:
    kind = entry["type"]
    if kind == "extra_forbidden":
        return "no such key. " + nearest(str(path[-1]), schema.known_keys(model, path[:-1]))
    found = schema.node_at(model, path)
    info = schema.describe(path_text(path), *found) if found else None
    words = f": {info.description.rstrip('.')}" if info and info.description else ""
    if kind == "missing":
        return f"missing. Give {info.expected if info else 'a value'}{words}."
    shown = schema.repr_toml(value)
    if kind in ("value_error", "assertion_error"):
        text = str(entry.get("ctx", {}).get("error", entry["msg"]))
        if text.split(" ", 1)[0] in ("is", "has"):
            return f"it {text}" if isinstance(value, dict) else f"{shown} {text}"
        return text
    if kind in ("union_tag_invalid", "union_tag_not_found"):
        tags = entry["ctx"].get("expected_tags") or entry["ctx"]["discriminator"]
        return f"{shown} is of no known kind. Give kind = {tags.replace(chr(39), chr(34))}."
    if kind == "finite_number":
        return f"{shown} is not finite. Give {info.expected if info else 'a number'}{words}."
    if info is None:
        return f"{shown} cannot be used: {entry['msg']}."
    return f"{shown} cannot be used. Give {info.expected}{words}."
