"""Whether any electron arrives at all: told before a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from negf_torque.study.card import Card

__all__ = ["closed_leads"]

#: Momenta of each direction at which open channels are looked for.
MESH = 24


def closed_leads(card: Card) -> list[str]:
    """A warning for each lead without an open channel at the Fermi energy, on a mesh of momenta."""
    from negf_torque.lattice import layer_chain
    from negf_torque.transport.device import make_device, solve

    chain = layer_chain(card.build())
    once = 2 * np.pi * (np.arange(MESH) + 0.5) / MESH
    axes = np.meshgrid(*[once] * chain.dimension, indexing="ij")
    k = np.stack([a.ravel() for a in axes], axis=1) if axes else np.zeros((1, 0))
    energy = card.calculation.energy
    channels = solve(make_device(chain), k, np.full(len(k), energy)).open_channels
    where = f" at any of {len(k)} momenta" if axes else ""
    return [
        f"energy: {energy:g} eV lies outside all bands of the {name} lead{where}; no electron "
        "arrives and the conductance is zero."
        for name, number in zip(("left", "right"), channels.sum(axis=-1), strict=True)
        if number == 0
    ]
