"""Hostile arguments: every main function tells what is wrong in one message that names it."""

import numpy as np
import pytest

import negf_torque as nt
from negf_torque.circuit import Network, solve
from negf_torque.gradient import exchange_model, gradient_tensors, parabolic, square_rashba
from negf_torque.gradient.coefficients import occupation
from negf_torque.gradient.kubo.dressed import dressed_response
from negf_torque.gradient.kubo.response import Integration, bulk_response
from negf_torque.gradient.ladder import magnetic_impurities
from negf_torque.gradient.limits import weak_disorder
from negf_torque.lattice.terminals import open_system
from negf_torque.llg.bulk import TextureTorque
from negf_torque.llg.export import render
from negf_torque.llg.macrospin import macrospin, thermal_field
from negf_torque.llg.walls import Wall, drift_velocity, field_velocity, move_thermal
from negf_torque.transport.bias_map import slope
from negf_torque.transport.bias_spectrum import window_zone_map
from negf_torque.transport.contour import contour_path
from negf_torque.transport.disordered_average import thermal_response
from negf_torque.transport.disordered_bias import (
    disordered_equilibrium_torque,
    disordered_finite_bias,
)
from negf_torque.transport.disordered_complete import complete_disordered_response
from negf_torque.transport.vertical import vertical_integral

METAL = {"onsite": 0.75, "exchange": 1.5}
STACK = [nt.Layer(2, name="fixed", **METAL), nt.Layer(1), nt.Layer(1, name="free", **METAL)]
MAGNET = nt.build_stack(STACK, cross_section="chain")
CHAIN = nt.layer_chain(MAGNET)
SYSTEM = open_system(MAGNET)
ALLOY = nt.NonmagneticImpurities(0.1, 0.2)
CRYSTAL = square_rashba(1.0, 0.5, 0.6, (0, 0, 1))
BORN = magnetic_impurities(1.0)
STRENGTHS = nt.ImpurityStrengths.isotropic(0.5, 0.05)
ANGLES = np.linspace(0, np.pi, 5)
FILM = {"cell_area": 0.1, "thickness": 2.0, "saturation_magnetisation": 8e5}

ENERGIES = [np.nan, np.inf, 0.1 + 0.1j, "x", [0.1, 0.2], None]
OF_ENERGY = {
    "window_response": lambda e: nt.window_response(CHAIN, e),
    "complete_response": lambda e: nt.complete_response(CHAIN, e),
    "spin_valve": lambda e: nt.spin_valve(CHAIN, "fixed", "free", e),
    "mixing_conductance": lambda e: nt.mixing_conductance(CHAIN, e),
    "pumping": lambda e: nt.pumping(CHAIN, "free", e),
    "disordered_response": lambda e: nt.disordered_response(CHAIN, e, [ALLOY]),
    "configuration_response": lambda e: nt.configuration_response(CHAIN, e, [ALLOY], 4),
    "terminal_response": lambda e: nt.terminal_response(SYSTEM, e),
}


@pytest.mark.parametrize("energy", ENERGIES, ids=repr)
@pytest.mark.parametrize("name", OF_ENERGY)
def test_an_energy_is_one_real_number(name, energy):
    with pytest.raises(ValueError, match="energy: .* is not an energy"):
        OF_ENERGY[name](energy)


WALL = Wall(8e5, 0.05, 0.1, 1.3e-11, 2e5, 2e4, cross_section=100.0)
NOTHING = np.zeros(len(CHAIN.sizes))
# functions that take a temperature by itself; all others take a Sampling
OF_TEMPERATURE = {
    "Sampling": lambda t: nt.Sampling(temperature=t),
    "contour_path": lambda t: contour_path(-3.0, -0.3, t),
    "vertical_integral": lambda t: vertical_integral(None, -0.3, 1.0, 1e-3, t),
    "window_zone_map": lambda t: window_zone_map(CHAIN, -0.3, 0.1, NOTHING, 2, t, "free"),
    "thermal_response": lambda t: thermal_response(CHAIN, -0.3, [ALLOY], temperature=t),
    "complete_disordered_response": lambda t: complete_disordered_response(
        CHAIN, -0.3, [ALLOY], temperature=t
    ),
    "disordered_finite_bias": lambda t: disordered_finite_bias(
        CHAIN, -0.3, 0.1, NOTHING, [ALLOY], temperature=t
    ),
    "disordered_equilibrium_torque": lambda t: disordered_equilibrium_torque(
        CHAIN, -0.3, [ALLOY], temperature=t
    ),
    "thermal_field": lambda t: thermal_field(macrospin(8e5, 0.01, volume=100.0), t, 1e-3),
    "move_thermal": lambda t: move_thermal(WALL, 1.0, 1e-3, t, 1),
}


