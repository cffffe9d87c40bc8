"""Mixing conductances of impure interfaces, by the method that the card asks for."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from negf_torque.study.calculations._configurations import block_dataset, blocks, ensemble_of
from negf_torque.study.calculations._disorder_parts import is_explicit, table_of
from negf_torque.study.impurities import DisorderTable
from negf_torque.study.parts import cached

if TYPE_CHECKING:
    import xarray as xr

    from negf_torque.lattice.layers import LayerChain
    from negf_torque.study.card import Card
    from negf_torque.transport.mixing import MixingConductance

__all__ = ["averaged_mixing", "explicit_mixing", "mixing_block", "mixing_parts"]


def mixing_parts(card: Card) -> list[Any] | None:
    """Blocks of configurations for every energy, numbered; None without such."""
    if not is_explicit(card):
        return None
    energies = np.atleast_1d(card.calculation.energy)
    count = table_of(card).configurations
    return [part for number in range(len(energies)) for part in blocks(number, count)]


def mixing_block(card: Card, part: dict[str, Any], begun: xr.Dataset | None) -> xr.Dataset:
    """A block of configurations at one energy."""
    from negf_torque.lattice import layer_chain
    from negf_torque.transport.ensemble_mixing import drawn_mixing
    from negf_torque.transport.ensembles import Configurations

    table = table_of(card)

    def make() -> Any:
        drawn = Configurations(
            chain=cached(card, "chain", lambda: layer_chain(card.build())),
            energy=float(np.atleast_1d(card.calculation.energy)[part["ensemble"]]),
            impurities=tuple(impurity.impurity() for impurity in card.impurities),
            cells=table.supercell,
            mesh=table.supercell_mesh,
        )
        return drawn_mixing(drawn, card.calculation.direction)

    evaluate = cached(card, part["ensemble"], make)
    return block_dataset(evaluate, 1, table, part, ("Re g_r", "e^2/h"), begun)


def explicit_mixing(
    card: Card, chain: LayerChain, found: Callable[[Any], xr.Dataset]
) -> list[MixingConductance]:
    """One entry for each energy, from the blocks of its configurations."""
    from negf_torque.transport.ensemble_mixing import mixing_of

    table = table_of(card)
    energies = np.atleast_1d(card.calculation.energy)
    return [
        mixing_of(
            chain, ensemble_of(blocks(number, table.configurations), found), table.supercell_mesh
        )
        for number in range(len(energies))
    ]


def averaged_mixing(card: Card, chain: LayerChain, energy: float) -> MixingConductance:
    """One energy; errors are statistical, or what three quarters of the mesh change."""
    from negf_torque.transport.disordered_mixing import disordered_mixing
    from negf_torque.transport.mixing import MixingConductance

    table = card.disorder or DisorderTable()
    direction = card.calculation.direction
    kinds = [impurity.impurity() for impurity in card.impurities]
    meshes = (table.fixed_mesh, max(1, 3 * table.fixed_mesh // 4)) if chain.dimension else (1, 1)
    fine, coarse = (
        disordered_mixing(chain, energy, kinds, table.method, mesh, direction) for mesh in meshes
    )
    through = 0.0
    if fine.transmission is not None and coarse.transmission is not None:
        through = abs(fine.transmission - coarse.transmission)
    return MixingConductance(
        reflection=fine.reflection,
        transmission=fine.transmission,
        sharvin=fine.sharvin,
        reflection_corrected=fine.reflection_corrected,
        reflection_error=abs(fine.reflection - coarse.reflection),
        transmission_error=through,
        sharvin_error=abs(fine.sharvin - coarse.sharvin),
        evaluations=table.fixed_mesh**chain.dimension,
        converged=fine.converged,
    )
