"""The physical torques themselves: JSON with every number, CSV with one line per angle."""

import csv
import io
import json
from dataclasses import asdict
from math import degrees

import numpy as np

from negf_torque import __version__
from negf_torque.llg.bulk import SpinOrbitTorque, TextureTorque
from negf_torque.llg.convert import convert_to_all
from negf_torque.llg.export.common import commented, vector
from negf_torque.llg.export.header import header
from negf_torque.llg.export.simulation import Simulation
from negf_torque.llg.junction import JunctionTorque
from negf_torque.llg.slonczewski import efficiency
from negf_torque.llg.valve import ValveTorque
from negf_torque.units import GAMMA0, torkance_si

__all__ = ["bias_table", "render"]

COLUMNS = {
    "theta_deg": "degrees, angle between the layers",
    "eta": "in-plane torque per current and sin(theta); epsilon = eta/2",
    "eta_error": "standard error of eta",
    "eta_fit": "Slonczewski form fitted to eta",
    "eta_perp": "out-of-plane torque per current and sin(theta); epsilon' = eta_perp/2",
    "eta_perp_error": "standard error of eta_perp",
    "conductance": "e^2/h per cell",
    "current_density_per_volt": "A/(V m^2), e times the electron flux left to right",
    "a_per_volt": "1/(s V), dm/dt = a m x (p x m), magnetisations",
    "b_per_volt": "1/(s V), dm/dt = b p x m, magnetisations",
    "torque_in_plane_per_volt": "J/(V m^2), toward p, on the magnetic moments (spin frame)",
    "torque_out_of_plane_per_volt": "J/(V m^2), along m_s x p_s (spin frame)",
}


def _rows(torque: ValveTorque) -> list[dict[str, float]]:
    fit = torque.slonczewski()
    a, b = torque.rates_per_volt()
    per_volt = torque.current_density_per_volt()
    sine = np.sin(torque.angles)
    transmission = np.array(torque.conductance)
    nothing = (float("nan"),) * len(torque.angles)
    columns = (
        [degrees(t) for t in torque.angles],
        torque.eta,
        torque.eta_error or nothing,
        efficiency(np.cos(torque.angles), fit.polarisation, fit.Lambda),
        torque.eta_perp,
        torque.eta_perp_error or nothing,
        torque.conductance,
        per_volt,
        a,
        b,
        torkance_si(1.0, torque.cell_area) * np.array(torque.eta) * transmission * sine,
        torkance_si(1.0, torque.cell_area) * np.array(torque.eta_perp) * transmission * sine,
    )
    return [
        {key: float(value) for key, value in zip(COLUMNS, row, strict=True)}
        for row in zip(*columns, strict=True)
    ]


BIAS_COLUMNS = {
    "voltage": "V; V > 0 drives electrons from left to right",
    "theta_deg": "degrees, angle between the layers",
    "in_plane": "J in eV per cell toward p, torque J/(4 pi) on the free layer (spin frame)",
    "out_of_plane": "J in eV per cell along m_s x p_s (spin frame)",
    "current_density": "A/m^2, e times the electron flux left to right",
    "a": "1/s, dm/dt = a m x (p x m), magnetisations",
    "b": "1/s, dm/dt = b p x m, magnetisations; interlayer coupling included",
    "field_damping_like": "a/g0 in A/m",
    "field_field_like": "b/g0 in A/m, along +p",
}