@pytest.mark.parametrize("temperature", [-1.0, np.nan, np.inf])
@pytest.mark.parametrize("name", OF_TEMPERATURE)
def test_a_temperature_is_told_in_kelvin(name, temperature):
    with pytest.raises(ValueError, match="temperature: .* is not a temperature in kelvin"):
        OF_TEMPERATURE[name](temperature)


CASES = [
    # devices
    (lambda: nt.build_stack([nt.Layer(-3)]), "layers.0..thickness: -3 is not a thickness"),
    (lambda: nt.build_stack([nt.Layer(2.5)]), "layers.0..thickness: 2.5 is not a thickness"),
    (lambda: nt.build_stack([3]), "layers.0.: expected a Layer, got 3"),
    (lambda: nt.build_stack([nt.Layer(1, exchange=np.nan)]), "exchange: nan is not an energy"),
    (lambda: nt.build_stack([nt.Layer(1, onsite=1j)]), "onsite: the matrix is not hermitian"),
    (lambda: nt.build_stack([nt.Layer(1, exchange=1, direction=(0, 1))]), "three components"),
    (lambda: nt.build_stack([nt.Layer(1, exchange=1, direction=(0, 0, 0))]), "no direction"),
    (
        lambda: nt.build_stack([nt.Layer(1, onsite=np.eye(2), hopping=np.eye(2))]),
        "plane 1 has 2 orbitals, the left lead 1",
    ),
    (lambda: nt.window_response(MAGNET, -0.3), "Magnet is not a chain.*layer_chain"),
    (lambda: nt.window_response([CHAIN], -0.3), "list is not a chain of layers"),
    (lambda: nt.window_responses(CHAIN, -0.3), "chains: a single chain"),
    (lambda: nt.terminal_response(MAGNET, -0.3), "Magnet is not an open system"),
    # sampling
    (lambda: nt.Sampling("1e-3"), "tolerance: '1e-3' is not a number"),
    (lambda: nt.Sampling(mesh=0), "mesh: 0 is not a number of points"),
    (lambda: nt.Sampling(temperature=-1), "temperature: -1 is not a temperature"),
    (lambda: nt.Sampling(max_evaluations=0), "max_evaluations: 0"),
    # voltages
    *(
        (lambda d=d: nt.complete_response(CHAIN, -0.3, division=d), "division: .* is not a share")
        for d in (np.nan, "half")
    ),
    *(
        (
            lambda v=v: nt.bias_map(CHAIN, "fixed", "free", -0.3, v, [1.0], NOTHING),
            "voltages: .* are not in ascending order",
        )
        for v in ([0.1, 0.0], [0.1, 0.1])
    ),
    (lambda: slope([0.2, 0.1, 0.0, 0.3], np.zeros(4)), "voltage: .* not in ascending order"),
    # circuits
    (lambda: solve(Network()), "network: there is no node"),
    # valves
    (lambda: nt.spin_valve(CHAIN, "fixed", "fre", -0.3), "free: 'fre' is none of the magnets"),
    *(
        (lambda a=a: nt.spin_valve(CHAIN, "fixed", "free", -0.3, a), "angles: .* not a list")
        for a in ([], [[1.0, 2.0]], [np.nan])
    ),
    # impurities
    (lambda: nt.NonmagneticImpurities(1.5, 0.1), "concentration: 1.5"),
    (lambda: nt.disordered_response(CHAIN, -0.3, [0.1]), "impurities: .0.1. is not a list"),
    (lambda: nt.disordered_response(MAGNET, -0.3, [ALLOY]), "Magnet is not a chain"),
    (lambda: nt.configuration_response(CHAIN, -0.3, 0.1, 4), "impurities: 0.1 is not a list"),
    (lambda: nt.configuration_response(CHAIN, -0.3, [ALLOY], 4, cells=0), "cells: 0"),
    (lambda: nt.configuration_response(CHAIN, -0.3, [ALLOY], 4, mesh=0), "mesh: 0"),
    # bulk
    (lambda: nt.coefficients(parabolic(), np.nan, 0.3, STRENGTHS), "chemical_potential: nan"),
    (lambda: nt.coefficients(parabolic(), 1j, 0.3, STRENGTHS), "not a real energy"),
    (lambda: nt.coefficients(parabolic(), 1.0, -0.3, STRENGTHS), "half_splitting: -0.3"),
    (lambda: nt.coefficients(parabolic(), 1.0, 0.3, 0.5), "impurities: 0.5; give"),
    (lambda: gradient_tensors(CRYSTAL, BORN, -1.5), "chemical_potential: .*is not an energy"),
    (lambda: gradient_tensors(CRYSTAL, -1.5, 0.5), "impurities: 0.5; give a ScatteringMap"),
    (lambda: gradient_tensors("x", -1.5, BORN), "model: str is not a BulkModel"),
    (lambda: gradient_tensors(CRYSTAL, -1.5, BORN, 0.1, thermal_order=0), "thermal_order: 0"),
    (
        lambda: exchange_model(np.eye(1), [[1.0]], np.ones((1, 2, 2)), np.zeros((3, 1, 2, 2)), Z),
        "hoppings: not Hermitian in k",
    ),
    (lambda: bulk_response(CRYSTAL, np.zeros((2, 2)), -1.0, 0.1), "observables: shape"),
    (lambda: bulk_response(CRYSTAL, CRYSTAL.exchange, np.nan, 0.1), "chemical_potential: nan"),
    (
        lambda: bulk_response(
            CRYSTAL, CRYSTAL.exchange, -1.0, 0.1, integration=Integration(mesh=(4,))
        ),
        "mesh: .4,.; give 2 whole numbers",
    ),
    (lambda: Integration(method="simpson"), "method: 'simpson' is unknown"),
    (lambda: dressed_response(CRYSTAL, CRYSTAL.exchange, -1.0, 0.1), "scatterers: 0.1; give"),
    (lambda: nt.coefficients("square", 1.0, 0.3, STRENGTHS), "band: str is not a Band"),
    (lambda: nt.coefficients(CRYSTAL, 1.0, 0.3, STRENGTHS), "band: .* is not a Band"),
    (lambda: occupation(None, 1.0, 0.3, STRENGTHS), "band: NoneType is not a Band"),
    (lambda: weak_disorder(square_rashba, 1.0, 0.3, STRENGTHS), "band: function is not a Band"),
    # dynamics
    *(
        (
            lambda n=n: macrospin(8e5, 0.01, demagnetisation=n),
            "demagnetisation: .* are not the factors of a body",
        )
        for n in ((0, 0, 0.5), (1, 1, 1), (-0.5, 0.5, 1.0), (0, 0, np.nan), (0, 1))
    ),
    (
        lambda: TextureTorque(0.4, 0.02, 0.01, 8e5).drift_velocity(np.nan),
        "current_density: nan is not a current density",
    ),
    (lambda: drift_velocity(WALL, [1.0, np.nan]), "u: .1.0, nan. is not a drift velocity"),
    (lambda: field_velocity(WALL, np.inf), "field: inf is not a field"),
    (lambda: nt.valve_torque(ANGLES, ANGLES[:2], ANGLES, 1 + ANGLES, **FILM), "in_plane: shape"),
    (lambda: nt.valve_torque(ANGLES, 1j * ANGLES, ANGLES, 1 + ANGLES, **FILM), "in_plane: compl"),
    (lambda: nt.valve_torque(50 * ANGLES, ANGLES, ANGLES, 1 + ANGLES, **FILM), "angles in .0, pi"),
    (
        lambda: nt.valve_torque(ANGLES, ANGLES, ANGLES, 1 + ANGLES, **FILM | {"thickness": -1}),
        "thickness: -1 is not usable",
    ),
    (lambda: macrospin(8e5, 0.01, applied=(0, 0)), "applied: .0, 0. is not a field"),
    (lambda: macrospin(8e5, 0.01, anisotropies=[1e4]), "anisotropies: 10000.0 is not a pair"),
    (lambda: render("mumax3", 3), "torque: int is no torque"),
]
Z = (0, 0, 1)


@pytest.mark.parametrize(("call", "message"), CASES, ids=[message for _, message in CASES])
def test_what_is_wrong_is_named(call, message):
    with pytest.raises(ValueError, match=message) as caught:
        call()
    assert "\n" not in str(caught.value)


def test_a_single_kind_of_impurities_needs_no_list():
    one, listed = (nt.disordered_response(CHAIN, -0.3, kinds) for kinds in (ALLOY, [ALLOY]))
    assert one.conductance == listed.conductance
