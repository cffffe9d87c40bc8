"""Averages over configurations: hashed draws, running errors, any executor, any order."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from negf_torque.disorder.configurations import (
    Ensemble,
    empty_ensemble,
    merged,
    sample,
)
from negf_torque.disorder.site_hash import position_keys, site_keys, uniform


def draws(seeds):
    """Three observables of a fake sample: means 0.5, 2 and 10."""
    x = uniform(site_keys([b"a", b"b", b"c"]), seeds, 0).T
    return x + [0.0, 1.5, 9.5]


# --- hashing ---------------------------------------------------------------------------------


def test_numbers_belong_to_site_and_seed_alone():  # identity
    position = np.arange(12.0).reshape(6, 2)
    keys = position_keys(position)
    order = np.array([3, 1, 5, 0, 4, 2])
    assert_array_equal(position_keys(position[order]), keys[order])
    seeds = np.array([5, 900, 6])
    whole = uniform(keys, seeds, 3)
    assert_array_equal(uniform(keys[order], seeds[::-1], 3), whole[order][:, ::-1])


def test_cells_and_families_at_one_position_are_told_apart():
    keys = position_keys([[0, 0], [0, 0], [0, -0.0]], [[0, 0], [0, 1], [0, 0]])
    assert len(set(keys.tolist())) == 3


def test_numbers_are_uniform_and_independent():  # limit
    keys = position_keys(np.arange(60.0)[:, None])
    numbers = np.array([uniform(keys, np.arange(400), stream) for stream in range(3)])
    flat = numbers.reshape(3, -1)
    count = flat.shape[1]
    # 4 standard errors of moments of a uniform number
    for power in (1, 2, 3):
        variance = 1 / (2 * power + 1) - 1 / (power + 1) ** 2
        error = 4 * np.sqrt(variance / count)
        assert_allclose((flat**power).mean(axis=1), 1 / (power + 1), atol=error)
    shifts = [flat[0] * flat[1], flat[0] * flat[2]]
    shifts += [(numbers[0, 1:] * numbers[0, :-1]).ravel(), (numbers[0, :, 1:] * numbers[0, :, :-1])]
    for product in shifts:
        # var(xy) = 1/9 - 1/16
        assert abs(np.mean(product) - 0.25) < 4 * np.sqrt(7 / 144 / np.size(product))
    counts = np.histogram(flat[0], 50, (0, 1))[0]
    chi = np.sum((counts - count / 50) ** 2) / (count / 50)
    assert chi < 49 + 4 * np.sqrt(2 * 49)


def test_a_number_of_the_hash():  # frozen, 20 November 2026: what stored results rest on
    assert_allclose(
        uniform(site_keys([b"site"]), [0, 1], 0)[0],
        [0.4047752619703028, 0.5639228631885266],
        rtol=0,
        atol=1e-15,
    )


# --- ensembles -------------------------------------------------------------------------------


def test_mean_and_standard_error_are_those_of_all_samples():  # independent
    found = sample(draws, 300, seed=11, kept=3, block=32)
    all_of_them = draws(11 + np.arange(300))
    assert_array_equal(found.samples, all_of_them)
    assert_array_equal(found.seeds, 11 + np.arange(300))
    assert_allclose(found.mean, all_of_them.mean(axis=0), rtol=1e-14)
    error = all_of_them.std(axis=0, ddof=1) / np.sqrt(300)
    assert_allclose(found.standard_error, error, rtol=1e-12)
    assert_array_equal(found.median, np.median(all_of_them, axis=0))
    assert_array_equal(found.quantile(0.2), np.quantile(all_of_them, 0.2, axis=0))


def test_spread_survives_a_large_mean():  # limit: no cancellation of squares
    found = sample(lambda seeds: 1e9 + draws(seeds)[:, :1], 4096, block=64)
    assert_allclose(found.variance[0], 1 / 12, rtol=0.05)


@given(st.integers(1, 9), st.integers(1, 30), st.integers(0, 5))
def test_merging_does_not_care_for_the_cut(block, count, seed):
    found = sample(draws, count, seed=seed, block=block)
    whole = sample(draws, count, seed=seed, block=1000)
    assert_allclose(found.mean, whole.mean, rtol=1e-13)
    assert_allclose(found.squares, whole.squares, rtol=1e-10, atol=1e-14)


def test_any_number_of_workers_gives_the_same_bits():  # identity
    alone = sample(draws, 1000, standard_error=0.02, block=16)
    for workers in (1, 2, 5):
        with ThreadPoolExecutor(workers) as pool:
            shared = sample(
                draws, 1000, standard_error=0.02, block=16, executor=pool, workers=workers
            )
        for name, value in alone.arrays().items():
            assert_array_equal(shared.arrays()[name], value)
        assert shared.stopped


def test_an_interrupted_average_goes_on_to_the_same_bits():  # identity
    whole = sample(draws, 160, block=16, kept=2)
    part = sample(draws, 64, block=16, kept=2)
    again = sample(draws, 160, block=16, kept=2, start=Ensemble(**part.arrays()))
    for name, value in whole.arrays().items():
        assert_array_equal(again.arrays()[name], value)
    # and nothing is done twice
    done = sample(lambda seeds: 1 / 0, 160, block=16, kept=2, start=whole)
    assert done.count == 160


def test_it_stops_at_the_requested_error():
    found = sample(draws, 100_000, standard_error=0.01, block=50)
    assert found.stopped and found.count < 100_000 and found.count % 50 == 0
    assert found.standard_error[0] <= 0.01 * found.mean[0]
    before = sample(draws, found.count - 50, standard_error=0.01, block=50)
    assert not before.stopped


def test_the_stated_error_is_the_actual_one():  # limit
    means = [sample(draws, 100, seed=1000 * n).mean[0] for n in range(200)]
    stated = sample(draws, 100).standard_error[0]
    # the spread of 200 means is known to 5 per cent, the error of 100 samples to 7
    assert_allclose(np.std(means), stated, rtol=0.3)


def test_one_configuration_has_no_error_estimate():
    assert np.all(np.isinf(sample(draws, 1).standard_error))
    assert merged(empty_ensemble(3), sample(draws, 2)).count == 2


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ({"configurations": 0}, "configurations: 0"),
        ({"configurations": 5, "seed": -1}, "seed: -1"),
        ({"configurations": 5, "block": 0}, "block: 0"),
        ({"configurations": 5, "standard_error": 0.0}, "standard_error: 0.0"),
        ({"configurations": 5, "start": sample(draws, 3, seed=4)}, "start: its seeds"),
    ],
)
def test_nonsense_is_refused(arguments, complaint):
    with pytest.raises(ValueError, match=complaint):
        sample(draws, **arguments)


def test_a_solver_that_fails_is_told_with_its_seed():
    def broken(seeds):
        return np.where(seeds[:, None] == 7, np.nan, draws(seeds))

    with pytest.raises(ValueError, match="seed 7 are not finite"):
        sample(broken, 20)
    with pytest.raises(ValueError, match="expected \\(20, m\\)"):
        sample(lambda seeds: np.zeros(20), 20)
