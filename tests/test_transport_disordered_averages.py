"""Momenta and energies of devices with impurities; what is told of them."""

import warnings

import numpy as np
import pytest
from disordered_systems import BOTH, valve

from negf_torque.disorder.impurities import NonmagneticImpurities
from negf_torque.notices import ConvergenceWarning, PhysicsWarning
from negf_torque.transport.disordered import disordered_response
from negf_torque.transport.disordered_average import converged_response, thermal_response
from negf_torque.units import BOLTZMANN


def test_strong_impurities_are_no_case_for_born():
    strong = [NonmagneticImpurities(0.1, 5.0)]
    with pytest.warns(PhysicsWarning, match="dimensionless parameter .* coherent potential"):
        disordered_response(valve("chain"), -0.7, strong)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        disordered_response(valve("chain"), -0.7, strong, "coherent-potential")


def test_what_has_not_converged_is_told_and_marked(monkeypatch):
    from negf_torque.disorder import averaged

    original = averaged.find_fixed_point
    monkeypatch.setattr(
        averaged,
        "find_fixed_point",
        lambda step, start, ok, tolerance, most: original(step, start, ok, tolerance, 2),
    )
    with pytest.warns(ConvergenceWarning, match="has not converged .* after 2 steps"):
        response = disordered_response(valve("chain"), -0.7, BOTH)
    assert not response.converged


def test_energies_outside_the_bands_are_told():
    with (
        pytest.warns(PhysicsWarning, match="outside all bands of the left lead"),
        pytest.warns(PhysicsWarning, match="outside all bands of the right lead"),
    ):
        disordered_response(valve("chain"), -2.5, BOTH)


@pytest.mark.parametrize(
    ("arguments", "name"), [({"method": "t-matrix"}, "method"), ({"mesh": 0}, "mesh")]
)
def test_bad_arguments(arguments, name):
    with pytest.raises(ValueError, match=f"^{name}: "):
        disordered_response(valve("chain"), -0.7, BOTH, **arguments)


def test_mesh_is_doubled_until_nothing_changes():
    chain = valve("periodic")
    strong = [NonmagneticImpurities(1.0, 1.0, "symmetric")]
    response = converged_response(
        chain, -1.0, strong, "coherent-potential", tolerance=3e-3, first_mesh=4, largest_mesh=64
    )
    assert response.converged
    finer = disordered_response(chain, -1.0, strong, "coherent-potential", 4 * response.mesh)
    assert abs(response.conductance - finer.conductance) < 3e-3 * finer.conductance
    assert 0 < response.conductance_error < 3e-3 * response.conductance
    with pytest.warns(ConvergenceWarning, match="average over momenta has not reached"):
        coarse = converged_response(
            chain, -1.0, strong, "coherent-potential", 1e-9, first_mesh=4, largest_mesh=8
        )
    assert not coarse.converged


def test_temperature_averages_over_the_thermal_window(agree):  # independent: sum over energies
    chain, temperature = valve("chain"), 300.0
    found = thermal_response(chain, -0.7, BOTH[:1], temperature=temperature)
    width = BOLTZMANN * temperature
    energies = width * np.linspace(-18, 18, 73)
    weight = 1 / (4 * np.cosh(energies / width / 2) ** 2) * 0.5
    exact = [disordered_response(chain, -0.7 + e, BOTH[:1]) for e in energies]
    # both trapezoidal: 1e-7 is what lies beyond 18 k_B T
    for name in ("conductance", "current_by_lead", "density_by_lead"):
        mean = sum(w * getattr(r, name) for w, r in zip(weight, exact, strict=True))
        agree(
            f"Disordered valve at 300 K: {name.replace('_', ' ')}",
            getattr(found, name),
            mean,
            against="another route",
            atol=1e-6,
            note="uniform sum over energies",
        )
    assert found.converged and found.evaluations < 60
    with pytest.raises(ValueError, match="^temperature: "):
        thermal_response(chain, -0.7, BOTH, temperature=-1.0)
