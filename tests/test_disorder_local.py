"""Impurities, their distributions, and the two local maps."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from negf_torque.disorder.fixed_point import find_fixed_point
from negf_torque.disorder.impurities import MagneticImpurities, NonmagneticImpurities
from negf_torque.disorder.local import born_parameter, new_self_energy, vertex
from negf_torque.disorder.moments import direction_quadrature, draw_directions, second_moments
from negf_torque.disorder.sites import DisorderGroup, draw_potentials, site_disorder
from negf_torque.lattice.layers import layer_chain
from negf_torque.lattice.stack import Layer, build_stack
from negf_torque.spin import SIGMA


def chain(length=3):
    return layer_chain(build_stack([Layer(length, exchange=0.8)], cross_section="chain"))


def retarded(rng, size=2):
    """A matrix with negative anti-hermitian part, as a local Green's function has."""
    x, y = rng.normal(size=(2, size, size)) + 1j * rng.normal(size=(2, size, size))
    return (x + x.conj().T) / 2 - 0.3j * (y @ y.conj().T) / size - 0.2j * np.eye(size)


tensors = st.lists(st.floats(0.0, 1.0), min_size=3, max_size=3).filter(lambda q: sum(q) > 0.1)


# --- distributions ----------------------------------------------------------------------------


@given(tensors, st.integers(0, 2**32 - 1))
@settings(max_examples=20, deadline=None)
def test_moments_have_the_tensor_that_was_asked_for(values, seed):  # identity
    rng = np.random.default_rng(seed)
    axes, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    tensor = axes @ np.diag(values) @ axes.T
    directions, weights = direction_quadrature(tensor, 6)
    assert_allclose(np.linalg.norm(directions, axis=1), 1, atol=1e-14)
    assert_allclose(weights.sum(), 1, atol=1e-14)
    assert_allclose(weights @ directions, 0, atol=1e-13)
    # the shares below 1e-12 that the mixture drops are the tolerance
    moments = np.einsum("p,pa,pb->ab", weights, directions, directions)
    assert_allclose(moments, tensor / np.trace(tensor), atol=1e-11)


def test_drawn_moments_and_potentials_follow_the_quadrature():  # independent
    """Samples of 40000 sites against the alternatives: 5 standard errors."""
    table = chain(1).sites
    count = 40_000
    kinds = [
        NonmagneticImpurities(0.7, 0.6, "uniform"),
        MagneticImpurities(
            0.4, 0.5, potential=0.2, moments=((0.2, 0, 0), (0, 0.3, 0.1), (0, 0.1, 0.5))
        ),
        NonmagneticImpurities(1.0, 0.3, "gaussian"),
        NonmagneticImpurities(0.3, 0.4, "symmetric"),
    ]
    rng = np.random.default_rng(3)
    uniform = rng.random((count, len(table.layer), len(kinds), 4))
    for number, kind in enumerate(kinds):
        drawn = draw_potentials(table, [kind], uniform[:, :, number : number + 1])[1]
        group = site_disorder(table, [kind]).groups[0]
        for power in (1, 2, 3, 4):
            exact = np.einsum(
                "a,aij->ij", group.probability, np.linalg.matrix_power(group.potential[0], power)
            )
            samples = np.linalg.matrix_power(drawn, power)
            error = samples.std(axis=0) / np.sqrt(count) + 1e-15
            assert np.all(np.abs(samples.mean(axis=0) - exact) < 5 * error)
        vectors = draw_directions(np.diag([0.1, 0.2, 0.7]), rng.random((count, 3)))
        assert_allclose(vectors.T @ vectors / count, np.diag([0.1, 0.2, 0.7]), atol=0.01)


def test_following_moments_turn_with_the_exchange_field():
    from negf_torque.lattice.layers import aligned

    direction = np.array([0.6, 0.0, -0.8])
    turned = aligned(chain(), {"layer 0": direction})
    kind = MagneticImpurities(1.0, 0.5, directions=((0, 0, 1),), following=True)
    group = site_disorder(turned.sites, [kind]).groups
    potential = np.concatenate([g.potential[:, 0] for g in group if len(g.sites) == 3 or True])
    expected = -0.5 * np.einsum("a,aij->ij", direction, SIGMA)
    assert min(np.abs(p - expected).max() for p in potential) < 1e-15
    fixed = MagneticImpurities(1.0, 0.5, directions=((0, 0, 1),))
    assert_allclose(site_disorder(turned.sites, [fixed]).groups[0].potential[0, 0], -0.5 * SIGMA[2])


