"""From a crystal's harmonics to the model that the response theory takes."""

from typing import TYPE_CHECKING

from numpy.typing import ArrayLike

from negf_torque.gradient.model import BulkModel, magnet_model

if TYPE_CHECKING:
    from negf_torque.lattice.bulk import BulkMagnet
    from negf_torque.lattice.spin_orbit_models import SpinOrbitCrystal

__all__ = ["bulk_model"]


def bulk_model(
    crystal: "SpinOrbitCrystal | BulkMagnet", direction: ArrayLike | None = None
) -> BulkModel:
    """Model of a crystal; its moments turned into `direction`, or as they are.

    Parameters
    ----------
    crystal : SpinOrbitCrystal or BulkMagnet
        What `lattice.spin_orbit_models` builds, or `lattice.bulk.bulk_from_kwant` reads from a
        Kwant builder (`exchange_field=None` for a crystal without magnetism).
    """
    magnet = crystal.magnet() if hasattr(crystal, "magnet") else crystal
    n = magnet.direction if direction is None else direction
    return magnet_model(magnet.lattice, magnet.displacements, magnet.hoppings, magnet.exchange, n)
