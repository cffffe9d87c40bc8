"""Demagnetisation factors against closed forms and a quadrature."""

import numpy as np
from numpy.testing import assert_allclose
from scipy.integrate import quad

from negf_torque.llg.demagnetisation import ellipsoid_factors, prism_factors


def test_ellipsoid_factors_against_osborns_limits():
    rng = np.random.default_rng(0)
    for sizes in rng.uniform(1, 30, size=(10, 3)):
        factors = ellipsoid_factors(sizes)
        assert_allclose(factors.sum(), 1, rtol=1e-13)
        a, b, c = sizes / 2
        numeric = quad(
            lambda s, a=a, b=b, c=c: (
                a * b * c / 2 / ((s + a * a) * np.sqrt((s + a * a) * (s + b * b) * (s + c * c)))
            ),
            0,
            np.inf,
        )[0]
        assert_allclose(factors[0], numeric, rtol=1e-7)
    # Long cylinder, thin disc, and Osborn's prolate spheroid of ratio 3.
    assert_allclose(ellipsoid_factors((1e5, 1, 1)), [0, 0.5, 0.5], atol=1e-8)
    assert_allclose(ellipsoid_factors((1e5, 1e5, 1)), [0, 0, 1], atol=2e-5)
    k = 3.0
    root = np.sqrt(k * k - 1)
    exact = (k / (2 * root) * np.log((k + root) / (k - root)) - 1) / (k * k - 1)
    assert_allclose(ellipsoid_factors((3, 1, 1))[0], exact, rtol=1e-13)


def test_prism_factors():
    factors = prism_factors((100, 60, 2))
    assert_allclose(factors.sum(), 1, rtol=1e-10)
    assert_allclose(prism_factors((1, 1, 1)), 1 / 3, rtol=1e-12)
    # Square rod, magnetised along its axis, 2:1 (Aharoni 1998, table): 0.1983.
    assert_allclose(prism_factors((1, 1, 2))[2], 0.1983, atol=1e-4)
