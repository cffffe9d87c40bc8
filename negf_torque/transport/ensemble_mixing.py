"""Mixing conductances averaged over explicit configurations of impurities.

Per configuration the same sums over the scattering matrix as of a clean device
(`negf_torque.transport.mixing`), over the channels of a supercell and divided by its cells.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from negf_torque.disorder import configurations as ensembles
from negf_torque.disorder.impurities import Impurity
from negf_torque.lattice.layers import LayerChain
from negf_torque.spin import unit_vector
from negf_torque.transport.arguments import impurities_of
from negf_torque.transport.ensembles import Configurations
from negf_torque.transport.mixing import (
    MixingConductance,
    end_ladder,
    first_moment,
    mixing_columns,
    sharvin_corrected,
)

__all__ = ["configuration_mixing", "drawn_mixing", "mixing_of"]


def configuration_mixing(
    chain: LayerChain,
    energy: float,
    impurities: Sequence[Impurity],
    configurations: int,
    *,
    direction: ArrayLike | None = None,
    seed: int = 0,
    cells: int = 1,
    mesh: int = 1,
    executor: Executor | None = None,
    workers: int = 1,
    progress: Callable[[ensembles.Ensemble], None] | None = None,
) -> MixingConductance:
    """Mixing conductances of an impure interface or layer behind a normal lead.

    Parameters
    ----------
    chain, energy, impurities, configurations, seed, cells, mesh, executor, workers, progress
        As in `negf_torque.transport.ensembles.configuration_response`.
    direction : (3,), optional
        Spin quantisation axis m; default the direction of the first moment from the left.

    Returns
    -------
    MixingConductance
        Its errors are standard errors of the modulus.

    Raises
    ------
    ValueError
        If the left lead is magnetic, or no direction is known.
    """
    drawn = Configurations(chain, energy, impurities_of(impurities), cells, mesh)
    found = ensembles.sample(
        drawn_mixing(drawn, direction),
        configurations,
        seed=seed,
        executor=executor,
        workers=workers,
        progress=progress,
    )
    return mixing_of(chain, found, mesh)


def drawn_mixing(
    drawn: Configurations, direction: ArrayLike | None = None
) -> Callable[[NDArray], NDArray]:
    """Seeds (B,) -> (B, 5): real and imaginary part of g_r and g_t, Sharvin conductance.

    Raises
    ------
    ValueError
        If the left lead is magnetic, or no direction is known.
    """
    chain = drawn.chain
    if np.any(chain.left.sites.exchange):
        raise ValueError("left: a mixing conductance needs a nonmagnetic left lead.")
    m = first_moment(chain) if direction is None else unit_vector(direction)
    whole = drawn.supercell.chain
    plus = end_ladder(whole.left, whole.sizes[0], m)
    plus_right = end_ladder(whole.right, whole.sizes[-1], m) if _is_normal(chain) else None
    return partial(_columns, drawn, plus, plus_right)


def _is_normal(chain: LayerChain) -> bool:
    return not np.any(chain.right.sites.exchange)


def mixing_of(chain: LayerChain, found: ensembles.Ensemble, mesh: int = 1) -> MixingConductance:
    """The mixing conductances that an ensemble of `drawn_mixing` holds."""
    value, error = found.mean, found.standard_error
    g_r, sharvin = complex(value[0], value[1]), float(value[4])
    return MixingConductance(
        reflection=g_r,
        transmission=complex(value[2], value[3]) if _is_normal(chain) else None,
        sharvin=sharvin,
        reflection_corrected=complex(sharvin_corrected(g_r, sharvin)),
        reflection_error=float(np.hypot(*error[:2])),
        transmission_error=float(np.hypot(*error[2:4])),
        sharvin_error=float(error[4]),
        evaluations=found.count * mesh**chain.dimension,
        converged=True,
    )


def _columns(
    drawn: Configurations, plus: NDArray, plus_right: NDArray | None, seeds: NDArray
) -> NDArray:
    total: Any = 0.0
    for response in drawn.responses(seeds):
        channels = response.open_channels[0][:, None] / 2
        total = total + np.hstack([mixing_columns(response, plus, plus_right), channels])
    return total / (drawn.supercell.cells * drawn.mesh**drawn.chain.dimension)
