"""The card of a bulk ferromagnet: units, sweeps, exports and complaints."""

from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose

from negf_torque.gradient.bands import ELECTRON_MASS, parabolic
from negf_torque.gradient.born import ImpurityStrengths
from negf_torque.gradient.coefficients import coefficients
from negf_torque.study.card import load, parse
from negf_torque.study.errors import CardError
from negf_torque.study.run import calculate
from negf_torque.units import BOHR_MAGNETON, ELEMENTARY_CHARGE, HBAR, HBAR_SI

SYSTEMS = Path(__file__).parent.parent / "systems"

CUBIC = """
[system]
band = "simple_cubic"
exchange = 2.0
chemical_potential = -2.0
lattice_constant = 0.25
local_spin = 0.5

[system.impurities]
nonmagnetic = 0.8
magnetic = 0.1

[calculation]
kind = "ferromagnet"
"""

PARABOLIC = """
[system]
exchange = 2.0
chemical_potential = 5.0
lattice_constant = 0.23
local_spin = 0.8

[system.impurities]
nonmagnetic = 0.5
magnetic = 0.02

[calculation]
kind = "ferromagnet"
"""


def run(text):
    return calculate(parse(text))


def test_the_cubic_reference_case_through_a_card():
    dataset = run(CUBIC)
    assert_allclose(dataset["beta"], 0.1335536576, rtol=1e-9)
    assert_allclose(dataset["damping"], 0.01446144154, rtol=1e-9)
    assert_allclose(dataset["alpha"], 0.01446144154 / (0.5 + 0.1163879447), rtol=1e-9)
    # sigma/e^2 per site, t = a = 1: times e^2/hbar over the lattice constant
    si = ELEMENTARY_CHARGE**2 / HBAR_SI / 0.25e-9
    assert_allclose(dataset["conductivity"], [0.3740363666 * si, 0.2826296287 * si], rtol=1e-9)
    assert_allclose(dataset["lifetime"].sel(spin="up"), HBAR / (2 * 0.4176546294), rtol=1e-9)
    parts = dataset["parts"].sel(quantity="beta")
    assert_allclose(parts.sel(part="surface") + parts.sel(part="sea"), dataset["beta"])


def test_units_of_the_parabolic_band():
    dataset = run(PARABOLIC)
    volume = 0.23**3
    c = coefficients(
        parabolic(ELECTRON_MASS), 5.0, 1.0, ImpurityStrengths.isotropic(0.5 * volume, 0.02 * volume)
    )
    assert_allclose(dataset["beta"], c.beta)
    assert_allclose(dataset["damping"], c.damping * volume)
    # Drude: n e^2 tau/m with the majority density, to the accuracy of 1/(k_F l)
    k = np.sqrt(2 * ELECTRON_MASS * 6.0)
    density = k**3 / (6 * np.pi**2) * 1e27
    tau = float(dataset["lifetime"].sel(spin="up")) * 1e-15
    drude = density * ELEMENTARY_CHARGE**2 * tau / 9.1093837e-31
    assert_allclose(dataset["conductivity"].sel(spin="up"), drude, rtol=5e-3)
    assert_allclose(dataset["k_f_l"].sel(spin="up"), k * dataset["mean_free_path"][0], rtol=5e-3)


def test_drift_velocity_is_that_of_the_saturation_magnetisation():
    """u/J = P mu_B/(e M_s) with M_s = 2 mu_B S_tot per volume and P reduced by the ratio."""
    dataset = run(PARABOLIC)
    spin = (0.8 + float(dataset["spin_renormalisation"])) / (0.23e-9) ** 3
    effective = float(dataset["polarisation"] * dataset["adiabatic_ratio"])
    expected = effective * BOHR_MAGNETON / (ELEMENTARY_CHARGE * 2 * BOHR_MAGNETON * spin)
    assert_allclose(dataset["drift_velocity"], expected, rtol=1e-12)


def test_sweeps_and_maps_hold_the_base_point():
    dataset = run(CUBIC.replace('"simple_cubic"', '"body_centred_cubic"') + """
temperature = 300
[[calculation.sweeps]]
parameter = "exchange"
values = [1.0, 2.0]
[[calculation.sweeps]]
parameter = "magnetic"
values = [0.0, 0.1]
[[calculation.sweeps]]
parameter = "temperature"
values = [0, 300]
[calculation.map]
x = { parameter = "chemical_potential", values = [-3.0, -2.0] }
y = { parameter = "nonmagnetic", start = 0.4, stop = 0.8, points = 3 }
""")
    beta = float(dataset["beta"])
    assert_allclose(dataset["beta_vs_exchange"][1], beta, rtol=1e-10)
    assert_allclose(dataset["beta_vs_magnetic"].values, [0, beta], atol=1e-12)
    assert_allclose(dataset["beta_vs_temperature"][1], beta, rtol=1e-10)
    assert_allclose(dataset["beta_map"][2, 1], beta, rtol=1e-10)
    assert dataset["map_y"].attrs["units"] == "eV^2"


