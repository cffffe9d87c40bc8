"""The programs compared with, as far as they are installed."""

import warnings
from importlib.util import find_spec
from types import ModuleType

from record import skipped

__all__ = ["installed", "kwant_solvers"]


def installed(module: str, name: str, remedy: str) -> bool:
    """Whether a peer can be imported; where not, the results say so."""
    if find_spec(module) is not None:
        return True
    skipped(name, f"not installed; {remedy}")
    return False


def kwant_solvers() -> dict[str, ModuleType]:
    """Kwant's solvers by name: SciPy's SuperLU, and MUMPS where python-mumps is installed."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from kwant.solvers import sparse

        found = {"Kwant, SuperLU": sparse}
        try:
            from kwant.solvers import mumps
        except ImportError:
            skipped("Kwant with MUMPS", "python-mumps is not installed; extra `mumps`")
        else:
            found["Kwant, MUMPS"] = mumps
    return found
