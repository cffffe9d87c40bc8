"""Oscillation of the interlayer coupling across a spacer that is not a chain."""

import kwant
import numpy as np
from numpy.testing import assert_allclose

from negf_torque.lattice import Layer, build_stack, layer_chain, magnet_from_kwant
from negf_torque.spin import SIGMA
from negf_torque.transport.coupling import interlayer_coupling, oscillation
from negf_torque.transport.sampling import Sampling
from negf_torque.transport.spanning import spanning_vectors

LATTICE = kwant.lattice.square(norbs=2)
ONSITE, EXCHANGE, ENERGY = 0.3, 0.6, -1.7


def strip(spacer):
    """Two semi-infinite magnets with `spacer` columns between them, periodic along y."""

    def field(site):
        return np.array([0, 0, 0 if 1 <= site.tag[0] <= spacer else EXCHANGE])

    def onsite(site):
        b = field(site)
        return ONSITE * np.any(b) * np.eye(2) - np.tensordot(b, SIGMA, 1) / 2

    def part(columns, *vectors):
        builder = kwant.Builder(kwant.TranslationalSymmetry(*vectors))
        builder[(LATTICE(x, 0) for x in columns)] = onsite
        builder[LATTICE.neighbors()] = -np.eye(2)
        return builder

    def name(site):
        return "fixed" if site.tag[0] < 1 else "free" if site.tag[0] > spacer else None

    leads = [part([0], (-1, 0), (0, 1)), part([spacer + 1], (1, 0), (0, 1))]
    region = part(range(spacer + 2), (0, 1))
    return layer_chain(
        magnet_from_kwant(region, leads, exchange_field=field, membership=name, lead_cells=0)
    )


def test_period_is_the_extremal_spanning_vector_of_the_fermi_line(agree):
    """J(N) ~ N^(-3/2) cos(q N + phi) in two dimensions, from the stationary point k_y = 0."""
    thick, sampling = np.arange(8, 20), Sampling(1e-4)
    found = [interlayer_coupling(strip(int(n)), "fixed", "free", ENERGY, sampling) for n in thick]
    energies, torques = np.array([(c.bilinear, c.torque) for c in found]).T
    # J1 of the energies holds odd powers of the cosine, the torque at 90 degrees the first alone
    assert_allclose(energies, torques, atol=1e-3 * np.abs(torques).max())
    (spanning,) = spanning_vectors(strip(10), 3, ENERGY)
    # eps = -2 cos q - 2 cos k_y: at k_y = 0 the Fermi points are cos q = -(E + 2)/2
    expected = 2 * np.arccos(-(ENERGY + 2) / 2)
    assert_allclose(spanning.wave_number, min(expected, 2 * np.pi - expected), atol=1e-8)
    fit = oscillation(thick, energies, 1, decay=1.5)
    assert fit.residual < 0.05
    agree(
        "Wave vector of the coupling's oscillation, two-dimensional spacer",
        fit.wave_numbers[0],
        spanning.wave_number,
        against="another route",
        rtol=2e-3,  # corrections of relative order 1/(q N)
        note="extremal spanning vector of the Fermi line",
    )


def test_period_across_a_cubic_spacer_is_the_extremal_spanning_vector(agree):
    """J(N) ~ N^-2 cos(q N + phi) in three dimensions, from the maximum at the zone's centre."""
    magnet = {"onsite": 0.3, "exchange": 0.6}

    def stack(spacer):
        layers = [
            Layer(1, name="fixed", **magnet),
            Layer(spacer),
            Layer(1, name="free", direction=(1, 0, 0), **magnet),
        ]
        return layer_chain(build_stack(layers))

    thick = np.arange(10, 19)
    found = [
        interlayer_coupling(stack(int(n)), "fixed", "free", -2.5, Sampling(1e-2)) for n in thick
    ]
    fit = oscillation(thick, [c.bilinear for c in found], 1, decay=2)
    (spanning,) = spanning_vectors(stack(10), 4, -2.5)
    # the chain at k = 0 has its level at -4: E + 4 = -2 cos k
    expected = 2 * np.arccos(-(-2.5 + 4) / 2)
    assert_allclose(spanning.wave_number, min(expected, 2 * np.pi - expected), atol=1e-8)
    assert fit.residual < 0.05
    agree(
        "Wave number of the coupling's oscillation, cubic spacer",
        fit.wave_numbers[0],
        spanning.wave_number,
        against="another route",
        rtol=2e-3,  # corrections of relative order 1/(q N)
        note="extremal spanning vector of the Fermi surface",
    )
