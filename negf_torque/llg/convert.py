"""Numbers of one solver's convention in another's, also for numbers typed by hand.

The conventions themselves, with signs and units, are in `negf_torque.llg.conventions`.
"""

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from math import isfinite

from negf_torque.llg.conventions import CONTEXT, CONVENTIONS, Convention

__all__ = ["conversion_rows", "convention", "convert", "convert_to_all", "parse_numbers"]


def _nearest(what: str, name: str, known) -> ValueError:
    near = get_close_matches(str(name), list(known), n=1, cutoff=0.0)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    return ValueError(f"{what}: {name!r} is not known.{hint} Known: {', '.join(known)}.")


def convention(kind: str, name: str) -> Convention:
    """The convention `name` of a `kind` ("slonczewski", "zhang_li", "damping")."""
    if kind not in CONVENTIONS:
        raise _nearest("kind", kind, CONVENTIONS)
    if name not in CONVENTIONS[kind]:
        raise _nearest("convention", name, CONVENTIONS[kind])
    return CONVENTIONS[kind][name]


def _check(name: str, chosen: Convention, numbers: Mapping[str, float]) -> dict[str, float]:
    for key in numbers:
        if key not in chosen.keys:
            raise _nearest(f"key of {name}", key, chosen.keys)
    missing = [key for key in chosen.keys if key not in numbers]
    if missing == ["Lambda"]:
        return {**_finite(numbers), "Lambda": 1.0}
    if missing:
        wanted = ", ".join(f"{key} ({chosen.keys[key]})" for key in missing)
        raise ValueError(f"{missing[0]}: missing. {name} also needs {wanted}.")
    return _finite(numbers)


def _finite(numbers: Mapping[str, float]) -> dict[str, float]:
    for key, value in numbers.items():
        if not (isinstance(value, int | float) and isfinite(value)):
            raise ValueError(f"{key}: {value!r} is not a finite number.")
    if numbers.get("Lambda", 1.0) <= 0:
        raise ValueError(f"Lambda: {numbers['Lambda']!r} is not positive.")
    if numbers.get("damping", 0.0) < 0:
        raise ValueError(f"damping: {numbers['damping']!r} is negative. Gilbert's alpha is >= 0.")
    return dict(numbers)


def convert(
    kind: str,
    source: str,
    target: str,
    numbers: Mapping[str, float],
    **context: float,
) -> dict[str, float]:
    """Translate `numbers` from one convention to another.

    Parameters
    ----------
    kind : {"slonczewski", "zhang_li", "damping"}
        Spin-orbit torques are Slonczewski torques with Lambda = 1.
    source, target : str
        Names in `negf_torque.llg.conventions.CONVENTIONS[kind]`.
    numbers : mapping
        The source's keys with values in the source's units; Lambda may be left out (1).
    **context
        Keys of `negf_torque.llg.conventions.CONTEXT` that either side needs.

    Returns
    -------
    dict
        The target's keys, in the target's units.

    Raises
    ------
    ValueError
        Unknown kind, convention or key (the nearest is named), missing context (with the
        reason), or a torque that the target cannot express (with what would be lost).

    Examples
    --------
    Half of transport's P is a solver's P:

    >>> numbers = {"J": 1e11, "P": 0.5, "Lambda": 1.4, "eta_perp": 0.1}
    >>> out = convert("slonczewski", "transport", "mumax3", numbers,
    ...               saturation_magnetisation=8e5, thickness=2.0)
    >>> round(out["P"], 12), round(out["epsilon_prime"], 12), out["J"] == 1e11
    (0.25, 0.05, True)
    """
    before, after = convention(kind, source), convention(kind, target)
    numbers = _check(source, before, numbers)
    for key in context:
        if key not in CONTEXT:
            raise _nearest("context", key, CONTEXT)
    context = _finite(context)
    for side, chosen in ((source, before), (target, after)):
        for key in chosen.needs:
            if key not in context:
                raise ValueError(f"{key}: missing. {side} needs it ({CONTEXT[key]}).")
    for key in ("saturation_magnetisation", "thickness"):
        if key in context and context[key] <= 0:
            raise ValueError(f"{key}: {context[key]!r} is not positive ({CONTEXT[key]}).")
    _check_lambda(source, before, numbers)
    out = after.from_reference(before.to_reference(numbers, context), context)
    out = {key: float(out[key]) for key in after.keys}
    _check_lambda(target, after, out)
    return out


