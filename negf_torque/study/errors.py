"""Mistakes that a user can put right, told in one message each and without a traceback."""

from dataclasses import dataclass
from pathlib import Path

__all__ = ["CardError", "DamagedResultError", "Problem", "StoreError", "StudyError"]


class StudyError(ValueError):
    """Something a user can put right: its text is the whole message."""


class StoreError(StudyError):
    """A directory or file of results is missing, foreign, incomplete or damaged."""


class DamagedResultError(StoreError):
    """A file of a result is not as it was written; `path` says which."""

    def __init__(self, path: Path, text: str) -> None:
        self.path = path
        super().__init__(text)


@dataclass(frozen=True)
class Problem:
    """One thing wrong with a card: the key's path, what is wrong, and the line if known."""

    path: str
    message: str
    line: int | None = None

    def render(self, card: str) -> str:
        """The problem in one line, naming the card."""
        place = f"card {card}" if self.line is None else f"card {card}, line {self.line}"
        subject = f"{self.path}: " if self.path else ""
        return f"{subject}{self.message.rstrip('.')} ({place})."


class CardError(StudyError):
    """A card that cannot be run; `problems` holds everything that is wrong with it."""

    def __init__(self, card: str | Path, problems: list[Problem]) -> None:
        self.card = str(card)
        self.problems = problems
        super().__init__("\n".join(problem.render(Path(card).name) for problem in problems))
