"""Ready cards of the magnetisation dynamics: numbers, figures, mistakes."""

from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose

from negf_torque.llg.slonczewski import efficiency
from negf_torque.llg.stability import ralph_stiles_current
from negf_torque.llg.torques import slonczewski_torque
from negf_torque.study.card import load, parse
from negf_torque.study.errors import CardError
from negf_torque.study.run import calculate

SYSTEMS = Path(__file__).parents[1] / "systems"

PILLAR = """
[system]
saturation_magnetisation = 8e5
damping = 0.02
size = [100, 60, 3]
shape = "none"

[system.torque]
polarisation = 0.4
Lambda = 1.5

[calculation]
kind = "nanopillar"
currents = [-8e11, 2e11]
duration = 4
"""


def test_nanopillar_card_loads_and_estimates_nothing_wrong():
    card = load(SYSTEMS / "nanopillar.toml")
    assert card.kind == "nanopillar"
    assert parse(card.toml()).hash == card.hash


@pytest.fixture(scope="module")
def small():
    text = PILLAR.replace('shape = "none"', "anisotropy = 5e3\napplied = [1e3, 0, 0]")
    text += """
[calculation.map]
currents = [-8e11, 8e11]
fields = [-4e4, 4e4]
points = [5, 3]
duration = 6
refinements = 3

[calculation.switching]
currents = [-2e11, -9e11]
pulse = 3
duration = 3
runs = 40
"""
    return calculate(parse(text))


def test_critical_currents_are_those_of_the_trace(small):
    """Of an ellipsoid: H_k and M_s replaced by the differences of its factors."""
    from negf_torque.llg.demagnetisation import ellipsoid_factors
    from negf_torque.units import MU0

    ms, (nx, ny, nz) = 8e5, ellipsoid_factors((100, 60, 3))
    h_k = 1e4 / (MU0 * ms)
    for name, sign in (("P", 1), ("AP", -1)):
        h1, h2 = (sign * 1e3 + h_k + (n - nx) * ms for n in (ny, nz))
        eta = float(efficiency(sign, 0.4, 1.5))
        # Eq. 26 with its H + H_k + Ms/2 written as (H1 + H2)/2, per area.
        volume, ms_one = 3.0, 1.0
        current = ralph_stiles_current(0.02, eta, volume, ms_one, (h1 + h2) / 2 - 0.5, 0.0)
        current *= ms * 1e18
        assert_allclose(small.attrs[f"limit_{name}_current"], -sign * current, rtol=1e-6)
        assert small.attrs[f"limit_{name}_how"] == "oscillation"


def test_negative_current_switches_to_ap(small):
    assert float(small["cosine"].isel(current=0, time=-1)) < -0.99
    assert float(small["cosine"].isel(current=1, time=-1)) > 0.99
    probability = small["switching_probability"].values
    assert probability[0] < 0.2 and probability[1] > 0.9
    assert set(np.unique(small["phase"])) <= set(range(5))


def test_summary_listing_and_figures(small):
    card = parse(PILLAR)
    names = [s.name for s in card.module.summary(small)]
    assert "critical_current[P]" in names and "switching_probability[-9e+11 A/m^2]" in names
    assert len(card.module.listings(small)[0].rows) == 5
    assert set(card.module.figures(small)) == {"sphere", "signal", "phases", "switching"}
    for name in small.variables:
        assert name.removesuffix("_error") in card.module.VARIABLES


def test_table_of_eta_instead_of_the_form():
    angles = np.linspace(0, 180, 13)
    eta = efficiency(np.cos(np.radians(angles)), 0.4, 1.5)
    table = f"angles = {angles.tolist()}\neta = {eta.tolist()}"
    one = calculate(parse(PILLAR.replace("duration = 4", "duration = 1")))
    two = calculate(
        parse(
            PILLAR.replace("polarisation = 0.4\nLambda = 1.5", table).replace(
                "duration = 4", "duration = 1"
            )
        )
    )
    assert_allclose(one["magnetisation"], two["magnetisation"], atol=1e-5)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("polarisation = 0.4\n", "", "either polarisation"),
        ("damping = 0.02", "damping = -0.02", "damping"),
        ("saturation_magnetisation = 8e5\n", "", "saturation_magnetisation"),
        ("Lambda = 1.5", "Lambda = 1.5\nangles = [0, 90]", "either polarisation"),
        ("Lambda = 1.5", "damping_like = 0.2", "either polarisation"),
        ("duration = 4", "duration = 4\nfields = [1.0]", "1 fields for 2 currents"),
        (
            "duration = 4",
            "duration = 4\nstep = 0.1\n[calculation.switching]\ncurrents = [1e11]",
            "at most",
        ),
        (
            "duration = 4",
            "duration = 4\n[calculation.map]\ncurrents = [1e11, -1e11]\nfields = [0, 1]",
            "not a range",
        ),
    ],
)
def test_mistakes_are_named(old, new, words):
    with pytest.raises(CardError, match=words):
        parse(PILLAR.replace(old, new))


