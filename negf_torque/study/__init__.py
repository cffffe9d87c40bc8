"""Run cards in; results, figures and solver inputs out."""

from typing import Any

__all__ = ["Card", "CardError", "StudyError", "execute", "load_card", "load_result"]

_HOMES = {
    "Card": ("card", "Card"),
    "CardError": ("errors", "CardError"),
    "StudyError": ("errors", "StudyError"),
    "execute": ("run", "execute"),
    "load_card": ("card", "load"),
    "load_result": ("store", "load"),
}


def __getattr__(name: str) -> Any:
    """Import on first use, so that the command answers at once."""
    from importlib import import_module

    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, attribute = _HOMES[name]
    return getattr(import_module(f"{__name__}.{module}"), attribute)
