"""What a convention is, and what a conversion may need to know besides the numbers."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

__all__ = ["CONTEXT", "Convention", "Numbers", "identity"]

Numbers = Mapping[str, float]

#: What a conversion may need besides the numbers themselves: unit and reason.
CONTEXT: dict[str, str] = {
    "saturation_magnetisation": "A/m; torques per current act on the moment M_s d",
    "thickness": "nm; d of the free layer (for OOMMF and ubermag: of one cell)",
    "current_density": "A/m^2; splits a field into current and efficiency (J > 0: electrons "
    "from the fixed to the free layer)",
    "damping": "Gilbert alpha; this convention's coefficients belong to the explicit equation",
    "polarisation": "P; splits a drift velocity into current and polarisation",
    "cosine": "m.p at which an angle-dependent torque is taken by a convention without Lambda",
}


@dataclass(frozen=True)
class Convention:
    """One way to write a torque.

    Attributes
    ----------
    kind : str
        "slonczewski", "zhang_li" or "damping".
    keys : dict
        Name of each number -> its unit.
    needs : tuple of str
        Keys of `CONTEXT` without which it cannot be converted.
    to_reference, from_reference : callable
        (numbers, context) -> numbers.
    note : str
        What a user must know: sign, direction, which thickness.
    least_Lambda : float
        Smaller Lambda are refused by the solver itself.
    """

    kind: str
    keys: dict[str, str]
    needs: tuple[str, ...]
    to_reference: Callable[[Numbers, Numbers], dict[str, float]]
    from_reference: Callable[[Numbers, Numbers], dict[str, float]]
    note: str = ""
    least_Lambda: float = 0.0


def identity(n: Numbers, context: Numbers) -> dict[str, float]:
    """The reference itself."""
    return dict(n)
