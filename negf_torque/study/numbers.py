"""Numbers as they are shown: as many digits as their error leaves, and no noise of rounding."""

from __future__ import annotations

import math
from typing import Any

__all__ = ["shown", "shown_error"]

#: Digits of a number whose error is smaller, or not known.
DIGITS = 8


def shown(value: Any, error: float | None = None, minus: str = "-") -> str:
    """A number in text, rounded to the second digit of its error; other things as they are.

    A part of a complex number that is below the last digit of the larger one is zero.

    Examples
    --------
    >>> shown(0.5 - 1.3e-17j), shown(0.73157997, 3.04e-4), shown(1e-12, 2e-9)
    ('0.5 + 0i', '0.73158', '0')
    """
    if isinstance(value, bool) or not isinstance(value, int | float | complex):
        return str(value)
    if isinstance(value, int):
        return str(value).replace("-", minus)
    size = max(abs(value.real), abs(value.imag))
    place = _last_place(size, error)
    if isinstance(value, complex):
        real, imaginary = _rounded(value.real, place), _rounded(value.imag, place)
        sign = minus if imaginary < 0 else "+"
        return f"{_text(real, minus)} {sign} {_text(abs(imaginary), minus)}i"
    return _text(_rounded(value, place), minus)


def shown_error(error: float | None) -> str:
    """An error in text with two digits; nothing where none is known."""
    return "" if error is None or math.isnan(error) else f"{error:.1e}"


def _last_place(size: float, error: float | None) -> int | None:
    """Power of ten of the last digit that is shown; None: of all digits that there are."""
    places = []
    if size and math.isfinite(size):
        places.append(math.floor(math.log10(size)) - DIGITS + 1)
    if error is not None and error > 0 and math.isfinite(error):
        places.append(math.floor(math.log10(error)) - 1)
    return max(places) if places else None


def _rounded(value: float, place: int | None) -> float:
    if place is None or not math.isfinite(value):
        return value
    # beyond the smallest power of ten there is nothing to round
    return round(value, -place) + 0.0 if place > -300 else value


def _text(value: float, minus: str) -> str:
    return f"{value:.{DIGITS}g}".replace("-", minus)