SPIN_ORBIT = """
[system]
saturation_magnetisation = 1e6
damping = 0.8
size = [40, 40, 1]
shape = "none"
anisotropy = 6e4
anisotropy_axis = [0, 0, 1]
applied = [2e4, 0, 0]

[system.torque]
damping_like = 0.2
field_like = 0.0
direction = [0, 1, 0]

[calculation]
kind = "nanopillar"
axis = [0, 0, 1]
currents = [-1e12, -1.4e12]
start = [0.02, 0, 1]
duration = 4
"""


def test_spin_orbit_torque_switches_at_its_threshold():
    """Threshold of the closed form, and the field along the current decides where to.

    Strong damping: a sudden current overshoots, which lets a weakly damped moment switch below.
    """
    from negf_torque.llg.stability import spin_orbit_threshold
    from negf_torque.llg.valve import slonczewski_field
    from negf_torque.units import MU0

    h_k = 2 * 6e4 / (MU0 * 1e6)
    a_c = spin_orbit_threshold(2e4 / h_k) * h_k
    current = a_c / (slonczewski_field(1.0, 1e6, 1e-9) * 0.2 / 2)
    card = parse(SPIN_ORBIT.replace("-1e12, -1.4e12", f"{-0.95 * current}, {-1.05 * current}"))
    result = calculate(card)
    assert_allclose(abs(result.attrs["limit_P_current"]), current, rtol=1e-5)
    up = result["cosine"].isel(time=-1).values
    assert up[0] > 0.5 and up[1] < 0
    # with the field reversed the same current switches the other state
    text = SPIN_ORBIT.replace("2e4, 0, 0", "-2e4, 0, 0").replace("[0.02, 0, 1]", "[0.02, 0, -1]")
    turned = calculate(
        parse(text.replace("-1e12, -1.4e12", f"{-0.95 * current}, {-1.05 * current}"))
    )
    assert_allclose(turned["cosine"].isel(time=-1), -up, atol=0.05)
    figures = card.module.figures(result)
    assert len(figures["signal"].axes) == 1  # nothing moves at the end: no spectrum


RESONANCE = """
[calculation.resonance]
frequencies = [2, 12, 201]
fields = [5e4, 1e5]
field_axis = [0, 1, 0]
resistance_parallel = 2000
resistance_antiparallel = 4000
state = [0, 1, 0]
"""


def test_resonance_of_a_film_is_kittels_with_two_lorentzians():
    """m along the field y, p = x: f0 and width of the film, parts from the two torques alone."""
    base = (PILLAR + RESONANCE).replace('"none"', '"none"\nanisotropy = -4.02e5\n'
                                        "anisotropy_axis = [0, 0, 1]")  # fmt: skip
    base = base.replace("Lambda = 1.5", "Lambda = 1.0").replace("damping = 0.02", "damping = 0.01")
    result = calculate(parse(base))
    from negf_torque.units import GAMMA0, MU0

    hard = 2 * 4.02e5 / (MU0 * 8e5)
    h = np.array([5e4, 1e5])
    kittel = GAMMA0 * np.sqrt(h * (h + hard)) / (2 * np.pi) * 1e-9
    # fitted line against the undamped frequency: corrections of second order in the linewidth
    assert_allclose(result["resonance_frequency"], kittel, rtol=1e-3)
    width = 0.01 * GAMMA0 * (2 * h + hard) / (4 * np.pi) * 1e-9
    assert_allclose(result["resonance_half_width"], width, rtol=5e-3)
    # epsilon' = 0: the line is w f/[(f^2 - f0^2) ...], antisymmetric by w/f0 and no more
    ratio = result["voltage_antisymmetric"] / result["voltage_symmetric"]
    assert_allclose(ratio, width / kittel, rtol=2e-2)
    # dm_x/dt = a (p at 90 degrees) over twice the linewidth, times slope of R, J^2/2
    unit = slonczewski_torque((1, 0, 0), 0.2, 1.0, 0.0, 8e5, 3.0).damping_like[1, 0]
    slope = (2000 - 4000) / 2 * 1e-15
    expected = 0.5 * 1e20 * slope * GAMMA0 * unit / (4 * np.pi * width * 1e9)
    assert_allclose(result["voltage_symmetric"], expected, rtol=2e-2)
    field_like = calculate(parse(base.replace("Lambda = 1.0", "Lambda = 1.0\nepsilon_prime = 0.3")))
    assert np.all(np.abs(field_like["voltage_antisymmetric"]) > np.abs(expected))
    assert "resonance" in parse(base).module.figures(result)
    with pytest.raises(CardError, match="five frequencies"):
        parse(base.replace("[2, 12, 201]", "[12, 2, 201]"))


