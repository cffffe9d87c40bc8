"""Magnets, stacks and layer ordering: the arrays are Kwant's own Hamiltonian."""

import kwant
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from negf_torque.lattice import (
    Layer,
    Lead,
    aligned,
    build_stack,
    layer_chain,
    magnet_from_kwant,
    orbital_spin,
    rotated,
)
from negf_torque.spin import SIGMA, domain_wall, rotation_so3, spin_matrix


def dense(chain, k=()):
    """The whole Bloch matrix, in layer order."""
    phases = chain.phases(np.reshape(k, (1, -1)))[:, 0]
    ends = np.cumsum(chain.sizes)
    starts = ends - chain.sizes
    matrix = np.zeros((ends[-1], ends[-1]), complex)
    for low, high, block in zip(starts, ends, chain.onsite, strict=True):
        matrix[low:high, low:high] = np.tensordot(phases, block, 1)
    for layer, block in enumerate(chain.coupling):
        value = np.tensordot(phases, block, 1)
        rows, columns = slice(starts[layer + 1], ends[layer + 1]), slice(starts[layer], ends[layer])
        matrix[rows, columns] = value
        matrix[columns, rows] = value.conj().T
    return matrix


def valve(cross_section):
    layers = [
        Layer(2, onsite=0.75, exchange=1.5, name="fixed"),
        Layer(3, hopping=0.8),
        Layer(1, onsite=0.75, exchange=1.5, direction=(1, 2, 0.3), name="free"),
    ]
    return build_stack(layers, Lead(onsite=0.1), Lead(onsite=-0.2, hopping=1.2), cross_section)


@pytest.mark.parametrize("cross_section", ["chain", "periodic", (2, 3)])
def test_blocks_are_the_hamiltonian_of_kwant(cross_section):  # independent
    magnet = valve(cross_section)
    chain = layer_chain(magnet)
    k = [0.3, -1.1] if cross_section == "periodic" else []
    params = dict(zip(magnet.momenta, k, strict=True))
    system = magnet.builder.finalized()
    expected = system.hamiltonian_submatrix(params=params)
    order = np.argsort([site.tag[0] for site in system.sites], kind="stable")
    # Kwant orders sites of one family by tag: planes in order, as the layers are
    assert_allclose(order, np.arange(len(order)))
    eigenvalues = np.linalg.eigvalsh(dense(chain, k))
    assert_allclose(eigenvalues, np.linalg.eigvalsh(expected), atol=1e-12)
    phases = chain.phases(np.reshape(k, (1, -1)))[:, 0]
    for lead, kwant_lead in zip((chain.left, chain.right), system.leads, strict=True):
        assert_allclose(
            np.tensordot(phases, lead.onsite, 1), kwant_lead.cell_hamiltonian(params=params)
        )
        assert_allclose(
            np.tensordot(phases, lead.attachment, 1).conj().T,
            kwant_lead.inter_cell_hopping(params=params),
        )


def test_stack_is_what_its_layers_say():  # limit
    chain = layer_chain(valve("chain"))
    t = np.sqrt(0.8)
    expected = [-t if i in (2, 5) else -0.8 if i in (3, 4) else -1.0 for i in range(7)]
    expected[-1] = -np.sqrt(1.2)
    expected[0] = -1.0
    got = [block[0, 0, 0].real for block in chain.coupling]
    assert_allclose(got[:2] + got[-1:], expected[:2] + expected[-1:], atol=1e-14)
    assert_allclose(got[2:6], [-t, -0.8, -0.8, -t], atol=1e-14)
    m = np.array([1, 2, 0.3]) / np.linalg.norm([1, 2, 0.3])
    assert_allclose(chain.onsite[6][0], 0.75 * np.eye(2) - 0.75 * spin_matrix(m), atol=1e-14)
    assert chain.magnets == ("fixed", "free")
    assert_allclose(chain.left.onsite[0], 0.1 * np.eye(2))


@settings(deadline=None, max_examples=20)
@given(st.floats(0, 6.28), st.tuples(*[st.floats(-1, 1)] * 3).filter(lambda v: np.dot(v, v) > 0.1))
def test_turning_moments_equals_building_them_turned(angle, axis):  # identity
    rotation = rotation_so3(axis, angle)
    chain = layer_chain(valve("periodic"))
    layers = [
        Layer(2, onsite=0.75, exchange=1.5, name="fixed"),
        Layer(3, hopping=0.8),
        Layer(1, onsite=0.75, exchange=1.5, direction=rotation @ [1, 2, 0.3], name="free"),
    ]
    built = layer_chain(build_stack(layers, Lead(onsite=0.1), Lead(onsite=-0.2, hopping=1.2)))
    for turned in (
        rotated(chain, {"free": rotation}),
        aligned(chain, {"free": rotation @ [1, 2, 0.3]}),
    ):
        assert_allclose(turned.sites.exchange, built.sites.exchange, atol=1e-12)
        assert_allclose(dense(turned, [0.2, 0.5]), dense(built, [0.2, 0.5]), atol=1e-12)


