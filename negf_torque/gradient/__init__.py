"""Gradient expansion of bulk magnets: how moments answer to time, texture and field.

The public names are loaded when they are first used, so that importing the package costs nothing:

>>> from negf_torque.gradient import ImpurityStrengths, parabolic
>>> parabolic(mass=1.0).dimension
3

The coefficients of one band are `negf_torque.gradient.coefficients.coefficients`, the limiting
formulas `negf_torque.gradient.limits.limits`: these two share their module's name.
"""

from importlib import import_module
from typing import Any

_WHERE = {
    "bands": ("Band", "ELECTRON_MASS", "from_functions", "parabolic", "tabulated"),
    "lattice_bands": ("body_centred_cubic", "face_centred_cubic", "simple_cubic", "square"),
    "born": ("BornSolution", "ImpurityStrengths", "solve_born"),
    "coefficients": ("Coefficients", "occupation"),
    "limits": ("Limit", "WeakDisorder", "compare", "weak_disorder"),
    "crystal": ("Crystal", "Zone", "cubic_crystal"),
    "multiorbital": ("crystal_coefficients",),
    "spiral": ("FreeWire", "SpiralResult", "spiral_coefficients"),
    "model": ("BulkModel", "ZoneMesh", "exchange_model", "magnet_model", "square_rashba"),
    "engine": ("GradientTensors", "field_response", "gradient_tensors"),
    "observables": ("local_observables", "spin_observables", "velocity_observables"),
    "decompose": ("electron_spin", "gilbert_damping", "spin_orbit_torques"),
}
_MODULE = {name: module for module, names in _WHERE.items() for name in names}

__all__ = sorted(_MODULE)


def __getattr__(name: str) -> Any:
    if name not in _MODULE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_MODULE[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
