"""Bands: closed forms against brute-force zone sums, quadrature and each other."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.integrate import quad

from negf_torque.gradient.bands import from_functions, parabolic, tabulated
from negf_torque.gradient.lattice_bands import (
    body_centred_cubic,
    face_centred_cubic,
    simple_cubic,
    square,
)

# well above the real axis, where the brute-force sums are exact
ENERGIES = np.array([-9.3 + 2.2j, -3.1 + 2.3j, -0.2 + 2.1j, 1.4 + 2.4j, 3.9 + 2.2j, 7.0 + 2.0j])


def brute(name):
    """eps and v_x on a uniform mesh of the (conventional) zone, lattice constant 1."""
    size = {"square": 128, "simple cubic": 72}.get(name, 160)
    k = (2 if name in ("square", "simple cubic") else 4) * np.pi * (np.arange(size) + 0.5) / size
    if name == "square":
        x, y = np.ix_(k, k)
        return -2 * (np.cos(x) + np.cos(y)), 2 * np.sin(x) + 0 * y
    # inversion symmetry in every component: half of y and z is enough
    half = k[: size // 2]
    x, y, z = np.ix_(k, half, half)
    if name == "simple cubic":
        return -2 * (np.cos(x) + np.cos(y) + np.cos(z)), 2 * np.sin(x) + 0 * y + 0 * z
    a, b, c = np.cos(x / 2), np.cos(y / 2), np.cos(z / 2)
    if name == "body-centred cubic":
        return -8 * a * b * c, 4 * np.sin(x / 2) * b * c
    return -4 * (a * b + b * c + c * a), 2 * np.sin(x / 2) * (b + c)


@pytest.mark.parametrize("build", [square, simple_cubic, body_centred_cubic, face_centred_cubic])
def test_lattices_equal_zone_sums(build):
    band = build()
    eps, v = brute(band.name)
    g, dg = band.green(ENERGIES)
    h, dh = band.velocity(ENERGIES)
    for i, z in enumerate(ENERGIES):
        green = 1 / (z - eps)
        sums = [green, -(green**2), v**2 * green, -(v**2) * green**2]
        for value, expected in zip((g[i], dg[i], h[i], dh[i]), sums, strict=True):
            assert abs(value - expected.mean()) < 3e-12


def add_half_cosine(z, amplitude, q, p):
    """z + amplitude cos(q/2), without cancellation at its zeros."""
    left = (z + amplitude) - 2 * amplitude * np.sin(q / 4) ** 2
    return np.where(q < p, left, z + amplitude * np.sin(p / 2))


def layer_by_layer(name, module):
    """The last integral's integrand, elliptic integrals of layers, and where it is singular."""
    if name == "simple cubic":

        def local(z, q, p):
            s, minus, plus = (module._add_cosine(z + edge, 2, q, p) for edge in (0, -4, 4))
            g, slope = module._square(s, 1.0, minus, plus)
            return g, slope, 4 * np.sin(q) ** 2 * g

        return local, lambda z: np.arccos((np.array([-4.0, 0, 4])[:, None] - z) / 2)

    if name == "body-centred cubic":

        def local(z, q, p):
            root, slope = module._root(add_half_cosine(z, -8, q, p), add_half_cosine(z, 8, q, p))
            first = np.broadcast_to(module._upper(z), root.shape)
            return module._inverse_agm(first, root, np.ones_like(root), slope)

        return local, lambda z: 2 * np.arccos(np.stack([z, -z]) / 8)

    def local(z, q, p):
        shifted = (add_half_cosine(z + 4, edge, q, p) for edge in (-8, 8))
        root, slope = module._root(*shifted)
        first = np.broadcast_to(module._upper(z - 4), root.shape)
        return module._inverse_agm(first, root, np.ones_like(root), slope)

    def singular(z):
        lines, pinch = (z + 4) / 8, np.sqrt(z / 4)
        return 2 * np.arccos(np.stack([lines, -lines, pinch, -pinch]))

    return local, singular


@pytest.mark.parametrize("build", [simple_cubic, body_centred_cubic, face_centred_cubic])
def test_closed_forms_are_the_integrals_over_layers(build, monkeypatch):
    """Far from and close to the real axis, by equal steps and by double-exponential pieces."""
    import negf_torque.gradient.lattice_bands as module

    band = build()
    local, singular = layer_by_layer(band.name, module)
    # the integrals' own rounding errors grow towards the singularities
    for height, tolerance in ((3.0, 1e-14), (0.3, 1e-13), (0.05, 1e-12), (1e-4, 1e-10)):
        z = np.linspace(-13, 7, 29) + 0.013 + 1j * height
        found = [*band.green(z), band.velocity(z)[0]]
        for counts in ([48, 96, 192, 384, 1024], [1]):
            monkeypatch.setattr(module, "_COUNTS", counts)
            for value, expected in zip(
                found, module._period_average(local, z, singular), strict=False
            ):
                if height < 0.01 and value is found[1]:
                    continue  # the integral of the slope itself is good to 1e-7 only
                scale = 1 + np.abs(expected)
                assert_allclose(value / scale, expected / scale, rtol=0, atol=10 * tolerance)


