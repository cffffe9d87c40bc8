"""Textures: projections of the torque, wall resistance, the adiabatic limit."""

import kwant
import numpy as np
import pytest
from numpy.testing import assert_allclose

from negf_torque.disorder.impurities import MagneticImpurities, NonmagneticImpurities
from negf_torque.lattice import Layer, Lead, build_stack, layer_chain, magnet_from_kwant, rotated
from negf_torque.notices import PhysicsWarning
from negf_torque.spin import SIGMA, direction, domain_wall, rotation_so3, sampled_texture, spiral
from negf_torque.transport.disordered_complete import complete_disordered_response
from negf_torque.transport.sampling import Sampling
from negf_torque.transport.texture import project, tangent, texture_geometry
from negf_torque.transport.wire import wire_response

METAL = {"exchange": 1.5}


def wire(texture, length, cross_section="chain", ends=None, **metal):
    """A magnetic wire whose leads continue the first and the last moment."""
    metal = METAL | metal
    first, last = ends or texture(np.array([0, length - 1]))
    return layer_chain(
        build_stack(
            [Layer(length, texture=texture, name="wall", **metal)],
            Lead(direction=first, **metal),
            Lead(direction=last, **metal),
            cross_section=cross_section,
        )
    )


def wall(width, length=40, cross_section="chain", kind="bloch", **metal):
    texture = domain_wall((length - 1) / 2, width, kind)
    return wire(texture, length, cross_section, ((0, 0, 1), (0, 0, -1)), **metal)


def random_texture(seed, length):
    """A smooth random path on the sphere."""
    rng = np.random.default_rng(seed)
    theta, phi = np.cumsum(rng.normal(scale=0.2, size=(2, length)), axis=1)
    return sampled_texture(direction(theta + 1.0, phi))


def test_spiral_has_its_exact_gradient():  # limit
    turn = spiral(17.0, axis=(1, 2, 2), start=(0, 1, -1))
    geometry = texture_geometry(wire(turn, 30))
    assert_allclose(geometry.axis, [1, 0, 0])
    inner = np.linalg.norm(geometry.gradient, axis=1)[2:-2]
    assert_allclose(inner, 2 * np.pi / 17, atol=1e-12)
    assert_allclose(np.sum(geometry.gradient * geometry.moment, axis=1), 0, atol=1e-13)
    assert_allclose(geometry.members, 1)
    assert_allclose(geometry.spacing, 1)


def test_gradient_of_a_cone_is_of_second_order():  # limit
    errors = []
    for period in (20.0, 40.0):
        cone = spiral(period, axis=(0, 0, 1), start=(0.8, 0, 0.6))
        speed = np.linalg.norm(texture_geometry(wire(cone, 12)).gradient, axis=1)[5]
        errors.append(abs(speed * period / (2 * np.pi) / 0.8 - 1))
    assert errors[1] < 0.3 * errors[0] < 0.01


def test_projection_finds_the_coefficients_it_was_given():  # identity
    chain = wall(3.0, 30, cross_section=(2, 2))
    geometry = texture_geometry(chain)
    sites = len(chain.sites.layer)
    rng = np.random.default_rng(1)
    a, b = rng.normal(size=(2, geometry.slices))
    forward = geometry.gradient
    across = np.cross(geometry.moment, forward)
    torque = -(a[geometry.slice, None] * forward + b[geometry.slice, None] * across) / 4
    found = project(geometry, torque)
    turning = np.isfinite(found.adiabatic)
    assert turning.sum() > 20
    assert_allclose(found.adiabatic[turning], a[turning], atol=1e-12)
    assert_allclose(found.nonadiabatic[turning], b[turning], atol=1e-12)
    constant = project(geometry, -(2.0 * forward + 0.3 * across) / 4)
    assert_allclose(constant.integrated_adiabatic, 2.0, atol=1e-12)
    assert_allclose(constant.integrated_beta, 0.15, atol=1e-12)
    assert_allclose(constant.residual, 0, atol=1e-12)
    assert found.residual > 0.3
    assert found.site_beta.shape == (sites,)


