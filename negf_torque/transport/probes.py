"""Boundary conditions of terminals: which voltages belong to given voltages and currents.

    I_p = sum_q G_pq V_q,    rows and columns of G sum to zero.

A terminal has a given voltage, a given current, or floats: no net charge flows through it and its
voltage is what it shows (a voltage probe).  A floating terminal is still a reservoir: it takes
in electrons of one spin and returns as many of the other, so that its spin current does not vanish
and spin is lost there.  Where that is not wanted (a contact that floats for each spin as well),
end the wire without a lead.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse.csgraph import connected_components

__all__ = ["terminal_voltages"]

#: Transmissions below this share of the largest one do not connect terminals.
_CONNECTED = 1e-12


def terminal_voltages(
    conductance: NDArray,
    names: Sequence[str],
    voltages: Mapping[str, float] | None = None,
    currents: Mapping[str, float] | None = None,
) -> NDArray:
    """Voltages of all terminals.

    Parameters
    ----------
    conductance : (P, P)
        G_pq, current into the device through p per voltage of q, e^2/h.
    names : sequence of str
        The terminals.
    voltages : mapping, optional
        Given voltages.
    currents : mapping, optional
        Given currents into the device, in e^2/h times the unit of the voltages.  Terminals that
        are in neither mapping float.  If no voltage is given, the currents must sum to zero and
        the mean of the voltages is zero.

    Returns
    -------
    (P,)

    Raises
    ------
    ValueError
        If a name is unknown or given twice, nothing drives the device, currents cannot be
        conserved, or a terminal's voltage is undetermined because nothing connects it.

    Examples
    --------
    Three equal wires that meet: the floating one shows the mean of the other two.

    >>> g = 3 * np.eye(3) - np.ones((3, 3))
    >>> terminal_voltages(g, ["a", "b", "c"], voltages={"a": 1.0, "b": 0.0}).round(12).tolist()
    [1.0, 0.0, 0.5]
    """
    conductance = np.asarray(conductance, float)
    voltages, currents = dict(voltages or {}), dict(currents or {})
    _check_names(names, voltages, currents)
    fixed = np.array([name in voltages for name in names])
    value = np.array([float(voltages.get(name, 0.0)) for name in names])
    wanted = np.array([float(currents.get(name, 0.0)) for name in names])
    off = np.abs(conductance - np.diag(np.diag(conductance)))
    linked = off > _CONNECTED * max(np.abs(conductance).max(), 1e-300)
    _, group = connected_components(linked, directed=False)
    for g in np.unique(group):
        _solve_group(conductance, names, np.flatnonzero(group == g), fixed, wanted, value)
    return value


def _solve_group(conductance, names, here, fixed, wanted, value) -> None:
    """Fill in the voltages of terminals that are connected with each other."""
    free = here[~fixed[here]]
    if not len(free):
        return
    label = ", ".join(repr(names[p]) for p in here)
    if len(here) == 1:
        raise ValueError(
            f"terminals: nothing connects {label} with another terminal at this energy, so that "
            "its voltage is undetermined. Give it a voltage."
        )
    held = here[fixed[here]]
    if not len(held):
        if abs(wanted[here].sum()) > 1e-12 * max(np.abs(wanted[here]).sum(), 1e-300):
            raise ValueError(
                f"currents: they sum to {wanted[here].sum():g} over the terminals {label}, but "
                "charge is conserved. Give one of these terminals a voltage instead of a current."
            )
        if len(here) < len(names):
            raise ValueError(
                f"terminals: {label} are not connected with the rest of the device and have no "
                "voltage as a reference. Give one of them a voltage."
            )
    square = conductance[np.ix_(free, free)]
    right = wanted[free] - conductance[np.ix_(free, held)] @ value[held]
    if len(held):
        value[free] = np.linalg.solve(square, right)
    else:  # singular by a common shift, which the mean fixes
        value[free] = np.linalg.solve(square + np.abs(square).max(), right)


def _check_names(names, voltages, currents) -> None:
    for what, given in (("voltages", voltages), ("currents", currents)):
        for name, number in given.items():
            if name not in names:
                raise ValueError(f"{what}: {name!r} is no terminal; there are {list(names)}.")
            if not np.isfinite(number):
                raise ValueError(f"{what}: {number!r} at {name!r} is not a finite number.")
    both = sorted(set(voltages) & set(currents))
    if both:
        raise ValueError(
            f"terminals: {both[0]!r} has a voltage and a current. Give one of them; the other "
            "follows."
        )
    if len(set(voltages.values())) < 2 and not any(currents.values()):
        raise ValueError(
            "terminals: nothing drives the device. Give two terminals different voltages, or a "
            "terminal a current; those without either float."
        )
