"""A stored result from Python: its numbers as a table, its figures, values per area."""

from __future__ import annotations

from math import pi
from pathlib import Path
from typing import TYPE_CHECKING

from negf_torque.study.errors import StudyError

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr
    from matplotlib.figure import Figure

__all__ = ["figures", "per_area", "scalars"]


def scalars(directory: str | Path) -> pd.DataFrame:
    """The numbers of a result's summary as a table.

    Parameters
    ----------
    directory : str or Path
        Of a finished result.

    Returns
    -------
    pandas.DataFrame
        Index: the name; columns: value, unit, error (not a number where unknown), converged, note.

    Raises
    ------
    StoreError
        If there is no result, or it is damaged.
    """
    import pandas as pd

    from negf_torque.study.store import load_summary
    from negf_torque.study.summary import scalars_of

    columns = ["name", "value", "unit", "error", "converged", "note"]
    rows = [[getattr(one, name) for name in columns] for one in scalars_of(load_summary(directory))]
    table = pd.DataFrame(rows, columns=columns).set_index("name")
    return table.astype({"error": float})


def figures(result: str | Path | xr.Dataset) -> dict[str, Figure]:
    """The figures of a result, drawn anew.

    Parameters
    ----------
    result : str, Path or xarray.Dataset
        Its directory, or what `load_result` returned (or a selection of it that keeps every
        variable).

    Returns
    -------
    dict
        Name -> Matplotlib figure, to be shown, changed or saved.

    Raises
    ------
    StudyError
        If there is no result.
    """
    from negf_torque.study.run import drawings
    from negf_torque.study.store import load

    if isinstance(result, str | Path):
        result = load(result)
    if "kind" not in getattr(result, "attrs", {}):
        raise StudyError(
            f"result: {type(result).__name__} is not a result. Give its directory, or what "
            "`load_result` returns."
        )
    return drawings(result.attrs["kind"], result)


def per_area(variable: xr.DataArray, cell_area: float) -> xr.DataArray:
    """A quantity per cell as one per area, in SI units.

    Parameters
    ----------
    variable : xarray.DataArray
        In e^2/h, e/(4 pi), 1, eV, eV/(4 pi) or e/h eV per cell.
    cell_area : float
        Area of a cell of the cross-section, nm^2.

    Returns
    -------
    xarray.DataArray
        In 1/(ohm m^2) (conductances, mixing conductances), J/(V m^2) (torkances), J/m^2 (torques
        and energies) or A/m^2 (currents); its other attributes are kept.

    Raises
    ------
    ValueError
        If the variable is in another unit, or the area is not positive.

    Examples
    --------
    >>> import xarray as xr
    >>> conductance = xr.DataArray(0.45, attrs={"units": "e^2/h per cell"})
    >>> found = per_area(conductance, cell_area=0.0625)
    >>> f"{found.item():.4g} {found.units}"
    '2.789e+14 1/(ohm m^2)'
    """
    from negf_torque.units import ELEMENTARY_CHARGE, conductance_per_area, torkance_si

    conductance, torkance = (f(1.0, cell_area) for f in (conductance_per_area, torkance_si))
    energy = ELEMENTARY_CHARGE / (cell_area * 1e-18)
    factors = {
        "e^2/h per cell": (conductance, "1/(ohm m^2)"),
        "1 per cell": (conductance, "1/(ohm m^2)"),
        "e/(4 pi) per cell": (torkance, "J/(V m^2)"),
        "eV per cell": (energy, "J/m^2"),
        "eV/(4 pi) per cell": (energy / (4 * pi), "J/m^2"),
        "e/h eV per cell": (conductance, "A/m^2"),
    }
    unit = str(variable.attrs.get("units", ""))
    if unit not in factors:
        raise StudyError(
            f"variable: {variable.name or 'it'} is in {unit or 'no unit'}, not one per cell of: "
            + ", ".join(factors)
            + "."
        )
    factor, units = factors[unit]
    found = variable * factor
    found.attrs = {**variable.attrs, "units": units}
    return found
