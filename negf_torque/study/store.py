"""A result's directory: `result.nc`, `summary.json`, `card.toml` and `figures/`.

While a run is at work there are also `.lock` and `checkpoints/`; what was found damaged lies in
`damaged/`.

Every file is written to a temporary name, flushed and renamed, so that a reader never meets
half a file.  `summary.json` comes last and holds the checksum of `result.nc`: a directory
without it holds no finished result, and damage is noticed instead of read.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from negf_torque.study.axes import is_form
from negf_torque.study.base import Scalar
from negf_torque.study.errors import DamagedResultError, StoreError

if TYPE_CHECKING:
    import xarray as xr

    from negf_torque.study.card import Card

__all__ = [
    "begin",
    "examine",
    "libraries",
    "load",
    "load_summary",
    "save",
    "write_atomically",
    "write_dataset",
]

RESULT, SUMMARY, CARD, FIGURES = "result.nc", "summary.json", "card.toml", "figures"
FORMAT = 1
#: Kind to names that earlier versions gave to what has another one now.
_OLD_NAMES = {"coupling": {"wave_vector": "wave_number"}}
#: Results below so many bytes are written from memory.
IN_MEMORY = 256_000_000


def write_atomically(path: Path, content: bytes | str) -> None:
    """Write a file so that it is there whole or not at all."""
    data = content.encode() if isinstance(content, str) else content
    with _whole(path) as name, open(name, "wb") as file:
        file.write(data)


@contextmanager
def _whole(path: Path) -> Iterator[str]:
    """A temporary name that takes the place of `path` when the block ends well."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        yield name
        os.fsync(handle)
        os.chmod(name, 0o644)
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    finally:
        os.close(handle)


def write_dataset(dataset: xr.Dataset, path: Path) -> str:
    """Write a netCDF4 file, complex variables as compound types of r and i; its SHA-256.

    The HDF5 library crashes when a disk gets full under it: what is not large is made in memory
    and then written, for what is large the room is tried first.
    """
    if dataset.nbytes < IN_MEMORY:
        buffer = io.BytesIO()
        dataset.to_netcdf(buffer, engine="h5netcdf")
        write_atomically(path, buffer.getvalue())
        return hashlib.sha256(buffer.getvalue()).hexdigest()
    with _whole(path) as name:
        with open(name, "wb") as file:
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(file.fileno(), 0, int(1.05 * dataset.nbytes) + 2**20)
        dataset.to_netcdf(name, engine="h5netcdf")
        return file_hash(Path(name))


def file_hash(path: Path) -> str:
    """SHA-256 of a file."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def examine(directory: Path, card: Card) -> dict[str, Any] | None:
    """Whether a directory may take a card's result.  Nothing is touched.

    Returns
    -------
    dict or None
        The summary, if the directory holds the finished result of this card already.

    Raises
    ------
    DamagedResultError
        If it holds a result of this card that is damaged.
    StoreError
        If the directory belongs to another card or holds files of another kind.
    """
    if directory.exists() and not directory.is_dir():
        raise StoreError(f"{directory} is a file. Choose another directory with -o.")
    if (directory / SUMMARY).exists():
        return _finished(directory, card)
    strangers = _strangers(directory, card)
    if strangers:
        raise StoreError(
            f"{directory} holds other files ({', '.join(strangers[:3])}). Nothing was changed; "
            "choose a directory of its own for the result with -o."
        )
    if (directory / CARD).exists():
        _same_card(directory, card)
    return None


def _finished(directory: Path, card: Card) -> dict[str, Any] | None:
    """The summary of this card's finished result; None if the card carries it on."""
    try:
        summary = load_summary(directory)
    except DamagedResultError:
        _same_card(directory, card)
        raise
    if summary["card_hash"] != card.hash:
        if _goes_on(directory, card):
            return None
        raise StoreError(
            f"{directory} holds the result of another card "
            f"({summary['name']}, {summary['kind']}). Nothing was changed; choose another "
            "directory with -o, or remove this one."
        )
    _verify(directory, summary)
    return summary


def write_card(directory: Path, card: Card) -> None:
    """The card as run and the files that it names, so that the directory is complete."""
    for name, text in card.code.items():
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        write_atomically(directory / name, text)
    write_atomically(directory / CARD, card.toml())


