"""The ready-made cards in `systems/`."""

from __future__ import annotations

import re
import sysconfig
import tomllib
from dataclasses import dataclass
from pathlib import Path

from negf_torque.study.errors import StudyError

__all__ = ["ReadyCard", "ready_cards"]


@dataclass(frozen=True)
class ReadyCard:
    """A card to copy: its file, its first comment and its calculation."""

    path: Path
    title: str
    kind: str


def ready_cards(folder: Path | None = None) -> list[ReadyCard]:
    """The cards of `systems/`: of this directory, of the repository, or those installed.

    Raises
    ------
    StudyError
        If there is no such folder.
    """
    places = [
        Path("systems"),
        Path(__file__).parents[2] / "systems",
        Path(sysconfig.get_path("data")) / "share" / "negf_torque" / "systems",
    ]
    if folder:
        places = [folder]
    found = next((place for place in places if place.is_dir()), None)
    if found is None:
        raise StudyError(
            "there is no folder systems/ here. The ready-made cards are in the repository; run "
            "the command from its top."
        )
    cards = []
    for path in sorted(found.glob("*.toml")):
        text = path.read_text(encoding="utf-8")
        title = re.match(r"\s*#\s*(.*)", text)
        kind = tomllib.loads(text).get("calculation", {}).get("kind", "")
        cards.append(ReadyCard(path, title[1].rstrip(".") if title else path.stem, kind))
    return cards
