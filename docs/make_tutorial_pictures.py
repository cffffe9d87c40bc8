"""Draw the pictures of the tutorials again, from the cards that the tutorials show.

    python docs/make_tutorial_pictures.py [switching beta quantum junction]

A card is taken from its page, run into `runs/` (or its result found there) and drawn into
`docs/images/`; the whole takes some minutes.
"""

import re
import sys
from pathlib import Path

import numpy as np

from negf_torque.study import execute, load_card, style
from negf_torque.study.card import parse
from negf_torque.study.progress import progress_for

TOP = Path(__file__).parents[1]
DPI = 120


def card_of(page: str):
    """The first whole card of a tutorial."""
    text = (TOP / "docs/tutorials" / page).read_text(encoding="utf-8")
    blocks = re.findall(r"^```toml\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    return parse(next(block for block in blocks if "[calculation]" in block))


def result(name: str, card=None):
    """Result of a ready card, or of one from a page."""
    card = card or load_card(TOP / "systems" / f"{name}.toml")
    return execute(card, TOP / "runs" / name, progress_for()).dataset


def switching():
    """Torque of the valve above, motion of its free layer below."""
    from negf_torque.llg.slonczewski import efficiency

    valve, pillar = result("spin_valve"), result("pillar", card_of("switching.md"))
    angle = np.linspace(0, np.pi, 181)
    fit = efficiency(np.cos(angle), float(valve["polarisation"]), float(valve["Lambda"]))
    drawing, (torque, motion) = style.figure(2, 1, height=6.0)
    looks = style.lines()
    torque.plot(np.degrees(valve["angle"]), valve["eta"], label="computed", **next(looks))
    form = next(looks) | {"marker": ""}
    torque.plot(np.degrees(angle), fit, label="Slonczewski form", **form)
    torque.set(xlabel="Angle between the magnets (degrees)", xticks=np.arange(0, 181, 30))
    torque.set_ylabel(r"$\eta$")
    looks = style.lines(markers=False)
    for run, current in enumerate(pillar["current"].values):
        label = f"{current / 1e9:g}" + r"$\cdot10^9$ A/m$^2$"
        motion.plot(pillar["time"], pillar["magnetisation"][run, :, 2], label=label, **next(looks))
    motion.set(xlabel="Time (ns)", ylabel="Magnetisation along p")
    for axis in (torque, motion):
        style.legend(axis, inside=True)
    return drawing


def beta():
    """Against the magnetic impurities above, against the spiral's wave number below."""
    from negf_torque.gradient.born import ImpurityStrengths
    from negf_torque.gradient.chain_band import chain
    from negf_torque.gradient.coefficients import coefficients

    found = result("two_ways", card_of("beta.md"))
    strength = np.geomspace(2e-3, 0.3, 60)
    curve = coefficients(chain(1.0), -0.6, 0.4, ImpurityStrengths.isotropic(0.15, strength))
    device = float(found["beta"].sel(route="born"))
    drawing, (above, below) = style.figure(2, 1, height=6.0)
    looks = style.lines(markers=False)
    above.loglog(strength, curve.beta, label="formula", **next(looks))
    by_hand = 2 * np.pi * strength * curve.dos.sum(axis=0) / 0.4
    above.loglog(strength, by_hand, label=r"$2\pi\gamma_s\nu/M$", **next(looks) | {"linewidth": 3})
    above.loglog(0.03, device, "D", color=style.PALETTE[2], markersize=8, label="device")
    above.set(xlabel=r"Strength of magnetic impurities $\gamma_s$ (eV$^2$)", ylabel=r"$\beta$")
    looks = style.lines()
    q = found["wave_number"]
    for name, label in (("device_beta", "complete"), ("device_window_beta", "window alone")):
        below.plot(q, found[name].sel(medium="born"), label=label, **next(looks))
    formula = float(found["beta"].sel(route="formula"))
    below.axhline(formula, color="0.4", lw=4, alpha=0.4, label="formula")
    below.set(xlabel="Wave number of the spiral (rad per layer)", ylabel=r"$\beta$")
    below.set(xlim=(0, None), ylim=(0.155, 0.178))
    style.legend(above, inside=True)
    style.legend(below, inside=True, loc="center right")
    return drawing


def quantum():
    """An antiparallel electron: spins above, where it goes below."""
    found = result("quantum_chain").isel(injection=0)
    time = found["time"]
    drawing, (spins, places) = style.figure(2, 1, height=6.4, sharex=True)
    looks = style.lines(markers=False)
    change = {
        "electron": found["electron_spin"][:, 2] + 1,
        "magnet": found["local_spin"][:, :, 2].sum("spin") - 5,
    }
    for name, values in change.items():
        spins.plot(time, values, label=name, **next(looks))
    classical = found["classical_local_spin"][:, :, 2].sum("spin") - 5
    spins.plot(time, classical, ":", color="0.3", label="magnet, classical")
    spins.set_ylabel(r"Change of $S_z$ ($\hbar/2$)")
    looks = style.lines(markers=False)
    for electron in found["electron"].values:
        passed = found["region_probability"].sel(region="right", electron=electron)
        places.plot(time, passed, label=f"behind the magnet, {electron}", **next(looks))
    places.set(xlabel="Time (fs)", ylabel="Probability")
    for axis in (spins, places):
        style.legend(axis, inside=True)
    return drawing


def junction():
    """The kind's own picture of the torque against the voltage."""
    from negf_torque.study.run import drawings

    return drawings("bias_sweep", result("tunnel_junction"))["torque"]


DRAWINGS = {"switching": switching, "beta": beta, "quantum": quantum, "junction": junction}


def main(names: list[str]) -> None:
    for name in names or DRAWINGS:
        with style.style():
            drawing = DRAWINGS[name]()
        path = TOP / "docs" / "images" / f"tutorial_{name}.png"
        path.write_bytes(style.image_bytes(drawing, "png", dpi=DPI))
        print(path.relative_to(TOP))


if __name__ == "__main__":
    main(sys.argv[1:])