def begin(directory: Path, card: Card) -> None:
    """Write the card into a directory that `examine` has found fit.

    Where another result is carried on, it is no longer a finished one from now on.

    Raises
    ------
    StoreError
        If it cannot be written.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
        (directory / SUMMARY).unlink(missing_ok=True)
        write_card(directory, card)
    except OSError as error:
        raise StoreError(f"{directory} cannot be written: {error.strerror}.") from None


def save(
    directory: Path,
    dataset: xr.Dataset,
    scalars: Iterable[Scalar],
    card: Card,
    **facts: Any,
) -> dict[str, Any]:
    """Write `result.nc`, `card.toml` and, last, `summary.json`.

    Parameters
    ----------
    directory : Path
        Made ready by `begin`.
    dataset, scalars, card
        The result, its numbers and the card behind it.
    facts
        More entries of the summary (warnings, seconds ...).

    Returns
    -------
    dict
        The summary as written.

    Raises
    ------
    StoreError
        If the disk is full or the directory cannot be written.
    """
    try:
        checksum = write_dataset(dataset, directory / RESULT)
        write_card(directory, card)
        summary = {
            "format": FORMAT,
            "name": card.name,
            "kind": card.kind,
            "converged": bool(dataset.attrs.get("converged", True)),
            "version": dataset.attrs["version"],
            "card_hash": card.hash,
            "libraries": libraries(),
            "seeds": seeds(card),
            "result": {"file": RESULT, "sha256": checksum},
            **facts,
            "scalars": [scalar.to_json() for scalar in scalars],
        }
        text = json.dumps(summary, indent=1, ensure_ascii=False, allow_nan=False)
        write_atomically(directory / SUMMARY, text + "\n")
    except OSError as error:
        raise StoreError(f"{directory} cannot be written: {error.strerror or error}.") from None
    return summary


def load_summary(directory: str | Path) -> dict[str, Any]:
    """The summary of a finished result.

    Raises
    ------
    StoreError
        If there is none or it is damaged.
    """
    from negf_torque.study.card import calculation_kinds
    from negf_torque.study.summary import checked

    path = Path(directory) / SUMMARY
    try:
        summary = json.loads(path.read_bytes().decode())
    except FileNotFoundError:
        if not Path(directory).is_dir():
            raise StoreError(f"there is no directory {directory}.") from None
        unfinished = (Path(directory) / CARD).exists()
        why = "the run did not finish" if unfinished else "it is not a result's directory"
        raise StoreError(f"{directory} holds no result: {why}.") from None
    except (OSError, ValueError, RecursionError) as error:
        raise DamagedResultError(path, f"{path} is damaged: {error}. Run the card again.") from None
    if isinstance(summary, dict) and isinstance(summary.get("format"), int):
        _known_format(path, summary)
    try:
        checked(summary)
    except ValueError as error:
        raise DamagedResultError(path, f"{path} is damaged: {error}.") from None
    if summary["kind"] not in calculation_kinds():
        raise StoreError(f"{path} tells of an unknown calculation, {summary['kind']!r}.")
    return summary


def _known_format(path: Path, summary: dict[str, Any]) -> None:
    if summary.get("format", 0) > FORMAT:
        raise StoreError(
            f"{path} was written by a later version ({summary.get('version')}). Update negf_torque."
        )


def load(directory: str | Path) -> xr.Dataset:
    """The dataset of a finished result, its checksum verified.

    Raises
    ------
    StoreError
        If there is none, or a file is damaged.
    """
    import xarray as xr

    path = Path(directory) / RESULT
    _verify(Path(directory), load_summary(directory))
    try:
        return _with_new_names(xr.load_dataset(path, engine="h5netcdf"))
    except Exception as error:  # HDF5 raises many kinds for a file it cannot follow
        raise StoreError(f"{path} cannot be read: {error}.") from error


def _with_new_names(dataset: xr.Dataset) -> xr.Dataset:
    """A result with the names of this version where an earlier one had others."""
    found = _OLD_NAMES.get(str(dataset.attrs.get("kind")), {})
    return dataset.rename({old: new for old, new in found.items() if old in dataset.variables})


def _verify(directory: Path, summary: dict[str, Any]) -> None:
    """The result must be the file that the summary was written for."""
    path = directory / RESULT
    try:
        found = file_hash(path)
    except OSError as error:
        raise DamagedResultError(path, f"{path} cannot be read: {error.strerror}.") from None
    if found != summary["result"].get("sha256"):
        raise DamagedResultError(
            path,
            f"{path} is damaged: its checksum is not the one in {SUMMARY}. Run the card again.",
        )


def seeds(card: Card) -> dict[str, Any]:
    """Every seed of a card, by its key."""

    def found(value: Any, path: str) -> Iterator[tuple[str, Any]]:
        if isinstance(value, dict) and not is_form(value):
            for name, inner in value.items():
                yield from found(inner, f"{path}.{name}" if path else name)
        elif path.rpartition(".")[2].endswith("seed"):
            yield path, value

    return dict(found(card.tables(), ""))


def libraries() -> dict[str, str]:
    """Versions of the libraries that the numbers depend on."""
    import platform
    from importlib.metadata import PackageNotFoundError, version

    found = {"python": platform.python_version()}
    for name in ("kwant", "numpy", "scipy", "numba", "xarray", "h5netcdf"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _strangers(directory: Path, card: Card) -> list[str]:
    """Files in a directory that no run of ours has left there."""
    if not directory.exists():
        return []
    ours = {RESULT, SUMMARY, CARD, FIGURES, "export", "checkpoints", "damaged", "report.html"}
    ours |= {Path(name).parts[0] for name in card.code}
    return sorted(p.name for p in directory.iterdir() if p.name not in ours and p.name[0] != ".")


def _goes_on(directory: Path, card: Card) -> bool:
    """Whether a directory's card has the same parts: the same card, or one with more of them."""
    from negf_torque.study.card import parse
    from negf_torque.study.errors import CardError
    from negf_torque.study.parts import family

    try:
        text = (directory / CARD).read_text(encoding="utf-8")
        # Python files of the other card are not run here, only compared as text.
        other = parse(text, card.path.parent / CARD, allow_code=True)
    except (CardError, OSError, UnicodeDecodeError):
        return False
    return family(other) == family(card)


def _same_card(directory: Path, card: Card) -> None:
    """An unfinished run may be taken up by its own card only."""
    if not _goes_on(directory, card):
        raise StoreError(
            f"{directory} holds an unfinished run of another card. Nothing was changed; choose "
            "another directory with -o, or remove this one."
        )