def test_texture_and_magnetic_lead():
    layers = [Layer(5, exchange=2.0, texture=domain_wall(2, 1.5), name="wall")]
    chain = layer_chain(
        build_stack(layers, Lead(exchange=2.0), Lead(exchange=2.0, direction=(0, 0, -1)), "chain")
    )
    assert chain.magnets == ("left lead", "wall", "right lead")
    assert_allclose(chain.sites.exchange[1:-1] / 2, domain_wall(2, 1.5)(np.arange(5)), atol=1e-12)
    assert_allclose(chain.right.onsite[0], np.diag([1.0, -1.0]), atol=1e-12)
    both = aligned(chain, {"right lead": (0, 0, 1)})
    assert_allclose(both.right.onsite[0], np.diag([-1.0, 1.0]), atol=1e-12)
    assert_allclose(both.onsite[-1][0], np.diag([-1.0, 1.0]), atol=1e-12)


def own_system(spin_orbit=0.4, hermitian=True):
    lattice = kwant.lattice.square(norbs=4)
    spin = orbital_spin(2)

    def onsite(site, mass):
        extra = 0 if hermitian else 0.1j
        return mass * np.kron([[1, 0.2], [0.2, -1]], np.eye(2)) - 0.5 * spin[2] + extra * np.eye(4)

    region = kwant.Builder()
    region[(lattice(x, y) for x in range(4) for y in range(2))] = onsite
    region[kwant.HoppingKind((1, 0), lattice)] = -np.eye(4) + 1j * spin_orbit * spin[1]
    region[kwant.HoppingKind((0, 1), lattice)] = -np.eye(4) - 1j * spin_orbit * spin[0]
    lead = kwant.Builder(kwant.TranslationalSymmetry((-1, 0)))
    lead[(lattice(0, y) for y in range(2))] = np.zeros((4, 4))
    lead[lattice.neighbors()] = -np.eye(4)
    return region, [lead, lead.reversed()]


def test_own_kwant_system_becomes_a_magnet():  # independent
    region, leads = own_system()
    magnet = magnet_from_kwant(
        region,
        leads,
        exchange_field=lambda site: (0, 0, 1.0) if 0 <= site.tag[0] < 4 else (0, 0, 0),
        spin_operator=orbital_spin(2),
        params={"mass": 0.7},
    )
    chain = layer_chain(magnet)
    assert chain.sizes == (8,) * 6 and chain.magnets == ("magnet",)
    expected = magnet.builder.finalized().hamiltonian_submatrix(params={"mass": 0.7})
    assert_allclose(np.linalg.eigvalsh(dense(chain)), np.linalg.eigvalsh(expected), atol=1e-12)


def test_attached_leads_are_found():
    region, leads = own_system()
    for lead in leads:
        region.attach_lead(lead)
    magnet = magnet_from_kwant(
        region,
        exchange_field=lambda site: (0, 0, 0),
        spin_operator=orbital_spin(2),
        params={"mass": 0.7},
    )
    assert layer_chain(magnet).sizes == (8,) * 6


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"spin_operator": SIGMA}, r"spin_operator: shape \(3, 2, 2\)"),
        ({"exchange_field": lambda site: (0, np.nan, 0)}, "exchange_field"),
        ({"hermitian": False}, "not hermitian"),
    ],
)
def test_wrong_systems_are_named(change, message):
    region, leads = own_system(hermitian=change.pop("hermitian", True))
    arguments = {
        "exchange_field": lambda site: (0, 0, 0),
        "spin_operator": orbital_spin(2),
        "params": {"mass": 0.7},
    } | change
    with pytest.raises(ValueError, match=message):
        layer_chain(magnet_from_kwant(region, leads, **arguments))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"layers": [Layer(0)]}, r"layers\[0\].thickness: 0 is not a thickness"),
        ({"layers": [Layer(2.5)]}, "thickness: 2.5"),
        ({"layers": [Layer(1, exchange=1, direction=(0, 0, 0))]}, "no direction"),
        ({"layers": [Layer(1, onsite=float("nan"))]}, "not finite"),
        ({"layers": [Layer(1, onsite=[[0, 1], [0, 0]])]}, "not hermitian"),
        ({"layers": [Layer(1)], "cross_section": "square"}, "cross_section: 'square'"),
        ({"layers": [Layer(1)], "cross_section": (0, 2)}, "cross_section"),
        ({"layers": [Layer(1, hopping=-1)]}, "interface_hopping"),
        ({"layers": [Layer(1, onsite=np.eye(2), hopping=np.eye(2))]}, "orbitals"),
    ],
)
def test_impossible_stacks_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        build_stack(**arguments)


def test_unknown_magnet_is_named():
    with pytest.raises(ValueError, match="'fre' is none of"):
        aligned(layer_chain(valve("chain")), {"fre": (0, 0, 1)})


def test_disconnected_device_is_named():
    region, leads = own_system()
    lattice = kwant.lattice.square(norbs=4)
    region[lattice(1, 7)] = np.zeros((4, 4))
    magnet = magnet_from_kwant(
        region,
        leads,
        exchange_field=lambda site: (0, 0, 0),
        spin_operator=orbital_spin(2),
        params={"mass": 0.7},
    )
    with pytest.raises(ValueError, match="not connected"):
        layer_chain(magnet)