@pytest.mark.parametrize(
    ("build", "z", "g", "h"),
    [
        (simple_cubic, 1.3 + 1e-4j, 0.1335227202247512 - 0.45082108108609015j,
         0.40940632906635016 - 0.9230895719891332j),
        (simple_cubic, -4.4 + 0.02j, -0.27343882009553927 - 0.1270074437284318j,
         -0.6111824953153413 - 0.2065999473559372j),
        (simple_cubic, 0.4 + 1e-6j, 0.03708792359205387 - 0.44846329196092627j,
         0.13267631667135618 - 1.0377753815891753j),
        (body_centred_cubic, 1.3 + 1e-4j, 0.3106957751241188 - 0.3221778779257252j,
         0.25100688352244516 - 0.718967172723969j),
        (body_centred_cubic, -5.2 + 0.02j, -0.20417281119796676 - 0.09105377271418828j,
         -0.47809332931185533 - 0.23320586918729683j),
        (body_centred_cubic, 0.05 + 1e-3j, 0.5620846190436707 - 1.2356324043494538j,
         0.012294279388900847 - 0.8098804400418231j),
        (face_centred_cubic, -3.7 + 1e-4j, -0.16381213943909367 - 0.12051946422047288j,
         -0.264098382936948 - 0.5280320840407248j),
        (face_centred_cubic, 0.6 + 0.03j, -0.10681824737849131 - 0.3986060917647726j,
         0.25026259987680316 - 0.696129401436324j),
        (face_centred_cubic, 2.9 + 1e-5j, 0.11730319557056486 - 0.5084262847703651j,
         0.622428365187328 - 0.39644152123308063j),
    ],
)
def test_closed_forms_close_to_the_axis(build, z, g, h):
    """Frozen: 60 digits; h from the differential equation with numerical derivatives of g."""
    for t in (1.0, 0.7):
        band = build(t)
        assert abs(band.green(np.array(z * t))[0] * t - g) < 1e-14
        assert abs(band.velocity(np.array(z * t))[0] / t - h) < 1e-13


@pytest.mark.parametrize(
    ("build", "joints"),
    [(simple_cubic, [1.0, 14.0, 6.02, 2.02]), (face_centred_cubic, [1.0, 26.0, 4.02]),
     (body_centred_cubic, [18.0, 8.02, 0.02])],
)
def test_series_integrals_and_closed_forms_join(build, joints):
    """Both sides of the places where one formula takes over from another."""
    band = build()
    for radius in joints:
        for angle in (0.3, 1.4, 2.9) if radius in (1.0, 14.0, 18.0, 26.0) else (1e-9,):
            z = radius * np.exp(1j * angle) * np.array([1 - 1e-9, 1 + 1e-9])
            (g, slope), (h, change) = band.green(z), band.velocity(z)
            step = np.diff(z)
            assert abs(np.diff(g) - slope.mean() * step) < 1e-14
            assert abs(np.diff(h) - change.mean() * step) < 1e-12


@pytest.mark.parametrize(
    ("build", "constant"),
    [
        (simple_cubic, 1.516386059151978),  # Watson's integrals
        (body_centred_cubic, 1.393203929685676),
        (face_centred_cubic, 1.34466118324),
    ],
)
def test_watson_integrals_at_the_band_edge(build, constant):
    band = build()
    g, _ = band.green(np.array([band.bottom + 0j]))
    assert_allclose(g[0] * band.bottom, constant, rtol=1e-10)
    assert abs(g[0].imag) < 1e-13


@pytest.mark.parametrize("build", [square, simple_cubic, body_centred_cubic, face_centred_cubic])
def test_retarded_everywhere_and_one_state_per_site(build):
    band = build()
    energy = np.linspace(band.bottom - 1, band.top + 1, 2000)
    dos = -band.green(energy + 1e-9j)[0].imag / np.pi
    assert dos.min() > -1e-10
    # van Hove singularities limit a plain sum
    assert abs(dos.sum() * (energy[1] - energy[0]) - 1) < 5e-3


@pytest.mark.parametrize("dimension", [1, 2, 3])
def test_parabolic_equals_quadrature(dimension):
    m = 1.3
    band = parabolic(m, dimension)
    z, w = 0.7 + 0.3j, -0.4 + 0.5j
    # densities of states: k^(d-1) factors; differences drop the divergent constant
    surface = {1: 1 / np.pi, 2: 1 / (2 * np.pi), 3: 1 / (2 * np.pi**2)}[dimension]

    def difference(weight):
        def f(k):
            e = k * k / (2 * m)
            return weight(k) * surface * k ** (dimension - 1) * (1 / (z - e) - 1 / (w - e))

        options = {"limit": 400, "epsabs": 1e-13}
        real = quad(lambda k: f(k).real, 0, np.inf, **options)[0]
        return real + 1j * quad(lambda k: f(k).imag, 0, np.inf, **options)[0]

    g = band.green(np.array([z, w]))[0]
    assert_allclose(g[0] - g[1], difference(lambda k: 1.0), rtol=1e-8)
    dh = band.velocity(np.array([z, w]))[1]
    assert_allclose(dh, band.green(np.array([z, w]))[0] / m)
    if dimension == 1:
        h = band.velocity(np.array([z, w]))[0]
        weighted = difference(lambda k: (k / m) ** 2)
        assert_allclose(h[0] - h[1], weighted, rtol=1e-7)