def test_reference_wall_and_its_adiabatic_limit(agree):  # frozen: reference value, Kwant
    found = wire_response(wall(2.0, cross_section=(3, 3)), -2.2, complete=False)
    left = found.parts.index("left")
    agree(
        "Conductance of a wire with a Bloch wall, texture module",
        found.window.conductance,
        8.9977212723,
        against="reference value",
        atol=1e-10,
    )
    agree(
        "Total torque on a Bloch wall in a wire, texture module",
        found.total_torkance[left, 2],
        6.0005146,
        against="reference value",
        atol=5e-8,
    )
    agree(
        "Adiabatic limit of the total torque on a wall",
        found.adiabatic_limit,
        [0, 0, 6],
        against="analytic",
        atol=1e-10,
        note="twice the difference of the numbers of spin channels",
    )
    assert_allclose(found.uniform.conductance, 9, atol=1e-10)
    assert_allclose(found.wall_resistance, 1 / 8.9977212723 - 1 / 9, atol=1e-11)
    assert_allclose(found.adiabaticity[left], 6.0005146 / 6, atol=1e-8)


@pytest.mark.parametrize("kind", ["bloch", "neel", "linear"])
def test_wide_walls_are_adiabatic(kind):  # limit
    """Total torque 2 (N_up - N_dn), A = N_up - N_dn, P = A/G, no resistance, no beta."""
    deviations = []
    scale = 3 if kind == "linear" else 1
    for width in (1.5 * scale, 3 * scale, 6 * scale):
        found = wire_response(wall(width, 100, kind=kind), -1.5, complete=False)
        projection = found.projection
        assert_allclose(found.uniform_spin_current, 1, atol=1e-10)  # one majority channel
        deviations.append(
            [
                found.wall_resistance,
                np.abs(found.total_torkance[0] - found.adiabatic_limit).max(),
                abs(projection.integrated_adiabatic[0] - 1),
                abs(projection.integrated_beta[0]),
                projection.residual[0],
            ]
        )
        assert_allclose(
            found.polarisation[0], projection.integrated_adiabatic[0] / found.window.conductance
        )
    assert np.all(np.array(deviations[2])[:2] < 0.1 * np.array(deviations[0])[:2] + 1e-12)
    if kind == "linear":  # its kinks start a precession: A is only as good as 1/width
        assert deviations[2][2] < 1 / width
    else:
        assert deviations[2][2] < 0.1 * deviations[0][2] and deviations[2][2] < 3e-3
    assert deviations[2][3] < 1e-3 and deviations[2][4] < 0.8 * deviations[0][4]


def test_sum_of_torques_is_the_spin_current_that_is_lost():  # identity
    chain = wire(random_texture(3, 12), 12, (2, 2))
    found = wire_response(chain, -1.0, complete=False)
    current = found.window.spin_current_by_bias[:, :, 1:]
    inner = (chain.sites.layer > 0) & (chain.sites.layer < 13)
    lost = (current[:, 0] - current[:, -1])[[2, 0, 1]]
    assert_allclose(found.site_torkance[:, inner].sum(axis=1), lost, atol=1e-10)


def test_rotated_spiral_gives_rotated_torques():  # identity
    chain = wire(spiral(9.0), 19)
    turn = rotation_so3([1, 2, -1], 0.8)
    names = [*chain.magnets]
    sampling = Sampling(tolerance=1e-10)
    plain = wire_response(chain, -1.1, sampling)
    turned = wire_response(rotated(chain, dict.fromkeys(names, turn)), -1.1, sampling)
    assert_allclose(turned.site_torkance, plain.site_torkance @ turn.T, atol=1e-9)
    assert_allclose(turned.projection.beta, plain.projection.beta, atol=1e-8)
    assert_allclose(turned.projection.residual, plain.projection.residual, atol=1e-9)
    assert np.abs(plain.site_torkance).max() > 0.1


