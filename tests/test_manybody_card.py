"""The calculation `quantum_chain`: cards, datasets, numbers, figures, mistakes."""

from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose

from negf_torque.study.calculations import quantum_chain as calculation
from negf_torque.study.card import load, parse
from negf_torque.study.errors import CardError
from negf_torque.study.run import calculate, execute

SYSTEMS = Path(__file__).parents[1] / "systems"

SHORT = """
[system]
length = 80
n_spins = 3

[calculation]
kind = "quantum_chain"
duration = 60
output_step = 5.0
levels = 12

[calculation.packet]
wave_number = 0.5
spread = 0.3
centre = 15
"""


def card(change="", system="", packet=""):
    text = SHORT.replace("n_spins = 3", "n_spins = 3\n" + system)
    text = text.replace("levels = 12", "levels = 12\n" + change)
    return parse(text.replace("centre = 15", packet or "centre = 15"))


@pytest.fixture(scope="module")
def paper():
    return calculate(load(SYSTEMS / "quantum_chain.toml"))


@pytest.fixture(scope="module")
def short():
    return calculate(card())


def test_the_ready_card_reproduces_the_reference_numbers(paper):  # frozen
    at = paper.sel(injection="-z", time=400)
    assert_allclose(at["electron_spin"].sel(component="z"), -0.76843693, atol=6e-9)
    assert_allclose(
        at["local_spin"].sel(component="z")[[0, 4]], [0.94173675, 0.94653182], atol=6e-9
    )
    assert_allclose(at["purity"], 0.79040383, atol=6e-9)
    initial = at["probability"].sel(configuration="|down; up up up up up>")
    assert_allclose(initial, 0.8842185, atol=6e-8)
    sideways = paper.sel(injection="+x", time=400)
    assert_allclose(sideways["electron_spin"], [0.72476271, 0.02664071, 0.11578153], atol=6e-9)
    big = at["macrospin_spin"].sel(component="z")
    assert_allclose(big, 4.84675894, atol=6e-9)
    assert_allclose(at["macrospin_purity"], 0.85850035, atol=6e-9)
    assert_allclose(paper["composite_level"][0], -2.43778287, atol=6e-9)
    assert paper.attrs["converged"] == 1


def test_the_classical_picture_misses_the_collinear_torque(paper):
    collinear = paper.sel(injection="-z")
    assert_allclose(collinear["classical_local_spin"].sel(component="z"), 1, atol=1e-12)
    length = np.linalg.norm(collinear["local_spin"].values, axis=-1)
    assert length.min() < 0.95  # the quantum spins shrink without turning
    assert_allclose(collinear["local_spin"].sel(component=["x", "y"]), 0, atol=1e-15)


def test_every_variable_has_a_unit_and_a_name(paper):
    for name, variable in paper.variables.items():
        if name in calculation.VARIABLES:
            assert variable.attrs["long_name"], name
        if name in paper.data_vars:
            assert variable.attrs["units"], name
    assert set(paper.data_vars) <= set(calculation.VARIABLES)


def test_summary_and_tables(paper):
    scalars = {scalar.name: scalar for scalar in calculation.summary(paper)}
    assert scalars["states[-z]"].value == 2400
    assert scalars["ground_degeneracy_composite"].value == 2
    assert abs(scalars["drift_norm[+x]"].value) < 1e-12
    assert abs(scalars["drift_energy[+x]"].value) < 1e-12
    assert scalars["electron_sz[-z]"].error == 2e-10
    spins, _, levels = calculation.listings(paper)
    assert spins.rows[0][3] == -1 and len(spins.rows) == 6
    assert levels.rows[0] == ("local spins alone", -0.402, 2)


def test_warnings_tell_of_the_walls_and_the_clipped_packet(paper):
    text = "\n".join(paper.attrs["warnings"])
    assert "clipped" in text and "right wall from t = 140 fs" in text


def test_figures_are_drawn_for_all_data(short, paper):
    names = set(calculation.figures(paper))
    assert names == {"levels"} | {
        f"{kind}_{name}"
        for kind in ("spins", "macrospin", "maps", "torque")
        for name in ("minus_z", "plus_x")
    }
    six = calculation.figures(short)["spins_minus_z"]
    titles = [axes.get_title(loc="left")[:3] for axes in six.axes[:6]]
    assert titles == ["(a)", "(b)", "(c)", "(d)", "(e)", "(f)"]


