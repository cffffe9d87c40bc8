"""What to cite, as BibTeX: the program, Kwant, and the works behind a calculation.

The entries are in `sources.bib` beside this file.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from negf_torque import __version__
from negf_torque.study.complaints import nearest
from negf_torque.study.errors import StudyError

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["SOURCES", "citation", "entries"]

_VALVE = ("RalphStiles2008", "Slonczewski2002", "Xiao2004")
_MIXING = ("Brataas2000", "Brataas2006")
_GRADIENTS = ("Shitade2017", "Kohno2006")

#: Kind of calculation -> keys of `sources.bib`.
SOURCES: dict[str, tuple[str, ...]] = {
    "beta_three_ways": (*_GRADIENTS, "TataraKohno2004", "ZhangLi2004", "Velicky1969"),
    "bias_sweep": ("Theodonis2006", "HeiligerStiles2008"),
    "circuit": (*_VALVE, *_MIXING, "Schep1997", "Bauer2003"),
    "coupling": ("BrunoChappert1991",),
    "disordered_bias": ("Theodonis2006",),
    "disordered_lengths": ("ValetFert1993", "Velicky1969"),
    "domain_wall": ("Thiaville2005", "ZhangLi2004", "TataraKohno2004"),
    "drift_diffusion": (*_VALVE, "ValetFert1993", *_MIXING),
    "ferromagnet": (*_GRADIENTS, "TataraKohno2004", "ZhangLi2004"),
    "gradient_tensors": (*_GRADIENTS, "Streda1982", "Freimuth2014"),
    "mixing": (*_MIXING, "Schep1997"),
    "nanopillar": ("RalphStiles2008", "Sun2000"),
    "pumping": ("Tserkovnyak2002", "Brouwer1998", *_MIXING),
    "quantum_chain": ("Mondal2019",),
    "spin_hall": ("SlaterKoster1954", "Streda1982", "Haney2013"),
    "spin_orbit_torque": ("Freimuth2014", "Haney2013", "Streda1982"),
    "spin_valve": (*_VALVE, *_MIXING),
    "terminals": ("Buttiker1986", "RalphStiles2008"),
    "torque": ("RalphStiles2008",),
    "wire": ("TataraKohno2004", "ZhangLi2004"),
}


def entries() -> dict[str, str]:
    """Every BibTeX entry of `sources.bib` by its key."""
    text = files(__package__).joinpath("sources.bib").read_text(encoding="utf-8")
    blocks = ("@" + block.strip() for block in text.split("\n@")[1:])
    return {block.partition("{")[2].partition(",")[0]: block for block in blocks}


def citation(what: str | Path | xr.Dataset | None = None) -> str:
    """BibTeX of the program, of Kwant, and of the works behind a result or a kind.

    Parameters
    ----------
    what : str, Path or xarray.Dataset, optional
        A kind of calculation, the directory of a result, or a result that was loaded.  Without
        it, the program and Kwant.

    Returns
    -------
    str
        Entries one after the other, ready for a .bib file.  Of a result they include what its
        card uses: impurities in the coherent potential, thermal noise.

    Raises
    ------
    ValueError
        If the kind is unknown, a dataset is not a result, or (`StoreError`) a directory holds
        none.

    Examples
    --------
    >>> print(citation("quantum_chain"))  # doctest: +ELLIPSIS
    @software{negf_torque,
    ...
    @article{Mondal2019,
    ...
    """
    kind, card, version = _described(what)
    known = entries()
    keys = dict.fromkeys(("Groth2014", *(SOURCES[kind] if kind else ()), *_of_card(card)))
    return "\n\n".join((_program(version), *(known[key] for key in keys))) + "\n"


def _program(version: str) -> str:
    return (
        "@software{negf_torque,\n"
        "  author  = {{The negf\\_torque developers}},\n"
        "  title   = {negf\\_torque: spin torques from quantum transport},\n"
        f"  version = {{{version}}}\n"
        "}"
    )


def _described(what: Any) -> tuple[str, Mapping[str, Any], str]:
    """Kind, card and version; an empty kind where nothing is given."""
    if what is None:
        return "", {}, __version__
    if isinstance(what, str) and what in SOURCES:
        return what, {}, __version__
    if isinstance(what, str) and not Path(what).is_dir():
        raise StudyError(
            f"what: {what!r} is neither a kind of calculation nor a result's directory. "
            + nearest(what, list(SOURCES), "kinds")
        )
    if isinstance(what, str | Path):
        from negf_torque.study.store import load

        what = load(what)
    attributes = getattr(what, "attrs", {})
    if attributes.get("kind") not in SOURCES:
        raise StudyError(
            f"what: {type(what).__name__} is not a result. Give a kind of calculation, a result's "
            "directory, or what `load_result` returns."
        )
    card = tomllib.loads(attributes.get("card", ""))
    return attributes["kind"], card, attributes.get("version", __version__)


def _of_card(card: Mapping[str, Any]) -> Iterator[str]:
    """Keys of what a card uses besides its kind."""
    if card.get("impurities"):
        disorder = card.get("disorder", {})
        methods = {disorder.get("method", "born"), *disorder.get("compare", ())}
        if "coherent-potential" in methods:
            yield "Soven1967"
        if methods - {"configurations"}:
            yield "Velicky1969"
    calculation = card.get("calculation", {})
    if calculation.get("switching") or calculation.get("noise"):
        yield "Brown1963"