def test_the_same_sites_in_any_order_of_the_kinds():  # identity
    table = chain().sites
    kinds = [NonmagneticImpurities(0.3, 0.5, layers=(1, 2)), MagneticImpurities(0.2, 0.4)]
    one, two = site_disorder(table, kinds), site_disorder(table, kinds[::-1])
    assert_allclose(one.sites, two.sites)
    for a, b in zip(one.groups, two.groups, strict=True):
        assert_allclose(a.mean, b.mean, atol=1e-15)
        assert_allclose(a.second_moment, b.second_moment, atol=1e-15)


# --- bad input --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "make",
    [
        lambda: NonmagneticImpurities(-0.1, 1.0),
        lambda: NonmagneticImpurities(1.1, 1.0),
        lambda: MagneticImpurities(2.0, 1.0),
        lambda: NonmagneticImpurities(float("nan"), 1.0),
        lambda: NonmagneticImpurities(0.1, float("inf")),
        lambda: NonmagneticImpurities(0.1, 1.0, "normal"),
        lambda: NonmagneticImpurities(0.1, 1.0, matrix=((0, 1), (0, 0))),
        lambda: MagneticImpurities(0.1, 1.0, moments=((1, 0, 0), (0, -0.5, 0), (0, 0, 0.5))),
        lambda: MagneticImpurities(0.1, 1.0, moments=((1, 0.3, 0), (0, 0, 0), (0, 0, 0))),
        lambda: MagneticImpurities(0.1, 1.0, moments="uniaxial"),
        lambda: MagneticImpurities(0.1, 1.0, directions=((0, 0, 1),), weights=(-1.0,)),
        lambda: site_disorder(chain().sites, [NonmagneticImpurities(0.1, 1.0, magnets=("B",))]),
        lambda: site_disorder(chain().sites, [NonmagneticImpurities(0.1, 1.0, layers=(17,))]),
    ],
)
def test_impurities_that_make_no_sense(make):
    with pytest.raises(ValueError, match=r"^[a-z]+: "):
        make()


def test_a_tensor_that_is_not_positive_is_told_with_its_eigenvalues():
    with pytest.raises(ValueError, match="not positive, its eigenvalues are"):
        second_moments(np.diag([1.0, -0.2, 0.2]))


# --- local maps -------------------------------------------------------------------------------


def isotropic_group(strength, potential, order):
    kind = MagneticImpurities(1.0, strength, potential=potential, order=order, sites=(0,))
    return site_disorder(chain().sites, [kind]).groups[0]


def test_isotropic_moment_has_the_closed_form(agree):  # limit
    """<(C - u + J n.sigma)^-1> = a f - (b.sigma)[f + (p f - 1)/(2 b.b)], C - u = a + b.sigma."""
    rng = np.random.default_rng(1)
    strength, shift = 0.7, 0.25
    green, sigma = retarded(rng)[None], retarded(rng)[None]
    medium = np.linalg.inv(green[0]) + sigma[0]
    rest = medium - shift * np.eye(2)
    a = np.trace(rest) / 2
    b = np.array([np.trace(s @ rest) / 2 for s in SIGMA])
    bb = b @ b
    p, q = a * a - bb - strength**2, 2 * strength * np.sqrt(bb + 0j)
    f = np.log((p + q) / (p - q)) / (2 * q)
    mean = a * f * np.eye(2) - np.einsum("a,aij->ij", b, SIGMA) * (f + (p * f - 1) / (2 * bb))
    expected = medium - np.linalg.inv(mean)
    found = new_self_energy(
        "coherent-potential", isotropic_group(strength, shift, 90), green, sigma
    )
    agree(
        "Coherent potential of an isotropic random moment",
        found[0],
        expected,
        against="analytic",
        atol=1e-12,
        note="closed-form average over directions",
    )