def test_a_film_is_made_on_request(short):
    few = short.isel(time=slice(0, 3), injection=[0])
    assert calculation.animations(few) == {}
    film = calculation.animations(few, "gif")["film_minus_z.gif"]
    assert film[:6] == b"GIF89a"
    with pytest.raises(ValueError, match="profiles = true"):
        calculation.animations(few.drop_vars("density"), "gif")
    with pytest.raises(ValueError, match="no form of a film"):
        calculation.animations(few, "avi")


def test_a_film_without_ffmpeg_is_a_gif(short, monkeypatch):
    monkeypatch.setenv("PATH", "")
    few = short.isel(time=slice(0, 2), injection=[0]).assign_attrs(animation="mp4")
    assert list(calculation.animations(few)) == ["film_minus_z.gif"]
    with pytest.raises(ValueError, match="mp4 needs the program ffmpeg"):
        calculation.animations(few, "mp4")


def test_running_a_card_leaves_a_result(tmp_path):
    outcome = execute(card("electron_spins = [[0, 0, -1]]\nprofiles = false"), tmp_path / "run")
    assert outcome.converged and "density" not in outcome.dataset
    assert (tmp_path / "run" / "figures" / "spins_minus_z.png").exists()
    assert not (tmp_path / "run" / "figures" / "maps_minus_z.png").exists()
    # read back from the file: complex-free, units kept
    assert outcome.dataset["torque"].attrs["units"] == "hbar/2 per fs"


def test_the_macrospin_card_has_one_spin():
    loaded = load(SYSTEMS / "quantum_macrospin.toml")
    model = calculation.model_of(loaded)
    assert model.two_s.tolist() == [5] and model.sites.tolist() == [200]


def test_options_change_the_method_not_the_numbers(short):
    full = calculate(card("full_space = true\nclassical = false\nconfigurations = 4"))
    assert_allclose(full["electron_spin"], short["electron_spin"], atol=1e-9)
    assert full["spin_configurations"].values.tolist() == [16, 16]
    nicolson = calculate(card('method = "crank-nicolson"\nmacrospin = false'))
    assert_allclose(nicolson["electron_spin"], short["electron_spin"], atol=1e-4)
    assert any("Crank-Nicolson has no bound" in w for w in nicolson.attrs["warnings"])


def test_fields_anisotropies_and_mixed_spins_run(short):
    mixed = calculate(
        card(
            "local_directions = [[0, 0, 1], [0, 1, 1], [1, 0, 1]]\nelectron_spins = [[1, 1, -1]]",
            "spin = [0.5, 1, 1.5]\nfield = [0, 0.001, 0]\nanisotropy = [0.01, 0, 0.02]",
        )
    )
    assert mixed["spin_configurations"].values.tolist() == [2 * 2 * 3 * 4]
    energy = mixed["energy"].values
    assert_allclose(energy, energy[0, 0], atol=1e-11)
    name = str(mixed["injection"].values[0])
    assert name == "(0.5774, 0.5774, -0.5774)"
    assert f"spins_{'0.5774_0.5774_m0.5774'}" in calculation.figures(mixed)


def test_a_superposition_of_configurations():
    bell = (
        "local_superposition = [{ twice_m = [1, -1, 1] }, { twice_m = [-1, 1, 1], "
        "amplitude = [0.0, 1.0] }]"
    )
    result = calculate(card(bell))
    assert_allclose(result["local_spin"].sel(component="z")[0, 0], [0, 0, 1], atol=1e-12)
    assert any("no classical vector" in w for w in result.attrs["warnings"])


def test_levels_that_do_not_fit_are_left_out_with_a_warning():
    result = calculate(card("memory_limit = 0.00017\nelectron_spins = [[0, 0, -1]]"))
    assert "composite_level" not in result
    assert any("Not all levels were found" in w for w in result.attrs["warnings"])
    assert "levels" not in calculation.figures(result) or "chain_level" in result


