"""Arguments that many functions share, checked once with one message each."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from negf_torque.disorder.impurities import Impurity, MagneticImpurities, NonmagneticImpurities
from negf_torque.lattice.layers import LayerChain
from negf_torque.lattice.magnet import Magnet

__all__ = ["chain_of", "impurities_of", "real_energy", "real_temperature"]


def real_energy(energy: Any) -> float:
    """One real, finite energy in eV.

    Raises
    ------
    ValueError
        If it is anything else.

    Examples
    --------
    >>> real_energy(np.float64(-0.5))
    -0.5
    """
    number = np.asarray(energy)
    if number.ndim or number.dtype.kind not in "iuf" or not np.isfinite(number):
        raise ValueError(f"energy: {energy!r} is not an energy. Give one real number in eV.")
    return float(number)


def real_temperature(temperature: Any) -> float:
    """One temperature in kelvin, 0 or more.

    Raises
    ------
    ValueError
        If it is anything else.

    Examples
    --------
    >>> real_temperature(300)
    300.0
    """
    number = np.asarray(temperature)
    good = not number.ndim and number.dtype.kind in "iuf" and np.isfinite(number) and number >= 0
    if not good:
        raise ValueError(f"temperature: {temperature!r} is not a temperature in kelvin, 0 or more.")
    return float(number)


def chain_of(chain: Any) -> LayerChain:
    """A chain of layers.

    Raises
    ------
    ValueError
        If it is a magnet that is not cut into layers yet, or something else.
    """
    if isinstance(chain, LayerChain):
        return chain
    remedy = (
        "cut the magnet into layers first: layer_chain(magnet)"
        if isinstance(chain, Magnet)
        else "expected one LayerChain, as layer_chain gives"
    )
    raise ValueError(f"chain: {type(chain).__name__} is not a chain of layers; {remedy}.")


def impurities_of(impurities: Any) -> tuple[Impurity, ...]:
    """A sequence of kinds of impurities, or a single kind.

    Raises
    ------
    ValueError
        If it holds anything else.
    """
    kinds = NonmagneticImpurities | MagneticImpurities
    if isinstance(impurities, kinds):
        return (impurities,)
    if not isinstance(impurities, Sequence) or not all(isinstance(i, kinds) for i in impurities):
        raise ValueError(
            f"impurities: {impurities!r} is not a list of NonmagneticImpurities and "
            "MagneticImpurities."
        )
    return tuple(impurities)
