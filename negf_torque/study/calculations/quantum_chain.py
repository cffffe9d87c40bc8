"""`kind = "quantum_chain"`: one electron and N quantum local spins, evolved exactly.

A spin-polarised wave packet runs along a chain whose middle carries quantum local spins.  For
every direction of the electron's spin that the card names, the many-body state is evolved and
everything is measured; the lowest levels, the same run against one macrospin and the same run
with classical local spins are put beside it.  Mondal et al., Phys. Rev. B 99, 094431 (2019).
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import PositiveFloat, field_validator

from negf_torque.study.base import CalculationTable, Listing, Scalar, Table, key
from negf_torque.study.calculations._quantum_variables import VARIABLES

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

    from negf_torque.manybody import LocalState, QuantumChain
    from negf_torque.study.base import Progress
    from negf_torque.study.card import Card

__all__ = [
    "VARIABLES",
    "Parameters",
    "System",
    "animations",
    "check",
    "estimate",
    "figures",
    "listings",
    "run",
    "summary",
]

Vector = tuple[float, float, float]
#: Three components for all local spins, or three for each.
Vectors = list[float] | list[list[float]]
#: States from which matrix products are worth several threads.
THREADS_FROM = 100_000
#: Output times, and output times x sites, that a result can hold.
MOST_TIMES, MOST_PROFILE = 100_000, 10_000_000


class System(Table):
    """The `[system]` table: the electron's chain and the local spins on it."""

    length: int = key("Sites of the electron's chain, between hard walls.", 400, ge=2, le=1_000_000)
    hopping: float = key("Hopping gamma between neighbouring sites.", 1.0, unit="eV")
    potential: float | list[float] = key(
        "Potential of the electron, one for all sites or one for each.", 0.0, unit="eV"
    )
    n_spins: int | None = key(
        "Number of local spins in a row about the middle (default 5), unless `sites` is given.",
        None,
        ge=1,
        le=4000,
    )
    sites: list[int] | None = key("0-based sites of the local spins, all different.", None)
    spin: float | list[float] = key(
        "Size S of the local spins, 0.5 ... 3.5, one for all or one for each.", 0.5, unit="hbar"
    )
    j_sd: float | list[float] = key(
        "Exchange between electron and local spins in -J_sd sigma . (2S).", 0.1, unit="eV"
    )
    macrospin_coupling: Literal["2S", "S"] = key(
        'Electron and local spin couple as sigma . (2S) or, with "S", as sigma . S.', "2S"
    )
    j: float | list[float] = key(
        "Exchange J_x between consecutive local spins, for all bonds or each.", 0.1, unit="eV"
    )
    jy: float | list[float] | None = key("J_y, if it differs from J_x.", None, unit="eV")
    jz: float | list[float] = key("J_z between consecutive local spins.", 0.1005, unit="eV")
    field: Vectors = key(
        "h in -h . (2S), for all local spins or each; 1 T is 5.8e-5 eV.",
        [0.0, 0.0, 0.0],
        unit="eV",
    )
    anisotropy: Vectors = key(
        "K in -sum K_a (2S_a)^2, for all local spins or each; positive makes an easy axis.",
        [0.0, 0.0, 0.0],
        unit="eV",
    )


class PacketTable(Table):
    """The electron's packet exp(i k x - dk^2 (x - x0)^2/4)."""

    wave_number: float = key("Mean wave number k.", 0.1, unit="1/site", ge=-3.15, le=3.15)
    spread: float = key(
        "dk: the density has the standard deviation 1/dk.", 0.2, unit="1/site", gt=0
    )
    centre: float = key("Centre x0 at the start.", 20.0, unit="site", ge=0)


class Term(Table):
    """One configuration of a superposition of the local spins."""

    twice_m: list[int] = key("2m of each local spin: 1 and -1 for spins 1/2.", min_length=1)
    amplitude: tuple[float, float] = key("Real and imaginary part.", (1.0, 0.0))