@pytest.mark.parametrize("dimension", [1, 2, 3])
def test_slopes_are_derivatives(dimension):
    band = parabolic(0.8, dimension)
    z = np.array([0.7 + 0.3j, -0.4 + 0.2j])
    circle = np.exp(2j * np.pi * np.arange(24) / 24)[:, None]
    for function in (band.green, band.velocity):
        value = function(z + 0.1 * circle)[0]
        slope = (value * circle.conj()).mean(axis=0) / 0.1
        assert_allclose(function(z)[1], slope, rtol=1e-10)


@pytest.mark.parametrize("dimension", [1, 3])
def test_closed_differences_equal_the_generic_ones(dimension):
    """P(x, y) from products of roots, and from h and its slope."""
    from dataclasses import replace

    band = parabolic(1.0, dimension)
    plain = replace(band, difference=None)
    z_u = np.array([1.3 + 0.2j, 1.0 + 0.3j, 0.9 + 0.1j])
    z_d = np.array([0.7 + 0.1j, 1.0 + 0.3j, 0.9 + 0.1000001j])
    for a, b in zip(band.kernels(z_u, z_d), plain.kernels(z_u, z_d), strict=True):
        assert_allclose(a, b, rtol=1e-9)


def test_outside_the_band_mixed_and_retarded_differences_coincide():
    for band in (parabolic(), simple_cubic()):
        z = np.array([band.bottom - 0.5 + 0j])
        k = band.kernels(z, z - 0.3)
        assert_allclose(k.up_mixed, k.up, rtol=1e-12)
        assert np.all(np.isfinite(np.array(k)))


def test_table_of_the_cubic_band():
    """Straight lines between points cut the square-root kinks: error (step)^1.5 = 7e-4 over z."""
    cubic = simple_cubic()
    energy = np.linspace(-6, 6, 1501)
    inner = energy[1:-1] + 0j
    dos, weighted = np.zeros(1501), np.zeros(1501)
    dos[1:-1] = -cubic.green(inner)[0].imag / np.pi
    weighted[1:-1] = -cubic.velocity(inner)[0].imag / np.pi
    band = tabulated(energy, dos, weighted)
    z = np.linspace(-7, 7, 15) + 0.25j
    assert_allclose(band.green(z)[0], cubic.green(z)[0], atol=1e-4)
    assert_allclose(band.velocity(z)[0], cubic.velocity(z)[0], atol=1e-4)
    assert abs(band.weight - 1) < 1e-4


def test_a_band_from_two_functions():
    reference = parabolic()
    band = from_functions(
        lambda z: reference.green(z)[0], lambda z: reference.velocity(z)[0],
        bottom=0.0, top=np.inf, weight=np.inf,
    )
    z = np.array([0.7 + 0.3j, 1.0 + 0.05j, -0.5 + 0j])
    for mine, theirs in ((band.green, reference.green), (band.velocity, reference.velocity)):
        assert_allclose(mine(z)[0], theirs(z)[0])
        assert_allclose(mine(z)[1], theirs(z)[1], rtol=1e-8)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: parabolic(-1.0), "mass: -1.0"),
        (lambda: parabolic(1.0, 4), "dimension: 4"),
        (lambda: simple_cubic(0.0), "hopping: 0.0"),
        (lambda: tabulated([0, 1, 0.5], [0, 1, 0], [0, 1, 0]), "energy"),
        (lambda: tabulated([0, 1, 2], [0, -1, 0], [0, 1, 0]), "dos"),
        (lambda: tabulated([0, 1, 2], [0, 1, 0], [0, 1]), "velocity_dos"),
        (lambda: from_functions(np.conj, np.conj, bottom=0, top=1), ""),
    ],
)
def test_bad_bands(call, message):
    if message == "":
        call = lambda: from_functions(lambda z: z, lambda z: z, bottom=0, top=1)  # noqa: E731
        message = "g: Im g > 0"
    with pytest.raises(ValueError, match=message):
        call()


def test_public_names_are_loaded_when_used():
    import subprocess
    import sys

    import negf_torque.gradient as package

    for name in package.__all__:
        assert getattr(package, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        package.nothing  # noqa: B018
    code = "import sys, negf_torque.gradient; print('numba' in sys.modules, 'scipy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]