def test_estimate_comes_before_the_run():
    found = {scalar.name: scalar for scalar in calculation.estimate(card())}
    assert found["spin_configurations[-z]"].value == 4
    assert "+2 (4)" in found["spin_configurations[-z]"].note
    assert found["memory[+x]"].value < 0.1


@pytest.mark.parametrize(
    "change, system, packet, message",
    [
        ("", "spin = 0.7", "", "system.spin: 0.7 is not the size of a spin"),
        ("", "spin = -0.5", "", "system.spin: -0.5"),
        ("", "spin = [0.5, 1]", "", "system.spin: 2 values given"),
        ("", "sites = [1, 2, 90]", "", "system.sites: 90 lies outside the chain"),
        ("", "sites = [1, 2]", "", "system.n_spins: 3 disagrees"),
        ("", "hopping = 0", "", "system.hopping: 0 lets no electron move"),
        ("", "potential = [0.0, 1.0]", "", "system.potential: 2 values"),
        ("", "field = [1, 2]", "", "system.field: [1.0, 2.0] is not valid"),
        ("", "anisotropy = [[1, 2], [3]]", "", "system.anisotropy: "),
        ("", "colour = 1", "", "system.colour"),
        ("", "", "centre = 90", "calculation.packet.centre: the packet's centre 90.0 lies outside"),
        ("", "", "centre = 15\nwidth = 3", "calculation.packet.width"),
        ("electron_spins = [[0, 0, 0]]", "", "", "has a vector without direction"),
        ("electron_spins = [[0, 0, 1], [0, 0, 2]]", "", "", "has a direction twice"),
        ("electron_spins = []", "", "", "calculation.electron_spins"),
        ("local_directions = [[0, 0, 1]]", "", "", "each of the 3 local spins"),
        ("local_directions = [0, 0, 0]", "", "", "no direction"),
        ("local_superposition = [{ twice_m = [1, 1] }]", "", "", "2m of each of the 3"),
        ("local_superposition = [{ twice_m = [1, 1, 2] }]", "", "", "2m = 2 of local spin 2"),
        ("times = [3, 1]", "", "", "calculation.times: they must start"),
        ("", "sites = [1.5]", "", "system.sites"),
        ("tolerance = 1", "", "", "calculation.tolerance"),
        ('animation = "gif"\nprofiles = false', "", "", "calculation.animation: a film needs"),
        ('method = "euler"', "", "", "calculation.method"),
        ("memory_limit = 1e-6", "", "", "calculation.memory_limit: 4 spin configurations x 80"),
        ("", "spin = 3.5\nfield = [0.1, 0, 0]", "", ""),
    ],
)
def test_mistakes_are_told_before_any_work(change, system, packet, message):
    if not message:  # large but fits
        assert card(change, system, packet).kind == "quantum_chain"
        return
    with pytest.raises(CardError) as caught:
        card(change, system, packet)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_packet_wider_than_the_chain_is_refused():
    with pytest.raises(CardError, match="calculation.packet.spread: the packet is 400 sites wide"):
        parse(SHORT.replace("spread = 0.3", "spread = 0.01"))


def test_too_many_output_times_are_refused():
    with pytest.raises(CardError, match="calculation.output_step: 60000000000 output times"):
        parse(SHORT.replace("output_step = 5.0", "output_step = 1e-9"))
    with pytest.raises(CardError, match="profiles = false"):
        parse(SHORT.replace("output_step = 5.0", "output_step = 1e-3").replace("= 80", "= 800"))


def test_a_run_too_large_says_what_would_fit():
    text = SHORT.replace("n_spins = 3", "n_spins = 30").replace(
        "levels = 12", "local_directions = [1, 0, 0]"
    )
    with pytest.raises(CardError) as caught:
        parse(text)
    assert "What would fit: " in str(caught.value) and "local spins on this chain" in str(
        caught.value
    )


def test_every_spin_says_of_what_it_is_the_mean():
    """sigma or 2S: a bare S_z in hbar/2 could be either."""
    spins = {n: v for n, v in calculation.VARIABLES.items() if v.unit.startswith("hbar/2")}
    assert len(spins) > 10
    for name, variable in spins.items():
        assert any(word in variable.convention for word in ("sigma", "2S")), name
