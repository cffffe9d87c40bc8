"""Ensembles of configurations in a card: distributed, stopped, resumed and extended."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from numpy.testing import assert_allclose

from negf_torque.lattice import layer_chain
from negf_torque.study import campaign, run, store
from negf_torque.study import card as cards
from negf_torque.study.errors import StoreError
from negf_torque.study.interrupt import InterruptedRun
from negf_torque.study.memory import check_need
from negf_torque.study.parts import parts_of
from negf_torque.study.status import status_of
from negf_torque.study.worker import job_of
from negf_torque.transport import ensembles
from negf_torque.transport.ensembles import configuration_response

ALLOY = """
[[impurities]]
kind = "nonmagnetic"
concentration = 0.2
strength = 0.8
layers = [2, 3]
"""
WIRE = """
[system]
builder = "stack"
cross_section = CROSS
[[system.layers]]
name = "fixed"
thickness = 1
onsite = 0.75
exchange = 1.5
[[system.layers]]
thickness = 2
[[system.layers]]
name = "free"
thickness = 1
onsite = 0.75
exchange = 1.5
direction = [1, 0, 0]
"""


def card(disorder, calculation='kind = "torque"', cross="[2, 1]"):
    text = WIRE.replace("CROSS", cross) + ALLOY + "[disorder]\n" + disorder
    return cards.parse(
        text + f"\n[calculation]\nenergy = -2.2\n{calculation}\n[output]\nfigures = []\n"
    )


EXPLICIT = 'method = "configurations"\nseed = 7\n'


@pytest.fixture
def counted(monkeypatch):
    """How often every seed was drawn."""
    seen = Counter()
    original = ensembles.window_columns

    def count(drawn, seeds):
        seen.update(seeds.tolist())
        if seen.total() > seen.most:
            raise KeyboardInterrupt
        return original(drawn, seeds)

    seen.most = 10**9
    monkeypatch.setattr(ensembles, "window_columns", count)
    return seen


def executed(given, directory, executor="serial", **keywords):
    return run.execute(given, directory, executor=executor, **keywords)


def content(directory):
    return (directory / "result.nc").read_bytes()


def test_a_card_gives_the_mean_and_standard_error_of_its_configurations(tmp_path):  # independent
    given = card(EXPLICIT + "configurations = 150")
    found = executed(given, tmp_path).dataset
    chain = layer_chain(given.build())
    drawn = ensembles.Configurations(chain, -2.2, (given.impurities[0].impurity(),))
    conductance = np.array(
        [float(r.transmission[0]) for n in range(150) for r in drawn.responses(np.array([7 + n]))]
    )
    assert_allclose(found["configuration_conductance"], conductance, rtol=1e-13)
    assert_allclose(found["conductance"], conductance.mean(), rtol=1e-13)
    error = conductance.std(ddof=1) / np.sqrt(150)
    assert_allclose(found["conductance_error"], error, rtol=1e-12)
    assert found.attrs["seeds"] == "disorder.seed = 7"
    np.testing.assert_array_equal(found["configuration"], 7 + np.arange(150))
    whole = configuration_response(chain, -2.2, drawn.impurities, 150, seed=7)
    np.testing.assert_array_equal(found["site_torkance"], whole.window.site_torkance_by_bias)


KINDS = {
    "torque, compared": ('compare = ["configurations"]\nconfigurations = 100', 'kind = "torque"'),
    "torque": (EXPLICIT + "configurations = 100", 'kind = "torque"'),
    "spin valve": (
        EXPLICIT + 'configurations = 70\ncompare = ["born"]',
        'kind = "spin_valve"\nangles = [0, 80]',
    ),
    "spin valve, compared": (
        'compare = ["configurations"]\nconfigurations = 70',
        'kind = "spin_valve"\nangles = [0, 80]',
    ),
    "mixing": (EXPLICIT + "configurations = 70", 'kind = "mixing"'),
}


@pytest.mark.parametrize(("disorder", "calculation"), KINDS.values(), ids=KINDS.keys())
def test_parts_on_threads_are_the_calculation_in_one_go(tmp_path, disorder, calculation):
    given = card(disorder, calculation)
    with ThreadPoolExecutor(3) as pool:
        found = executed(given, tmp_path, pool).dataset
    alone = run.calculate(given)
    assert set(found.variables) == set(alone.variables)
    for name in found.variables:
        np.testing.assert_array_equal(found[name], alone[name], err_msg=name)
    assert dict(found.attrs, warnings=0) == dict(alone.attrs, warnings=0)


def test_processes_and_any_order_give_the_same_bytes(tmp_path, monkeypatch):
    given = card('compare = ["configurations"]\nconfigurations = 200')
    executed(given, tmp_path / "a")
    executed(given, tmp_path / "b", "processes", workers=2)
    forward = campaign.items_of
    monkeypatch.setattr(campaign, "items_of", lambda job: reversed(list(forward(job))))
    executed(given, tmp_path / "c")
    assert content(tmp_path / "a") == content(tmp_path / "b") == content(tmp_path / "c")


def test_an_interrupted_ensemble_goes_on_and_draws_nothing_twice(tmp_path, counted):
    given = card(EXPLICIT + "configurations = 500")
    counted.most = 250
    with pytest.raises(InterruptedRun, match="kept"):
        executed(given, tmp_path / "a")
    text = " ".join(status_of(tmp_path / "a"))
    assert "items: 4 of 9 finished, 5 to do" in text
    lost = counted.total() - 192  # the block at work
    counted.most = 10**9
    executed(given, tmp_path / "a")
    assert counted.total() == 500 + lost and lost == 64
    executed(given, tmp_path / "b")
    assert content(tmp_path / "a") == content(tmp_path / "b")


def test_more_configurations_later_extend_the_ensemble(tmp_path, counted):
    small, large = (card(EXPLICIT + f"configurations = {n}") for n in (100, 300))
    first = executed(small, tmp_path / "a")
    outcome = executed(large, tmp_path / "a")
    assert outcome.computed and outcome.dataset.sizes["configuration"] == 300
    # also the block that was not full went on where it ended
    assert counted == Counter(range(7, 307))
    executed(large, tmp_path / "b")
    assert content(tmp_path / "a") == content(tmp_path / "b")
    # fewer again, or a requested error: from what is there
    counted.clear()
    again = executed(small, tmp_path / "a")
    assert again.dataset.identical(first.dataset) and not counted
    with pytest.raises(StoreError, match="another card"):
        executed(card(EXPLICIT.replace("7", "8")), tmp_path / "a")


def test_an_extension_that_is_stopped_is_told_as_unfinished(tmp_path, counted):
    executed(card(EXPLICIT + "configurations = 64"), tmp_path)
    counted.most = 100
    larger = card(EXPLICIT + "configurations = 256")
    with pytest.raises(InterruptedRun):
        executed(larger, tmp_path)
    assert next(status_of(tmp_path)).startswith("not finished")
    counted.most = 10**9
    executed(larger, tmp_path)
    assert store.load(tmp_path).sizes["configuration"] == 256
    assert next(status_of(tmp_path)).startswith("finished")


def test_the_requested_error_ends_an_ensemble_wherever_its_blocks_were_computed(tmp_path):
    given = card(EXPLICIT + "configurations = 4000\nstandard_error = 0.008")
    found = executed(given, tmp_path / "a").dataset
    count = found.sizes["configuration"]
    assert 256 <= count < 3000 and count % 64 == 0 and found.attrs["converged"]
    assert found["conductance_error"] <= 0.008 * found["conductance"]
    # one block less would not have done
    earlier = found["configuration_conductance"].values[:-64]
    error = earlier.std(ddof=1) / np.sqrt(len(earlier)) / earlier.mean()
    assert error > 0.008 or len(earlier) < 256
    # in one process no block beyond the last that counts was computed
    assert len(list((tmp_path / "a" / "checkpoints").glob("*/*.item"))) == count // 64 + 1
    with ThreadPoolExecutor(3) as pool:
        executed(given, tmp_path / "b", pool)
    assert content(tmp_path / "a") == content(tmp_path / "b")
    alone = run.calculate(given)
    assert alone.sizes["configuration"] == count


def test_too_few_configurations_for_the_error_are_told(tmp_path):
    outcome = executed(card(EXPLICIT + "configurations = 70\nstandard_error = 1e-6"), tmp_path)
    assert not outcome.converged
    assert any("70 configurations give the conductance" in w for w in outcome.summary["warnings"])


def test_a_sweep_of_ensembles_has_every_point_as_if_it_ran_alone(tmp_path):
    disorder = EXPLICIT + "configurations = {values = [70, 130]}"
    outcome = executed(card(disorder), tmp_path)
    data = outcome.dataset
    assert data["conductance"].dims == ("configurations",)
    assert outcome.summary["points"] == {"done": 2}
    assert outcome.summary["items"]["states"] == {"done": 2 + 2 + 3}
    alone = run.calculate(card(EXPLICIT + "configurations = 70"))
    np.testing.assert_array_equal(data["torkance"].isel(configurations=0), alone["torkance"])
    assert np.isnan(data["configuration_conductance"].values[0, 70:]).all()


def test_cards_without_configurations_are_one_piece(tmp_path):
    given = card('method = "born"')
    assert parts_of(given) is None and check_need(given) is None
    assert job_of(given, tmp_path).base == given.hash
    executed(given, tmp_path)
    assert not (tmp_path / "checkpoints").exists()


def test_ctrl_c_in_a_card_that_is_one_piece_says_that_nothing_is_kept(tmp_path, monkeypatch):
    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("negf_torque.study.calculations.torque.run", stop)
    with pytest.raises(InterruptedRun, match="nothing is kept"):
        executed(card('method = "born"'), tmp_path)


JUNCTION = """
[system]
builder = "stack"
cross_section = "chain"
left = {exchange = 1.0, direction = [0, 0, 1], name = "fixed"}
right = {exchange = 1.0, direction = [1, 0, 0], name = "free"}
[[system.layers]]
thickness = 2
onsite = 3.0
[calculation]
kind = "bias_sweep"
energy = -0.9
voltages = VOLTAGES
angles = [0, 90, 180]
spectrum_points = 3
[output]
figures = []
"""


def test_voltages_of_a_junction_are_parts_and_more_may_follow(tmp_path):
    few, more = (
        cards.parse(JUNCTION.replace("VOLTAGES", volts))
        for volts in ("[-0.2, 0.2]", "[-0.2, 0, 0.2]")
    )
    executed(few, tmp_path)
    outcome = executed(more, tmp_path)
    assert outcome.summary["items"]["found"] == 2 and outcome.summary["items"]["computed"] == 1
    alone = run.calculate(more)
    assert set(outcome.dataset.variables) == set(alone.variables)
    for name in alone.variables:
        # voltages at once share their threads, not their sums
        np.testing.assert_array_equal(outcome.dataset[name], alone[name], err_msg=name)
