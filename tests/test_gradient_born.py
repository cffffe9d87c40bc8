"""Self-consistent Born approximation: solved, causal, and the right root."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from negf_torque.gradient.bands import parabolic
from negf_torque.gradient.born import ImpurityStrengths, solve_born
from negf_torque.gradient.lattice_bands import body_centred_cubic, simple_cubic, square


@pytest.mark.parametrize("dimension", [1, 2, 3])
@pytest.mark.parametrize("magnetic", [0.0, 0.05])
@pytest.mark.parametrize("strength", [1e-4, 0.1, 0.7, 5.0])
def test_every_energy_is_solved_and_causal(dimension, magnetic, strength):
    """From below the band through both edges, weak to strong disorder, with a half-metal."""
    energy = np.linspace(-2, 3, 1001)
    impurities = ImpurityStrengths.isotropic(strength, magnetic)
    s = solve_born(parabolic(1, dimension), energy, 0.3, impurities)
    assert s.residual.max() < 1e-12
    assert s.z.imag.min() >= 0
    assert np.all(-s.self_energy.imag > -1e-14)
    assert np.all(s.dos >= -1e-14)


@settings(deadline=None, max_examples=60)
@given(
    mu=st.floats(-3, 4), m=st.floats(1e-3, 3), gi=st.floats(0, 5), gz=st.floats(0, 2),
    gp=st.floats(0, 2),
)
def test_the_solution_is_the_limit_from_above(mu, m, gi, gz, gp):
    impurities = ImpurityStrengths(gi, gz, gp)
    band = parabolic()
    on_axis = solve_born(band, mu, m, impurities)
    above = solve_born(band, mu + 1e-7j, m, impurities)
    assert on_axis.residual <= 1e-12 * (4 + abs(mu) + m)
    # at a band edge z changes like a square root of the energy
    assert np.abs(on_axis.z - above.z).max() < 3e-3 * (1 + gi + gz + 2 * gp)


def test_damped_iteration_finds_the_same_solution():
    band, m, impurities = simple_cubic(), 0.7, ImpurityStrengths(0.6, 0.1, 0.2)
    z = np.array([-1.0 + m + 1j, -1.0 - m + 1j])
    for _ in range(2000):
        g = band.green(z)[0]
        target = np.array([-1.0 + m, -1.0 - m])
        z = (z + target - 0.7 * g - 0.4 * g[::-1]) / 2
    assert_allclose(solve_born(band, -1.0, m, impurities).z, z, atol=1e-12)


@pytest.mark.parametrize("build", [simple_cubic, body_centred_cubic, square])
def test_outside_the_bands_self_energies_are_real(build):
    band = build()
    for impurities in (ImpurityStrengths(0.2), ImpurityStrengths.isotropic(0.2, 0.05)):
        bound = band.lower_bound(impurities.same_spin + impurities.other_spin) - 0.5
        s = solve_born(band, [bound - 0.2, -bound + 0.2], 0.5, impurities)
        assert np.all(s.dos < 1e-13)
        assert np.all(np.abs(s.self_energy.imag) < 1e-13)


def test_half_metal_without_spin_flips_has_one_spin_only():
    s = solve_born(parabolic(), 0.1, 0.4, ImpurityStrengths(0.3))
    assert s.dos[0] > 0.05
    assert s.dos[1] < 1e-20
    flips = solve_born(parabolic(), 0.1, 0.4, ImpurityStrengths.isotropic(0.3, 0.05))
    assert 0 < flips.dos[1] < 0.1 * flips.dos[0]


def test_total_slope_is_the_derivative():
    impurities = ImpurityStrengths(0.5, 0.1, 0.2)
    band, step = parabolic(), 1e-4
    centre = solve_born(band, 1.0, 0.3, impurities)
    sides = [solve_born(band, 1.0 + s * step, 0.3, impurities).g for s in (-2, -1, 1, 2)]
    slope = (sides[0] - 8 * sides[1] + 8 * sides[2] - sides[3]) / (12 * step)
    assert_allclose(centre.total_slope, slope, rtol=1e-10)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: ImpurityStrengths(-0.1), "nonmagnetic: -0.1"),
        (lambda: ImpurityStrengths(0.1, 0.0, -2.0), "transverse: -2"),
        (
            lambda: solve_born(parabolic(), 1.0, -0.3, ImpurityStrengths(0.1)),
            "half_splitting: -0.3",
        ),
        (lambda: solve_born(parabolic(), 1.0 - 0.1j, 0.3, ImpurityStrengths(0.1)), "energy"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()
