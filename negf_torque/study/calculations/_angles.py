"""Angles between two magnets, as cards give them."""

__all__ = ["in_half_turn"]


def in_half_turn(angles: list[float]) -> list[float]:
    """The angles, if each lies in 0 ... 180 degrees and stands there once.

    Raises
    ------
    ValueError
        If not; the message goes on from the key's name.

    Examples
    --------
    >>> in_half_turn([0.0, 90.0])
    [0.0, 90.0]
    """
    for angle in angles:
        if not 0 <= angle <= 180:
            raise ValueError(f"has {angle:g}, which is outside 0 ... 180 degrees.")
    if len(set(angles)) != len(angles):
        raise ValueError("has an angle twice. Give each angle once.")
    return angles
