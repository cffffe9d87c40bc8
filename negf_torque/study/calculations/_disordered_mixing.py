"""Mixing conductances of impure interfaces, by the method that the card asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from negf_torque.study.impurities import DisorderTable

if TYPE_CHECKING:
    from negf_torque.lattice.layers import LayerChain
    from negf_torque.study.card import Card
    from negf_torque.transport.mixing import MixingConductance

__all__ = ["averaged_mixing"]


def averaged_mixing(card: Card, chain: LayerChain, energy: float) -> MixingConductance:
    """One energy; errors are statistical, or what three quarters of the mesh change."""
    from negf_torque.transport.disordered_mixing import disordered_mixing
    from negf_torque.transport.ensemble_mixing import configuration_mixing
    from negf_torque.transport.mixing import MixingConductance

    table = card.disorder or DisorderTable()
    direction = card.calculation.direction
    kinds = [impurity.impurity() for impurity in card.impurities]
    if table.method == "configurations":
        return configuration_mixing(
            chain,
            energy,
            kinds,
            table.configurations,
            direction=direction,
            seed=table.seed,
            cells=table.supercell,
            mesh=table.supercell_mesh,
        )
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
