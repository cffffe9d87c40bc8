"""From Kwant's valve to the switching of a macrospin: signs through the whole chain."""

from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.integrate import solve_ivp
from solver_equations import RATES
from study_helpers import changed

from negf_torque.lattice import Layer, build_stack, layer_chain
from negf_torque.llg import valve_torque
from negf_torque.llg.demagnetisation import ellipsoid_factors
from negf_torque.llg.export import Simulation, render
from negf_torque.llg.export.common import solver_numbers
from negf_torque.llg.macrospin import macrospin, trajectory
from negf_torque.llg.torques import slonczewski_torque, valve_spin_torque
from negf_torque.study.card import parse
from negf_torque.study.run import calculate
from negf_torque.transport.sampling import Sampling
from negf_torque.transport.valve import spin_valve

SYSTEMS = Path(__file__).parents[1] / "systems"
ANGLES = np.linspace(0.15, np.pi - 0.15, 9)
MS = 8e5


@lru_cache
def computed(reversed_stack=False):
    """Left fixed (4 layers) and right free (2 layers), or the mirror image."""
    magnet = dict(onsite=0.75, exchange=1.5)
    stack = [Layer(4, name="fixed", **magnet), Layer(3), Layer(2, name="free", **magnet)]
    chain = layer_chain(build_stack(stack[::-1] if reversed_stack else stack))
    valve = spin_valve(chain, "fixed", "free", -2.2, ANGLES, Sampling(mesh=16))
    bias = 2  # symmetric
    return valve_torque(
        ANGLES,
        valve.in_plane[bias],
        valve.out_of_plane[bias],
        valve.conductance,
        cell_area=0.0625,
        thickness=0.5,
        saturation_magnetisation=MS,
        fixed_direction=(1, 0, 0),
    )


@pytest.fixture(scope="module")
def valve():
    return computed()


def test_the_reference_torkance_arrives(valve):  # frozen: the 16 x 16 mesh, at 90 degrees
    middle = len(ANGLES) // 2
    assert_allclose(valve.angles[middle], np.pi / 2)
    torkance = np.array([valve.eta[middle], valve.eta_perp[middle]]) * valve.conductance[middle]
    assert_allclose(torkance, [0.21105104, 0.08459767], atol=2e-8)


def test_exchanging_the_leads_reverses_the_torque(valve):
    mirrored = computed(reversed_stack=True)
    assert_allclose(mirrored.conductance, valve.conductance, rtol=1e-9)
    for one, two in zip(mirrored.rates_per_volt(), valve.rates_per_volt(), strict=True):
        assert_allclose(one, -two, atol=1e-8 * np.abs(two).max())


@pytest.mark.parametrize("voltage", [0.02, -0.02])
@pytest.mark.parametrize("form", ["table", "slonczewski"])
def test_the_valve_switches_the_macrospin_its_own_way(valve, voltage, form):
    """V > 0 drives electrons from the fixed to the free layer: P; V < 0: AP."""
    current = voltage * valve.current_density_per_volt().mean()
    drives = {"table": ("voltage", voltage), "slonczewski": ("current", current)}
    drive, value = drives[form]
    model = macrospin(
        MS,
        0.02,
        anisotropies=[(1e4, (1, 0, 0))],
        demagnetisation=ellipsoid_factors((100, 60, 2)),
        torques=[valve_spin_torque(valve, drive=drive, form=form)],
    )
    favoured = np.sign(voltage)
    path = trajectory(model, (-favoured, 0.05, 0.02), 10.0, value, samples=101)
    assert path.m[-1, 0] * favoured > 0.9
    path = trajectory(model, (favoured, 0.05, 0.02), 10.0, value, samples=101)
    assert path.m[-1, 0] * favoured > 0.9


def test_the_solvers_numbers_make_the_same_torque(valve):
    """What the files carry, put back into our own torque."""
    n = solver_numbers(valve, Simulation(current_density=-2e11))
    files = slonczewski_torque(n.p, n.polarisation, n.Lambda, n.epsilon_prime, MS, 0.5)
    own = valve_spin_torque(valve, form="slonczewski")
    for m in np.random.default_rng(0).normal(size=(5, 3)):
        m /= np.linalg.norm(m)
        assert_allclose(files.field(m, n.current_density), own.field(m, -2e11), rtol=1e-9)


@pytest.mark.parametrize("solver", ["mumax3", "mumaxplus", "oommf", "magnumnp"])
@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("current", [1e12, -1e12])
def test_the_exported_file_switches_the_moment_the_valves_way(valve, solver, mirrored, current):
    """Kwant -> file -> the solver's own equation -> motion; bias and leads reversed.

    Electrons from the fixed to the free magnet (J > 0, or J < 0 in the mirror image) favour P.
    """
    torque = computed(reversed_stack=True) if mirrored else valve
    text = render(solver, torque, Simulation(current_density=current, damping=0.05))
    text = next(iter(text.values()))
    body = macrospin(MS, 0.05, anisotropies=[(1e4, (1, 0, 0)), (-1e5, (0, 0, 1))])
    favoured = np.sign(current) * (-1 if mirrored else 1)

    def rate(_, m):
        m = m / np.linalg.norm(m)
        return 1e-9 * (body.rate(m) + RATES[solver](text, m))  # explicit forms add

    start = np.array([-favoured, 0.1, 0.05]) / np.linalg.norm([1, 0.1, 0.05])
    end = solve_ivp(rate, (0, 2.0), start, rtol=1e-5, atol=1e-6).y[:, -1]
    assert end[0] * favoured > 0.9


def test_the_card_hands_over_layers_and_pumped_damping():
    """[llg] film_cells and damping_enhancement; the layers' torques are the computed ones."""
    text = changed(
        (SYSTEMS / "spin_valve.toml").read_text(),
        {
            "tolerance = 1e-3 ": "mesh = 6 ",
            "damping = 0.01\n": "damping = 0.01\ndamping_enhancement = 0.004\nfilm_cells = 2\n",
            "angles = [0, 15, 30, 45, 60, 75, 90, 105, 120, 135, 150, 165, 180]": (
                "angles = [30, 60, 90, 120, 150]"
            ),
        },
    )
    card = parse(text)
    result = calculate(card)
    torque, simulation = card.module.llg_parameters(result, card)
    assert simulation.alpha == 0.014
    one = result.sel(bias="symmetric")
    k = int(np.argmin(np.abs(result["angle"].values - np.pi / 2)))
    layers = one["layer_torkance"].values[k, result["layer_magnet"].values == "free"]
    moment = one["moment"].values[k]
    p = moment[result["layer_magnet"].values == "fixed"][0]
    # toward p at 90 degrees is p itself; per current, times the two layers
    expected = 2 * layers @ p / float(result["conductance"][k])
    found = np.array(torque.layer_eta)[:, torque.angles.index(float(result["angle"][k]))]
    assert_allclose(found, expected, rtol=1e-10)
    file = render("mumax3", torque, simulation)[f"{card.name}.mx3"]
    assert "alpha = 0.014" in file and "0.01 and 0.004 from spin pumping" in file
    assert "Pol.SetRegion(1," in file and "SetGridSize(25, 15, 2)" in file