def test_neel_and_bloch_wall_differ_by_a_rotation():  # identity
    bloch, neel = (
        wire_response(wall(2.0, 20, kind=kind), -1.5, Sampling(tolerance=1e-10))
        for kind in ("bloch", "neel")
    )
    assert_allclose(bloch.window.conductance, neel.window.conductance, atol=1e-11)
    turn = rotation_so3([0, 0, 1], np.pi / 2)  # x -> y
    assert_allclose(bloch.site_torkance, neel.site_torkance @ turn.T, atol=1e-9)


def test_parts_add_up_and_the_division_of_the_voltage_does_not_matter():  # identity
    found = wire_response(wall(1.5, 16), -1.5, Sampling(tolerance=1e-11))
    part = dict(zip(found.parts, found.site_torkance, strict=True))
    assert_allclose(part["complete"], part["symmetric"] + part["sea"], atol=1e-12)
    assert_allclose(part["symmetric"], (part["left"] - part["right"]) / 2, atol=1e-12)
    # a planar texture: the sea acts out of the plane of the wall, here along x
    assert_allclose(part["sea"][:, 1:], 0, atol=1e-10)
    assert np.abs(part["sea"][:, 0]).max() > 1e-6
    assert found.converged


@pytest.mark.parametrize("temperature", [0.0, 600.0])
def test_errors_of_torques_of_every_part(temperature):
    """True errors lie below the estimates, sums below the sums of their sites' bounds."""
    chain = wall(1.5, 10)
    found, fine = (
        wire_response(chain, -1.5, Sampling(tolerance, temperature=temperature))
        for tolerance in (1e-2, 1e-6)
    )
    for name in ("site_torkance", "total_torkance"):
        true = np.abs(getattr(found, name) - getattr(fine, name))
        error = getattr(found, f"{name}_error")
        assert error.shape == true.shape
        assert np.all(true <= error + getattr(fine, f"{name}_error") + 1e-12), name
    assert np.all(found.total_torkance_error <= found.site_torkance_error.sum(axis=1) + 1e-12)
    whole, sea = found.total_torkance_error[[0, -1]]
    assert 0 < sea.max() < 0.1 * np.abs(fine.site_torkance[0]).sum()
    assert np.all(whole >= sea)
    if not temperature:  # no average is taken: the window is exact
        assert found.total_torkance_error[1:4].max() == 0


def test_local_spin_current_is_what_the_torque_takes():  # limit
    """In a slow spiral the adiabatic coefficient is the local longitudinal spin current."""
    found = wire_response(wire(spiral(60.0), 121), -1.5, complete=False)
    middle = slice(45, 75)
    assert_allclose(
        found.projection.adiabatic[0][middle], found.local_spin_current[middle], atol=0.02
    )
    assert_allclose(found.local_spin_current[middle].mean(), 1.0, atol=0.01)