def _check_lambda(name: str, chosen: Convention, numbers: Mapping[str, float]) -> None:
    """Refuse a Lambda that the solver refuses, with the numbers that it takes instead."""
    lam = numbers.get("Lambda", 1.0)
    if lam >= chosen.least_Lambda * (1 - 1e-12):
        return
    same = {"J": -numbers["J"], "P": numbers["P"] * lam**2, "Lambda": 1 / lam}
    same["epsilon_prime"] = numbers["epsilon_prime"]
    listing = ", ".join(f"{key} = {value:.8g}" for key, value in same.items())
    raise ValueError(
        f"Lambda: {lam!r} is below 1, which {name} refuses. Exactly the same torque, with p "
        f"reversed: {listing}."
    )


def convert_to_all(
    kind: str, source: str, numbers: Mapping[str, float], **context: float
) -> dict[str, dict[str, float] | str]:
    """The same torque in every convention; where one cannot express it, the reason instead.

    Examples
    --------
    >>> table = convert_to_all("zhang_li", "reference", {"u": 100.0, "beta": 0.04})
    >>> table["magnumnp"]
    {'b_j': -100.0, 'xi': 0.04}
    >>> table["mumax3"][:55]
    'saturation_magnetisation: missing. mumax3 needs it (A/m'
    """
    convention(kind, source)
    table: dict[str, dict[str, float] | str] = {}
    convert(kind, source, source, numbers, **context)
    for target in CONVENTIONS[kind]:
        try:
            table[target] = convert(kind, source, target, numbers, **context)
        except ValueError as error:
            table[target] = str(error)
    return table


def conversion_rows(
    kind: str,
    source: str,
    numbers: Mapping[str, float],
    target: str | None = None,
    **context: float,
) -> list[tuple[str, str, float | str, str, str]]:
    """The same torque as rows of a table: convention, key, value, unit, note.

    Every convention that can express it, or `target` alone; a convention that cannot has one row
    with an empty key and the reason as its note.

    Examples
    --------
    >>> conversion_rows("zhang_li", "reference", {"u": 10.0, "beta": 0.1}, "magnumnp")[0][:4]
    ('magnumnp', 'b_j', -10.0, 'm/s')
    """
    if target is None:
        found = convert_to_all(kind, source, numbers, **context)
    else:
        found = {target: convert(kind, source, target, numbers, **context)}
    rows: list[tuple[str, str, float | str, str, str]] = []
    for name, values in found.items():
        known = CONVENTIONS[kind][name]
        if isinstance(values, str):
            rows.append((name, "", "", "", values))
            continue
        for position, (key, value) in enumerate(values.items()):
            rows.append((name, key, value, known.keys[key], "" if position else known.note))
    return rows


def parse_numbers(assignments: Sequence[str]) -> dict[str, float]:
    """Numbers typed as "key=value".

    Examples
    --------
    >>> parse_numbers(["J=1e11", "P = 0.4"])
    {'J': 100000000000.0, 'P': 0.4}
    """
    numbers = {}
    for text in assignments:
        key, sign, value = (part.strip() for part in text.partition("="))
        try:
            numbers[key] = float(value)
        except ValueError:
            raise ValueError(
                f"{text!r} is not a number with a name. Write key=value, for instance J=1e11."
            ) from None
        if not sign or not key:
            raise ValueError(f"{text!r} is not a number with a name. Write key=value.")
    return numbers
