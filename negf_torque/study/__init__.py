"""Run cards in; results, figures and solver inputs out."""

from typing import TYPE_CHECKING

from negf_torque._lazy import lazy as _lazy

_HOMES = {
    "Card": "card",
    "CardError": "errors",
    "StudyError": "errors",
    "execute": "run",
    "load_card": "card:load",
    "load_result": "store:load",
}
__all__ = ["Card", "CardError", "StudyError", "execute", "load_card", "load_result"]

if TYPE_CHECKING:
    from negf_torque.study.card import Card
    from negf_torque.study.card import load as load_card
    from negf_torque.study.errors import CardError, StudyError
    from negf_torque.study.run import execute
    from negf_torque.study.store import load as load_result

__getattr__, __dir__ = _lazy(__name__, _HOMES)