def test_thermal_line_of_a_passive_layer_is_its_resonance():
    """Without current the line is the ferromagnetic resonance, its width alpha g0 (H1 + H2)."""
    from negf_torque.units import GAMMA0

    text = PILLAR.replace('"none"', '"none"\napplied = [0, 1e5, 0]').replace(
        "damping = 0.02", "damping = 0.05"
    )
    text += """start = [0, 1, 0]
[calculation.noise]
current = 0
temperature = 20
duration = 20
runs = 100
"""
    card = parse(text)
    result = calculate(card)
    # isotropic layer: m turns about y at g0 H, both transverse fields are H
    frequency = GAMMA0 * 1e5 / (2 * np.pi) * 1e-9
    width = 2 * 0.05 * frequency
    error = float(result["noise_frequency_error"])
    assert_allclose(result["noise_frequency"], frequency, atol=0.003 * frequency + 4 * error)
    error = float(result["noise_width_error"])
    assert_allclose(result["noise_width"], width, atol=4 * error + 0.1 * width)
    assert {"noise_frequency", "noise_width"} <= {s.name for s in card.module.summary(result)}
    assert "noise" in card.module.figures(result)


def test_fields_of_the_runs_and_a_second_polariser():
    """A perpendicular second polariser tips the layer; a run's field adds to the applied one."""
    text = PILLAR.replace("[calculation]", "[system.second_torque]\npolarisation = 0.3\n"
                          "direction = [0, 0, 1]\n\n[calculation]")  # fmt: skip
    model = parse(text).module.model_of(parse(text))
    single = parse(PILLAR).module.model_of(parse(PILLAR))
    m = np.array([0.6, 0.8, 0.0])
    extra = model.effective_field(m, 1e11) - single.effective_field(m, 1e11)
    expected = model.torques[1].field(m, 1e11)
    assert_allclose(extra, expected, rtol=1e-10)
    assert expected @ np.cross(m, [0, 0, 1]) > 0
    one = calculate(parse(PILLAR + "fields = [0, 5e3]\n"))
    two = calculate(parse(PILLAR.replace("[calculation]", "").replace(
        'shape = "none"', 'shape = "none"\napplied = [5e3, 0, 0]\n').replace(
        "kind =", "[calculation]\nkind =")))  # fmt: skip
    assert_allclose(one["magnetisation"][1], two["magnetisation"][1], atol=1e-12)
    assert "final_cosine[2e+11 A/m^2, 5000 A/m]" in [
        s.name for s in parse(PILLAR).module.summary(one)
    ]


# --- domain wall ----------------------------------------------------------------------------

WALL = """
[system]
saturation_magnetisation = 8e5
damping = 0.1
beta = 0.2
easy = 2e5
hard = 4e4
width_model = "fixed"

[calculation]
kind = "domain_wall"
drifts = [0, 200, 5]
shown = [20, 150]
duration = 60
"""


def test_wall_velocities_follow_the_closed_form():
    result = calculate(parse(WALL))
    # Walker threshold u_c alpha/|beta - alpha| = 70.9 m/s lies between the points.
    assert_allclose(result.attrs["walker_drift"], result.attrs["critical_drift"], rtol=1e-12)
    # Above it the crossings of Phi are known to one output of 0.03 ns in a run of 60 ns.
    assert_allclose(result["velocity"], result["velocity_formula"], rtol=3e-3, atol=1e-6)
    card = parse(WALL)
    assert set(card.module.figures(result)) == {"wall"}
    summary = {s.name: s.value for s in card.module.summary(result)}
    assert_allclose(summary["velocity[u = 20 m/s]"], 40, rtol=1e-4)
    assert_allclose(summary["slope"], 2.0)


def test_wall_profile_of_the_chain():
    chain = "[calculation.chain]\ndrift = 20\nduration = 0.2\ncells = 80\n"
    card = parse(WALL + chain)
    result = calculate(card)
    assert result["profile"].shape == (41, 80, 3)
    assert_allclose(np.linalg.norm(result["profile"], axis=-1), 1, rtol=1e-12)
    assert float(result["chain_position"][-1] - result["chain_position"][0]) > 3.9
    assert set(card.module.figures(result)) == {"wall", "profile"}
    with pytest.raises(CardError, match="does not resolve"):
        parse(WALL + chain + "cell = 9\n")
    assert load(SYSTEMS / "domain_wall.toml").kind == "domain_wall"


def test_motion_under_a_given_torque_points_to_where_the_torque_came_from(tmp_path):
    from negf_torque.study.errors import StudyError
    from negf_torque.study.exports import export

    card = load(Path(__file__).parents[1] / "systems/nanopillar.toml")
    with pytest.raises(StudyError, match="export the run that this torque came from"):
        export("mumax3", card, None, tmp_path)
