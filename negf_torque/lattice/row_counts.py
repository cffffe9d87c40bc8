"""Whether the matrices of a Kwant system have as many rows as its lattices say."""

import numpy as np

from negf_torque.lattice.magnet import Magnet

__all__ = ["check_orbital_counts"]


def check_orbital_counts(magnet: Magnet) -> None:
    """Compare every site's on-site matrix with its number of orbitals.

    For systems that a user has built: Kwant itself finds such a mistake late or not at all.

    Raises
    ------
    ValueError
        If a lattice does not say how many orbitals a site has, or an on-site matrix has another
        number of rows; the message names the site.
    """
    system = magnet.builder.finalized()
    params = dict.fromkeys(magnet.momenta, 0.0) | dict(magnet.params)
    for i, site in enumerate(system.sites):
        declared = site.family.norbs
        if declared is None:
            raise ValueError(
                f"builder: the lattice {site.family.name!r} of site {tuple(site.tag)} does not say "
                "how many orbitals a site has. Give its norbs, 2 for one orbital with spin."
            )
        rows = len(np.atleast_2d(system.hamiltonian(i, i, params=params)))
        if rows != declared:
            raise ValueError(
                f"builder: the on-site matrix of site {tuple(site.tag)} has {rows} rows, but its "
                f"lattice {site.family.name!r} says norbs = {declared}. Make them equal."
            )