class Parameters(CalculationTable):
    """The `[calculation]` table."""

    kind: Literal["quantum_chain"] = key("One electron and N quantum local spins.")
    electron_spins: list[Vector] = key(
        "Directions of the electron's spin; each is a run of its own.",
        [(0.0, 0.0, -1.0), (1.0, 0.0, 0.0)],
        min_length=1,
    )
    packet: PacketTable = key("The wave packet.", PacketTable)
    local_directions: Vectors = key(
        "Initial directions of the local spins, one for all or one for each.", [0.0, 0.0, 1.0]
    )
    local_superposition: list[Term] = key(
        "Instead of directions: a superposition of configurations, normalised for you.", []
    )
    duration: float = key("Time evolved.", 600.0, unit="fs", gt=0)
    output_step: float = key("Time between outputs.", 2.0, unit="fs", gt=0)
    times: list[float] = key("Output times instead, ascending.", [], unit="fs")
    tolerance: float = key("Bound on the error of the state (Chebyshev).", 1e-10, ge=1e-14, le=1e-2)
    method: Literal["chebyshev", "crank-nicolson"] = key("Propagator.", "chebyshev")
    crank_nicolson_step: float = key("Time step of Crank-Nicolson.", 0.05, unit="fs", gt=0)
    crank_nicolson_shift: float | None = key(
        "Energy shift of Crank-Nicolson; default the mean energy.", None, unit="eV"
    )
    full_space: bool = key("Keep every sector of total S_z, also the empty ones.", False)
    entanglement: bool = key("Compute purity and entropy of both parts.", True)
    profiles: bool = key("Keep density, spin and currents of every site and time.", True)
    configurations: int = key("Configurations whose probability is kept.", 16, ge=1, le=4096)
    levels: int = key("Lowest levels to find; 0 finds none.", 40, ge=0, le=1000)
    classical: bool = key("Run the classical picture (Ehrenfest) too.", True)
    classical_step: float = key("Its time step.", 0.5, unit="fs", gt=0)
    macrospin: bool = key("Run against one spin of the chain's total size too.", True)
    memory_limit: PositiveFloat = key("Refuse runs that need more.", 4.0, unit="GB")
    animation: Literal["none", "gif", "mp4"] = key(
        "Film of density and spins; mp4 needs the program ffmpeg, without it it becomes a gif.",
        "none",
    )

    @field_validator("electron_spins")
    @classmethod
    def _directions(cls, value: list[Vector]) -> list[Vector]:
        for vector in value:
            if not any(vector):
                raise ValueError("has a vector without direction. Give three components.")
        names = [injection_name(vector) for vector in value]
        if len(set(names)) < len(names):
            raise ValueError("has a direction twice. Give each direction once.")
        return value


def injection_name(vector: Vector) -> str:
    """Name of a direction: +x, -z, or its components.

    Examples
    --------
    >>> injection_name((0, 0, -2)), injection_name((3, 0, -4))
    ('-z', '(0.6, 0, -0.8)')
    """
    unit = np.asarray(vector, float) / np.linalg.norm(vector)
    for axis, name in enumerate("xyz"):
        if abs(unit[axis]) == 1:
            return ("+" if unit[axis] > 0 else "-") + name
    return "(" + ", ".join(f"{c:.4g}" for c in unit) + ")"


def output_times(table: Parameters) -> np.ndarray:
    """The output times of a card, fs."""
    if table.times:
        return np.asarray(table.times, float)
    count = int(np.floor(table.duration / table.output_step + 1e-9))
    if count > MOST_TIMES:
        raise ValueError(
            f"output_step: {count} output times are too many to keep. Give a longer step."
        )
    times = table.output_step * np.arange(count + 1)
    return times if table.duration - times[-1] < 1e-9 else np.append(times, table.duration)


def model_of(card: Card) -> QuantumChain:
    """The chain that `[system]` describes."""
    from negf_torque.manybody import quantum_chain

    return quantum_chain(**card.system.model_dump())


def local_state_of(card: Card, model: QuantumChain) -> LocalState:
    """The initial state of the local spins."""
    from negf_torque.manybody import product_state, superposition

    table = card.calculation
    if table.local_superposition:
        terms = [(term.twice_m, complex(*term.amplitude)) for term in table.local_superposition]
        return superposition(model, terms)
    return product_state(model, table.local_directions)


def check(card: Card) -> dict[tuple, str]:
    """Mistakes that need more than one key, and runs that do not fit into memory."""
    from negf_torque.manybody import TooLargeError, wave_packet

    table = card.calculation
    problems: dict[tuple, str] = {}
    try:
        model = model_of(card)
    except ValueError as error:
        return _placed(error, ("system",), System)
    packet = table.packet
    try:
        wave_packet(model.length, packet.wave_number, packet.spread, packet.centre)
    except ValueError as error:
        problems |= _placed(error, ("calculation", "packet"), PacketTable)
    try:
        count = len(output_times(table))
    except ValueError as error:
        return problems | _placed(error, ("calculation",), Parameters)
    if table.profiles and count * model.length > MOST_PROFILE:
        problems["calculation", "output_step"] = (
            f"{count} output times of {model.length} sites are too many to keep. "
            "Give a longer step, or profiles = false."
        )
    if table.animation != "none" and not table.profiles:
        problems["calculation", "animation"] = "a film needs the densities. Set profiles = true."
    if table.times and (table.times[0] < 0 or np.any(np.diff(table.times) <= 0)):
        problems["calculation", "times"] = "they must start at 0 or later and ascend."
    try:
        local = local_state_of(card, model)
    except ValueError as error:
        where = "local_superposition" if table.local_superposition else "local_directions"
        problems["calculation", where] = str(error).split(": ", 1)[-1]
        return problems
    if not problems:
        try:
            _sizes(card, model, local)
        except TooLargeError as error:
            problems["calculation", "memory_limit"] = str(error).removeprefix("memory_limit: ")
    return problems