def test_wire_on_another_lattice_against_kwant(agree):  # independent
    """A honeycomb ribbon with a wall: slices of unequal distance, torques from Kwant's states."""
    lattice = kwant.lattice.honeycomb(norbs=2, name="AB")
    length = 10.0

    def field(site):
        x = np.clip(site.pos[0], 0, length)
        return 0.9 * direction(np.pi * x / length)

    def onsite(site):
        return -0.5 * np.tensordot(field(site), SIGMA, 1)

    def inside(position):
        return -0.1 < position[0] < length and -0.1 < position[1] < 2.0

    region = kwant.Builder()
    region[lattice.shape(inside, (0, 0))] = onsite
    region[lattice.neighbors()] = -SIGMA[0] @ SIGMA[0]
    leads = []
    for sign in (-1, 1):
        lead = kwant.Builder(kwant.TranslationalSymmetry((sign, 0)))
        lead[lattice.shape(lambda p: -0.1 < p[1] < 2.0, (0, 0))] = -0.45 * -sign * SIGMA[2]
        lead[lattice.neighbors()] = -SIGMA[0] @ SIGMA[0]
        leads.append(lead)

    def with_leads(site):
        x = site.pos[0]
        return np.array([0, 0, 0.9 * (1 if x < 0 else -1)]) if not inside(site.pos) else field(site)

    magnet = magnet_from_kwant(region, leads, exchange_field=with_leads)
    chain = layer_chain(magnet)
    found = wire_response(chain, -1.1, complete=False)
    geometry = found.geometry
    assert_allclose(geometry.axis, [1, 0], atol=1e-9)
    slope = np.linalg.norm(geometry.gradient, axis=1)
    middle = np.abs(chain.sites.position[:, 0] - length / 2) < 3
    assert_allclose(slope[middle], np.pi / length, atol=1e-10)
    system = magnet.builder.finalized()
    states = kwant.wave_function(system, -1.1)(0)
    spin = np.array(
        [sum(kwant.operator.Density(system, s)(psi) for psi in states) for s in SIGMA]
    ).T
    place = {tuple(np.round(p, 6)): n for n, p in enumerate(chain.sites.position)}
    order = [place[tuple(np.round(site.pos, 6))] for site in system.sites]
    torque = np.zeros_like(spin)
    torque[order] = np.cross(chain.sites.exchange[order], spin)
    expected = project(geometry, torque)
    left = found.parts.index("left")
    agree(
        "Adiabatic torque of every slice of a honeycomb ribbon with a wall",
        found.projection.adiabatic[left],
        expected.adiabatic,
        against="Kwant",
        atol=1e-8,
    )
    agree(
        "Non-adiabatic over adiabatic torque of a honeycomb ribbon with a wall",
        found.projection.integrated_beta[left],
        expected.integrated_beta,
        against="Kwant",
        atol=1e-8,
    )
    transmission = kwant.smatrix(system, -1.1).transmission(1, 0)
    agree(
        "Conductance of a honeycomb ribbon with a wall",
        found.window.conductance,
        transmission,
        against="Kwant",
        atol=1e-9,
    )


def test_uniform_magnet_has_no_projection():
    found = wire_response(wire(lambda n: np.broadcast_to([0, 0, 1.0], (len(n), 3)), 4), -1.5)
    assert np.isnan(found.projection.integrated_beta[0])
    assert np.isnan(found.adiabaticity[0])
    assert_allclose(found.wall_resistance, 0, atol=1e-12)


def test_what_is_no_texture_is_told():
    with pytest.raises(ValueError, match="no texture"):
        texture_geometry(layer_chain(build_stack([Layer(2)], cross_section="chain")))
    step = sampled_texture([[0, 0, 1], [0, 0, 1], [0, 0, -1], [0, 0, -1]])  # an abrupt wall
    with pytest.warns(PhysicsWarning, match="antiparallel"):
        geometry = texture_geometry(wire(step, 4))
    assert np.isnan(tangent([0, 0, 1], [0, 0, -1])).all()
    assert np.isfinite(project(geometry, np.ones((6, 3))).site_adiabatic).sum() == 0


def test_beta_of_a_disordered_spiral_is_that_of_the_bulk(agree):  # independent: gradient expansion
    """Sign and size of beta against the bulk's Jna/Jad (isotropic moments: beta = eta)."""
    length, split, energy = 160, 0.8, -0.6
    chain = wire(spiral(240.0), length, exchange=split)
    inside = tuple(range(1, length + 1))
    kinds = [
        NonmagneticImpurities(1.0, np.sqrt(0.15), "symmetric", layers=inside),
        MagneticImpurities(1.0, np.sqrt(3 * 0.03), layers=inside),
    ]
    response = complete_disordered_response(chain, energy, kinds)
    found = project(texture_geometry(chain), response.site_torkance)
    middle = slice(70, 92)
    beta = found.nonadiabatic[middle].sum() / found.adiabatic[middle].sum()
    assert_allclose(0.0370213 / 0.2296822, 0.1611851, rtol=1e-5)  # Jna/Jad
    # what the leads bring in decays with the spin-flip length: 6e-3 at 50 sites, 8e-4 at 70
    agree(
        "beta of a disordered spiral, projected from the device's torque",
        beta,
        0.1611851,
        against="another route",
        rtol=1e-3,
        note="gradient expansion of the bulk",
    )
    assert np.all(found.adiabatic[middle] > 0) and np.all(found.nonadiabatic[middle] > 0)
