"""What every calculation shares: its table in the card, the numbers it sums up, its progress.

A calculation is one file in `negf_torque/study/calculations/`, found by the name of its kind.
It exports `Parameters` (a `CalculationTable`), `run(card, progress) -> Dataset`,
`summary(dataset) -> list[Scalar]` and `figures(dataset) -> dict[str, Figure]`; where the
calculation brings its own `[system]` table it exports `System` (`NEEDS_SYSTEM = False` if it has
none), and where its result can feed a micromagnetic solver `llg_parameters(dataset, card)`.
It may export `VARIABLES` (what the dataset can hold, for the reference), `check(card)` (further
mistakes, from a key's path to a message), `cautions(card) -> list[str]` (what a valid card may not
mean, for the command `check`), `estimate(card) -> list[Scalar]` (cost and memory),
`listings(dataset) -> list[Listing]` (tables to print), `animations(dataset, form=None) ->
dict[str, bytes]` (films by file name, form "gif" or "mp4", default as the card says),
`READS_LLG = True` if its numbers depend on `[llg]`, `READS_IMPURITIES = True` if on
`[[impurities]]` and `[disorder]`, `READS_TORQUE = True` if its card gives the torque under which
it moves a magnet, and `CALCULATION_VERSION`, a whole number to be raised when a
change elsewhere changes its numbers.  `MAY_BE_UNDEFINED` names the numbers of its summary (without
what follows in brackets) that are rightly not-a-number at times, and says when: any other that is
not a number marks its point in a sweep.  An entry of `estimate` named "memory", in B ... GB, is
respected: what does not fit is refused, and only as many workers start as have room.

A calculation of many independent parts (configurations, energies) may export all three of
`split(card) -> list | None` (plain data, one entry a part; None: this card is one piece),
`run_part(card, part, progress) -> Dataset` and `merge(card, found) -> Dataset`, which asks
`found(part)` for the datasets that it needs: its parts then run on all workers, are kept one by
one, and resume.  Parts {"ensemble": ..., "first": ..., "last": ...} are blocks of configurations;
their dataset's attribute `tally` (name, unit, ensemble, first, count, mean, squares) tells the
progress bar the mean, and `wanted_error(card) -> float | None` the relative standard error after
which no more are needed.  `PART_IGNORES` names keys, as ("disorder", "configurations"), that the
parts do not depend on: a card in which only those differ goes on from the parts of a finished one,
which are kept.  `beginnings(part)` gives parts that hold the first configurations of one;
`run_part` then gets the dataset of one that is finished as a fourth argument.

Its file is imported whenever a card of its kind is checked: physics, numba and Matplotlib are
imported inside the functions.
"""

import math
from dataclasses import asdict, dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["CalculationTable", "Listing", "Progress", "Scalar", "Table", "key"]


class Table(BaseModel):
    """A table of a card: unknown keys, wrong types, infinities and not-a-numbers are errors."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        allow_inf_nan=False,
        validate_default=True,
        use_attribute_docstrings=False,
    )


class CalculationTable(Table):
    """The `[calculation]` table; each kind derives from it and adds `kind: Literal[...]`."""


def key(description: str, default: Any = ..., *, unit: str | None = None, **limits: Any) -> Any:
    """A key of a table with its description, unit, default and range, as the reference shows it.

    Parameters
    ----------
    description : str
        One sentence for the reference.
    default
        The default; without it the key is required.  A list or dict is copied for each card, a
        class or function is called.
    unit : str, optional
        As printed: "eV", "nm", "K", "rad", "layers" ...
    limits
        Ranges and other keywords of `pydantic.Field`: gt, ge, lt, le, min_length ...

    Examples
    --------
    >>> class Bath(Table):
    ...     temperature: float = key("Temperature of the leads.", 0.0, unit="K", ge=0)
    >>> Bath().temperature
    0.0
    """
    extra: dict[str, Any] | None = {"unit": unit} if unit else None
    factory = default.copy if isinstance(default, list | dict) else default
    if callable(factory):
        return Field(
            default_factory=factory, description=description, json_schema_extra=extra, **limits
        )
    return Field(default, description=description, json_schema_extra=extra, **limits)


@dataclass(frozen=True)
class Scalar:
    """One number of a result, as `summary.json` and `negf-torque show` give it.

    Parameters
    ----------
    name : str
        Name of the quantity; angles and magnets may follow in brackets.
    value : float or complex
    unit : str
        "1" for a pure number.
    error : float, optional
        Estimated absolute error, in `unit`; None where no estimate exists.
    converged : bool
        False if the requested tolerance was not reached.
    note : str
        What a reader must know: sign, definition, what part of a response it is.
    """

    name: str
    value: float | complex
    unit: str
    error: float | None = None
    converged: bool = True
    note: str = ""

    def to_json(self) -> dict[str, Any]:
        """As a dict that strict JSON can hold: complex as {real, imag}, not-a-number as null."""
        entry = asdict(self)
        value = self.value
        if isinstance(value, complex) or hasattr(value, "imag") and value.imag != 0:
            entry["value"] = {"real": _finite(value.real), "imag": _finite(value.imag)}
        else:
            entry["value"] = _finite(getattr(value, "real", value))
        entry["error"] = None if self.error is None else _finite(self.error)
        entry["converged"] = bool(self.converged)
        return entry


def _finite(value: float) -> float | None:
    number = float(value)
    return number if math.isfinite(number) else None


@dataclass(frozen=True)
class Listing:
    """A table for the terminal: a title, column headings with units, and rows of values."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]


class Progress:
    """Reports how far a calculation is.  This one is silent; others override its methods.

    Calculations call `start` once per stage, then `advance` or `update` in their loops.  The
    calls are cheap: a loop need not thin them out.
    """

    def start(self, stage: str, total: float | None = None) -> None:
        """Begin a stage of `total` units of work (None: unknown), ending the one before."""

    def advance(self, amount: float = 1, note: str = "") -> None:
        """`amount` more units of work are done; `note` is shown beside the bar."""

    def update(self, done: float | None = None, total: float | None = None, note: str = "") -> None:
        """Set what is done and, where the estimate changed, the total."""

    def finish(self) -> None:
        """End the last stage."""

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, *exception: object) -> None:
        self.finish()