def _placed(error: ValueError, table: tuple, model: type[Table]) -> dict[tuple, str]:
    """The physics' message ("name: text") under the card's key of that name."""
    name, _, text = str(error).partition(": ")
    return {(*table, name): text} if name in model.model_fields else {table: str(error)}


def _sizes(card: Card, model: QuantumChain, local: LocalState) -> list[Any]:
    """Size of each run; raises if one is too large."""
    from negf_torque.manybody import check_size, occupied_sectors

    table = card.calculation
    return [
        check_size(
            model,
            range(int(model.two_s.sum()) + 2)
            if table.full_space
            else occupied_sectors(model, direction, local),
            len(output_times(table)),
            table.entanglement,
            1e9 * table.memory_limit,
            table.method == "crank-nicolson",
        )
        for direction in table.electron_spins
    ]


def estimate(card: Card) -> list[Scalar]:
    """Sectors, states and memory of each run, before any of them."""
    from negf_torque.manybody import packet_facts, wave_packet

    model = model_of(card)
    found = []
    sizes = _sizes(card, model, local_state_of(card, model))
    for direction, size in zip(card.calculation.electron_spins, sizes, strict=True):
        name = injection_name(direction)
        note = "sectors of total 2S_z: " + ", ".join(
            f"{int(model.two_s.sum()) + 1 - 2 * q:+d} ({d})"
            for q, d in zip(size.sectors[:6], size.sector_dimensions, strict=False)
        )
        note += ", ..." if len(size.sectors) > 6 else ""
        found += [
            Scalar(f"spin_configurations[{name}]", size.dimension, "1", note=note),
            Scalar(f"states[{name}]", size.states, "1"),
            Scalar(f"memory[{name}]", size.memory / 1e9, "GB"),
        ]
    packet = card.calculation.packet
    wave = wave_packet(model.length, packet.wave_number, packet.spread, packet.centre)
    facts = packet_facts(model, wave, packet.spread, packet.centre)
    return [
        *found,
        Scalar("packet_energy", facts.energy, "eV"),
        Scalar("packet_energy_spread", facts.energy_spread, "eV"),
        Scalar("packet_clipped", facts.clipped, "1", note="share beyond the chain's ends"),
    ]


def run(card: Card, progress: Progress) -> xr.Dataset:
    """Run every direction of the electron's spin, and what is compared with it."""
    from threadpoolctl import threadpool_limits

    from negf_torque.study.calculations._quantum_dataset import dataset_of

    model = model_of(card)
    local, times = local_state_of(card, model), output_times(card.calculation)
    largest = max(size.states for size in _sizes(card, model, local))
    # threads that wait for the next tiny matrix product cost more than they give
    with threadpool_limits(limits=1 if largest < THREADS_FROM else None, user_api="blas"):
        return dataset_of(card, model, local, times, progress)


def summary(dataset: xr.Dataset) -> list[Scalar]:
    """What the packet is, where it went, and what became of the spins."""
    from negf_torque.study.calculations._quantum_dataset import scalars

    return scalars(dataset)


def listings(dataset: xr.Dataset) -> list[Listing]:
    """Spins and purity at six times of each run."""
    from negf_torque.study.calculations._quantum_dataset import tables

    return tables(dataset)


def figures(dataset: xr.Dataset) -> dict[str, Figure]:
    """See `_quantum_figures`."""
    from negf_torque.study.calculations._quantum_figures import figures as draw

    return draw(dataset)


def animations(dataset: xr.Dataset, form: str | None = None) -> dict[str, bytes]:
    """Films by file name: what the card asked for, or `form` ("gif" or "mp4").

    A card's mp4 becomes a gif on a machine without ffmpeg.
    """
    from negf_torque.study.calculations._quantum_figures import file_name
    from negf_torque.study.calculations._quantum_film import film

    if form is None:
        form = dataset.attrs.get("animation", "none")
        form = "gif" if form == "mp4" and shutil.which("ffmpeg") is None else form
    if form == "none":
        return {}
    return {
        f"film_{file_name(str(name))}.{form}": film(dataset, str(name), form)
        for name in dataset["injection"].values
    }