def test_outside_the_bands_the_card_says_so():
    from negf_torque.study.calculations.ferromagnet import summary

    dataset = run(CUBIC.replace("-2.0", "-12.0"))
    assert "nothing conducts" in dataset.attrs["warnings"][0]
    found = {s.name: s for s in summary(dataset)}
    assert found["conductivity[up]"].value == 0
    assert "undefined" in found["beta"].note


def test_a_crystal_in_the_card_equals_the_band():
    text = CUBIC.replace('band = "simple_cubic"', '''band = "crystal"
lattice = [[0.25, 0, 0], [0, 0.25, 0], [0, 0, 0.25]]
hoppings = [
  { displacement = [0.25, 0, 0], matrix = [[-1.0]] },
  { displacement = [0, 0.25, 0], matrix = [[-1.0]] },
  { displacement = [0, 0, 0.25], matrix = [[-1.0]] },
]''') + "tolerance = 1e-5\n"
    a, b = run(text), run(CUBIC)
    for name in ("beta", "alpha", "conductivity", "drift_velocity", "polarisation", "adiabatic"):
        assert_allclose(a[name], b[name], rtol=2e-4)


def test_the_builder_needs_permission_and_runs():
    path = SYSTEMS / "ferromagnet_custom.toml"
    with pytest.raises(CardError, match="allow-code"):
        load(path)
    card = load(path, allow_code=True)
    assert card.build().orbitals == 2
    dataset = calculate(card)
    assert np.isfinite(dataset["beta"]) and dataset["alpha"] > 0
    assert abs(dataset["parts"].sel(quantity="beta", part="nonmagnetic")) < 1e-4


def test_solvers_get_alpha_beta_and_the_effective_polarisation():
    card = parse(CUBIC + """
[llg]
saturation_magnetisation = 8e5
cell_area = 0.0625
layer_spacing = 0.25
""")
    dataset = calculate(card)
    torque, _ = card.module.llg_parameters(dataset, card)
    assert torque.beta == float(dataset["beta"])
    assert torque.damping == float(dataset["alpha"])
    assert_allclose(torque.polarisation, 0.9951179341 * float(dataset["polarisation"]))
    # 2 mu_B S over the cell of the band, mu_B = 9.274e-24 A m^2
    spin = card.system.local_spin + float(dataset["spin_renormalisation"])
    own = 2 * 9.2740100657e-24 * abs(spin) / (card.system.lattice_constant * 1e-9) ** 3
    assert f"{own:.4g} A/m, and alpha is of these." in torque.notes
    right = parse(card.toml().replace("800000.0", repr(own)))
    assert right.module.llg_parameters(dataset, right)[0].notes == ()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("exchange = 2.0", "exchange = -1.0", "exchange"),
        ("exchange = 2.0", "exchange = 0.0", "ferromagnet"),
        ("nonmagnetic = 0.8", "nonmagnetic = -0.8", "nonmagnetic"),
        ("magnetic = 0.1\n", "magnetic = 0.1\nlongitudinal = 0.1\n", "one kind"),
        ('"simple_cubic"', '"simple_cubik"', "band"),
        ('"simple_cubic"', '"tabulated"', "energies"),
        ('"simple_cubic"', '"crystal"', "hoppings"),
        ('kind = "ferromagnet"', 'kind = "ferromagnet"\ntemperature = -1', "temperature"),
        ('kind = "ferromagnet"', 'kind = "ferromagnet"\nsweeps = [{ parameter = "exchange" }]',
         "no values"),
        ('kind = "ferromagnet"',
         'kind = "ferromagnet"\nsweeps = [{ parameter = "exchange", values = [-1.0] }]',
         "0 or more"),
        ('kind = "ferromagnet"',
         'kind = "ferromagnet"\nsweeps = [{ parameter = "transverse", values = [0.1] }]',
         "isotropic"),
    ],
)
def test_complaints(old, new, message):
    with pytest.raises(CardError, match=message):
        parse(CUBIC.replace(old, new, 1))


def test_every_figure_is_drawn():
    from negf_torque.study.calculations.ferromagnet import figures

    dataset = run(PARABOLIC + """
sweeps = [{ parameter = "nonmagnetic", start = 0.1, stop = 1.0, points = 5, logarithmic = true }]
[calculation.map]
x = { parameter = "exchange", start = 1.0, stop = 12.0, points = 5 }
y = { parameter = "nonmagnetic", start = 0.1, stop = 1.0, points = 4, logarithmic = true }
""")
    assert set(figures(dataset)) == {"parts", "sweep_nonmagnetic", "map"}
