"""Numbers as they are printed."""

import numpy as np
import pytest

from negf_torque.study.numbers import shown, shown_error


@pytest.mark.parametrize(
    "value, error, text",
    [
        (0.44546082 - 1.4571119e-17j, 1.9e-13, "0.44546082 + 0i"),
        (-0.17935382 - 0.041286636j, 3.8e-6, "-0.1793538 - 0.0412866i"),
        (0.73157997, 3.0e-4, "0.73158"),
        (0.23220048, 2.3e-2, "0.232"),
        (-1.3e-17, 1e-9, "0"),
        (-1.3e-17, None, "-1.3e-17"),  # nobody knows what it is small against
        (1.3e-17 + 2j, None, "0 + 2i"),
        (1.234567891e-305, None, "1.2345679e-305"),
        (123456789.0, 2e3, "1.234568e+08"),
        (float("nan"), None, "nan"),
        (complex(float("nan"), 1), 0.1, "nan + 1i"),
        (0.0, 0.0, "0"),
        (np.float64(0.25), float("nan"), "0.25"),
        (-3, None, "-3"),
        ("-x", None, "-x"),
        (True, None, "True"),
    ],
)
def test_numbers_have_the_digits_that_their_error_leaves(value, error, text):
    assert shown(value, error) == text


def test_rounding_stays_within_the_error():  # identity
    random = np.random.default_rng(1)
    errors = (10.0 ** random.uniform(-9, 1, 200)).tolist()
    for value, error in zip(random.normal(size=200).tolist(), errors, strict=True):
        most = max(error / 20, 5e-8 * abs(value))
        assert abs(float(shown(value, error)) - value) <= 1.0001 * most


def test_errors_have_two_digits():
    assert (shown_error(None), shown_error(float("nan")), shown_error(0.00123)) == (
        "",
        "",
        "1.2e-03",
    )