def bias_table(junction: JunctionTorque) -> dict[str, str]:
    """NAME_bias.csv: T(V, theta) of a junction, one line per voltage and angle."""
    a, b = junction.rates()
    volt, theta = np.meshgrid(junction.voltages, np.degrees(junction.angles), indexing="ij")
    sine = np.sin(junction.angles)
    columns = (
        volt,
        theta,
        junction.in_plane,
        junction.out_of_plane,
        junction.current_density(),
        a,
        b,
        a / GAMMA0,
        b / GAMMA0,
    )
    fits = junction.damping_like(), junction.field_like()
    explain = [
        f"{junction.name}: torque T(V, theta), written by negf_torque {__version__}",
        f"torque hash {junction.hash}; provenance: {junction.provenance}",
        f"Ms = {junction.saturation_magnetisation!r} A/m, d = {junction.thickness!r} nm, "
        f"cell area {junction.cell_area!r} nm^2, p = ({vector(junction.fixed_direction)})",
        f"response: {junction.response}; a, b are per sin(theta), which is "
        f"{sine.min():.3g} to {sine.max():.3g} here",
        "Powers of the voltage, angle by angle (deg: a_1 1/(s V) | b_0 1/s, b_1 1/(s V), "
        "b_2 1/(s V^2) | largest misses of a and b, relative):",
        *(
            f"  {np.degrees(t):.4g}: {fits[0][1][k]:.6g} | {fits[1][0][k]:.6g}, "
            f"{fits[1][1][k]:.6g}, {fits[1][2][k]:.6g} | {fits[0].residual[k]:.1e}, "
            f"{fits[1].residual[k]:.1e}"
            for k, t in enumerate(junction.angles)
        ),
        *(f"{key}: {meaning}" for key, meaning in BIAS_COLUMNS.items()),
    ]
    buffer = io.StringIO()
    buffer.writelines(line + "\n" for line in commented("\n".join(explain).splitlines(), "#"))
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(BIAS_COLUMNS)
    for row in zip(*(np.asarray(c).ravel().tolist() for c in columns), strict=True):
        writer.writerow(repr(value) for value in row)
    return {f"{junction.name}_bias.csv": buffer.getvalue()}


def _coefficients(
    torque: SpinOrbitTorque | TextureTorque, simulation: Simulation
) -> dict[str, str]:
    """Coefficients without a table, and the same in every solver's convention."""
    if isinstance(torque, TextureTorque):
        kind = "zhang_li"
        numbers = {
            "u": torque.drift_velocity(simulation.current_density),
            "beta": torque.beta,
        }
        source, context = "reference", {"polarisation": torque.polarisation or 1.0}
    else:
        kind, source = "slonczewski", "spin-hall"
        numbers = {
            "J": simulation.current_density,
            "xi_DL": torque.damping_like,
            "xi_FL": torque.field_like,
        }
        context = {"thickness": torque.thickness, "damping": simulation.alpha}
    context["saturation_magnetisation"] = torque.saturation_magnetisation
    document = {
        "about": header("plain tables", torque, simulation, "thickness of the ferromagnet."),
        "negf_torque": __version__,
        "hash": torque.hash,
        "input": {
            k: None if isinstance(v, float) and np.isnan(v) else v
            for k, v in asdict(torque).items()
        },
        "conventions": convert_to_all(kind, source, numbers, **context),
    }
    return {f"{torque.name}_torques.json": json.dumps(document, indent=2, allow_nan=False) + "\n"}


def render(
    torque: ValveTorque | SpinOrbitTorque | TextureTorque, simulation: Simulation
) -> dict[str, str]:
    """File name -> text: NAME_torques.json, and NAME_torques.csv of a valve."""
    if not isinstance(torque, ValveTorque):
        return _coefficients(torque, simulation)
    rows = _rows(torque)
    fit, asymmetric = torque.slonczewski(), torque.asymmetric()
    prime, deviation = torque.epsilon_prime()
    explain = header("plain tables", torque, simulation, "thickness of the whole free layer.")
    form = asdict(fit) | {"solver_polarisation": fit.polarisation / 2}

    def plain_numbers(value):
        return None if isinstance(value, float) and not np.isfinite(value) else value

    document = {
        "about": explain,
        "negf_torque": __version__,
        "hash": torque.hash,
        "input": asdict(torque),
        "slonczewski": {k: plain_numbers(v) for k, v in form.items()},
        "asymmetric": asdict(asymmetric) if asymmetric else None,
        "epsilon_prime": {"value": prime, "largest_relative_deviation": deviation},
        "columns": COLUMNS,
        "table": [
            {key: None if np.isnan(value) else value for key, value in row.items()} for row in rows
        ],
    }
    buffer = io.StringIO()
    buffer.writelines(line + "\n" for line in commented(explain, "#"))
    for key, meaning in COLUMNS.items():
        buffer.write(f"# {key}: {meaning}\n")
    writer = csv.DictWriter(buffer, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows({key: repr(value) for key, value in row.items()} for row in rows)

    return {
        f"{torque.name}_torques.json": json.dumps(document, indent=2, allow_nan=False) + "\n",
        f"{torque.name}_torques.csv": buffer.getvalue(),
    }