@pytest.mark.parametrize("moments", ["isotropic", ((0.5, 0, 0), (0, 0.3, 0), (0, 0, 0.2))])
def test_born_map_is_that_of_the_second_moments(agree, moments):  # limit
    rng = np.random.default_rng(2)
    kinds = [
        NonmagneticImpurities(0.3, 0.9, sites=(0,)),
        MagneticImpurities(0.4, 0.6, moments=moments, sites=(0,)),
    ]
    group = site_disorder(chain().sites, kinds).groups[0]
    green = retarded(rng)
    tensor = np.eye(3) / 3 if moments == "isotropic" else np.array(moments)
    expected = 0.3 * 0.9 * np.eye(2) + 0.3 * 0.7 * 0.81 * green
    expected = expected + 0.4 * 0.36 * np.einsum("ab,aij,jk,bkl->il", tensor, SIGMA, green, SIGMA)
    found = new_self_energy("born", group, green[None], np.zeros((1, 2, 2)))
    agree(
        "Born self-energy of scalar and magnetic impurities, "
        + (moments if moments == "isotropic" else "three unequal second moments"),
        found[0],
        expected,
        against="analytic",
        atol=1e-14,
    )


@pytest.mark.parametrize("method", ["born", "coherent-potential"])
def test_vertex_emits_what_the_self_energy_absorbs(method):  # identity: Ward, one site
    """Lambda[i (G - G^+)] = i (Sigma - Sigma^+) when G and Sigma are consistent."""
    rng = np.random.default_rng(5)
    kinds = [NonmagneticImpurities(0.3, 0.9, sites=(0,)), MagneticImpurities(0.4, 0.6, sites=(0,))]
    group = site_disorder(chain().sites, kinds).groups[0]
    host = np.linalg.inv(retarded(rng))

    def green_of(sigma):
        return np.linalg.inv(host - sigma.reshape(2, 2))[None]

    def step(sigma):
        return new_self_energy(method, group, green_of(sigma), sigma.reshape(1, 2, 2)).ravel()

    found = find_fixed_point(step, -0.2j * np.eye(2).ravel(), lambda s: True)
    assert found.converged
    sigma, green = found.value.reshape(2, 2), green_of(found.value)
    local = vertex(method, group, green, sigma[None])[0]
    absorbed = 1j * (sigma - sigma.conj().T)
    assert np.linalg.eigvalsh(absorbed).min() > 0
    flow = np.linalg.inv(np.eye(4) - np.kron(green[0], green[0].conj()) @ local)
    # with the host's own absorption as the only source
    source = 1j * (host.conj().T - host)
    inside = flow @ (green[0] @ source @ green[0].conj().T).ravel()
    assert_allclose(local @ inside, absorbed.ravel(), atol=1e-12)
    # and the static vertex is the derivative of the map
    change = rng.normal(size=(2, 2)) * 1e-5
    static = vertex(method, group, green, sigma[None], retarded=True)[0]

    def solved(shift):
        return find_fixed_point(
            lambda s: new_self_energy(
                method,
                group,
                np.linalg.inv(host - shift - s.reshape(2, 2))[None],
                s.reshape(1, 2, 2),
            ).ravel(),
            found.value,
            lambda s: True,
        ).value

    slope = (solved(change) - solved(-change)) / 2
    pair = np.kron(green[0], green[0].T)
    inside = np.linalg.solve(np.eye(4) - pair @ static, pair @ change.ravel())
    # central difference: relative error (1e-5)^2 times curvature, and rounding 1e-13/1e-5
    assert_allclose(static @ inside, slope, atol=1e-11)


@pytest.mark.parametrize(("distribution", "order"), [("alloy", 3), ("symmetric", 4)])
def test_coherent_potential_leaves_born_at_the_expected_order(distribution, order):  # limit
    rng = np.random.default_rng(8)
    host = np.linalg.inv(retarded(rng))

    def difference(strength):
        group = site_disorder(
            chain().sites, [NonmagneticImpurities(0.3, strength, distribution, sites=(0,))]
        ).groups[0]
        results = []
        for method in ("born", "coherent-potential"):

            def step(sigma, method=method):
                green = np.linalg.inv(host - sigma.reshape(2, 2))[None]
                return new_self_energy(method, group, green, sigma.reshape(1, 2, 2)).ravel()

            results.append(find_fixed_point(step, np.zeros(4, complex), lambda s: True).value)
        return np.abs(results[1] - results[0]).max()

    measured = np.log2(difference(0.04) / difference(0.02))
    # the next order changes the exponent by about the strength
    assert abs(measured - order) < 0.1


def test_born_parameter_of_an_alloy_is_its_strength_times_the_green_function():  # limit
    group = DisorderGroup(
        np.array([0]), np.array([0.5, 0.5]), np.array([[[[-0.4]], [[0.4]]]], complex)
    )
    assert_allclose(born_parameter(group, np.array([[[0.5 - 1.2j]]])), 0.4 * 1.3)
