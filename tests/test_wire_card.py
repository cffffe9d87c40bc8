"""Kind "wire": reference numbers through the card, directions from a file, bad input, export."""

import re

import numpy as np
import pytest
from numpy.testing import assert_allclose
from study_helpers import TOP

from negf_torque.spin import spiral
from negf_torque.study import card as cards
from negf_torque.study import run
from negf_torque.study.errors import CardError, StudyError

WIRE = """
[system]
builder = "wire"
length = {length}
exchange = 1.5
texture = {texture}
{system}
[calculation]
kind = "wire"
energy = -1.5
{calculation}
"""
LLG = "[llg]\nsaturation_magnetisation = 8e5\ncell_area = 0.09\nlayer_spacing = 0.3\n"
BLOCH = '{kind = "bloch", width = 1.5}'


def text(texture=BLOCH, length=16, system="", calculation='response = "window"'):
    return WIRE.format(texture=texture, length=length, system=system, calculation=calculation)


@pytest.fixture(scope="module")
def wall():
    card = cards.load(TOP / "systems/domain_wall_wire.toml")
    fast = card.calculation.model_copy(update={"response": "window", "widths": [1.0, 3.0]})
    from dataclasses import replace

    return run.calculate(replace(card, calculation=fast))


def test_ready_wall_gives_the_reference(wall):
    """Wire 3 x 3, 40 layers, width 2: frozen, verified with Kwant."""
    assert_allclose(wall["conductance"], 8.9977212723, atol=1e-10)
    left = wall["torkance"].sel(part="left", magnet="wall", component="z")
    assert_allclose(left, 6.0005146, atol=5e-8)
    assert_allclose(wall["adiabatic_limit"], [0, 0, 6], atol=1e-10)
    assert wall.attrs["converged"] == 1


def test_widths_of_the_ready_wall_approach_the_limit(wall):
    far = np.abs(wall["scan_adiabaticity"].values - 1)
    assert far[1] < 1e-3 * far[0]
    assert_allclose(wall["scan_length"], [20, 60])
    assert np.all(np.diff(wall["scan_wall_resistance"]) < 0)


def test_wall_has_summary_listings_figures_and_an_export(wall, tmp_path):
    module = cards.calculation_module("wire")
    found = {scalar.name: scalar for scalar in module.summary(wall)}
    assert_allclose(found["wall_resistance"].value, 1 / 8.9977212723 - 1 / 9, atol=1e-12)
    assert found["wall_resistance"].unit == "h/e^2"
    assert found["uniform_spin_current"].value == pytest.approx(3)
    assert "window" in found["integrated_beta"].note
    assert [len(listing.rows) for listing in module.listings(wall)] == [3, 2]
    drawn = set(module.figures(wall))
    assert drawn == {"texture", "torque_along", "projections", "adiabatic_limit"}
    for name, variable in wall.data_vars.items():
        assert variable.attrs.get("long_name"), name
    card = cards.load(TOP / "systems/domain_wall_wire.toml")
    torque, simulation = module.llg_parameters(wall, card)
    assert_allclose(torque.beta, wall["integrated_beta"].sel(part="symmetric"))
    assert_allclose(torque.polarisation * wall["conductance"], wall["integrated_adiabatic"][0])
    # v0 = P j mu_B/(e M_s): P of about (N_up - N_dn)/G = 1/3 at 1e12 A/m^2
    assert_allclose(torque.drift_velocity(1e12), 72.35 / 3, rtol=0.02)
    assert torque.response == "window" and simulation.damping == 0.01
    assert "not adiabatic" not in torque.provenance


def test_local_and_total_current_give_the_same_torque(wall):
    """A = ratio times local spin current = polarisation times conductance."""
    a = wall["adiabatic"]
    assert_allclose(wall["adiabatic_ratio"] * wall["local_spin_current"], a, atol=1e-12)
    assert_allclose(wall["slice_polarisation"] * wall["conductance"], a, atol=1e-12)
    inside = np.abs(wall["x"] - 20.5) < 8  # the wall is two layers wide
    ratio = wall["adiabatic_ratio"].sel(part="symmetric").values[inside]
    assert_allclose(ratio, 1, atol=0.1)
    assert_allclose(wall["site_nonadiabatic"] / wall["site_adiabatic"], wall["site_beta"])


def test_narrow_wall_is_exported_with_a_warning_word():
    card = cards.parse(text(texture='{kind = "bloch", width = 0.6}') + LLG, "narrow.toml")
    torque, _ = card.module.llg_parameters(run.calculate(card), card)
    assert "not adiabatic" in torque.provenance


def test_complete_response_differs_from_its_window_out_of_plane_only():
    data = run.calculate(cards.parse(text(calculation="tolerance = 1e-9")))
    assert list(data["part"].values) == ["complete", "symmetric", "left", "right", "sea"]
    sea = data["site_torkance"].sel(part="sea")
    assert_allclose(sea.sel(component=["y", "z"]), 0, atol=1e-9)
    assert float(np.abs(sea.sel(component="x")).max()) > 1e-5
    whole = data["site_torkance"].sel(part="symmetric") + sea
    assert_allclose(data["site_torkance"].sel(part="complete"), whole, atol=1e-12)
    assert data.attrs["response"] == "complete"


def test_directions_from_a_file_are_the_texture(tmp_path):
    vectors = spiral(8.0, (1, 1, 0), (0, 0, 1))(np.arange(9))
    lines = ["x, y, z", "# as measured", *(", ".join(f"{v:.6f}" for v in m) for m in vectors)]
    (tmp_path / "moments.csv").write_text("\n".join(lines))
    path = tmp_path / "mine.toml"
    path.write_text(text('{kind = "sampled", file = "moments.csv"}', 9))
    card = cards.load(path)
    found = run.calculate(card)
    texture = '{kind = "spiral", period = 8.0, axis = [1, 1, 0], start = [0, 0, 1]}'
    same = run.calculate(cards.parse(text(texture, 9)))
    # the file holds six digits
    assert_allclose(found["site_torkance"], same["site_torkance"], atol=1e-4)
    assert "code moments.csv" in found.attrs
    before = card.hash
    (tmp_path / "moments.csv").write_text("\n".join(lines).replace("# as", "# not as"))
    assert cards.load(path).hash != before


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("0.3, nan, 0.1", "line 3: .*nan"),
        ("0.3, 0.4, 0.5", "line 3: .*length 0.707107. Give finite unit"),
        ("0, 1", "line 3: 2 numbers"),
        ("0, 1, north", "line 3: .*not three numbers"),
        ("0, 1, 0\n1, 0, 0", "5 vectors for a wire of 4 layers"),
    ],
)
def test_bad_directions_are_told_with_their_line(tmp_path, row, message):
    (tmp_path / "moments.csv").write_text(f"1, 0, 0\n1, 0, 0\n{row}\n0, 0, 1\n")
    path = tmp_path / "mine.toml"
    path.write_text(text('{kind = "sampled", file = "moments.csv"}', 4))
    with pytest.raises(CardError, match=message) as caught:
        cards.load(path)
    assert caught.value.problems[0].path == "system.texture.file"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"texture": '{kind = "sampled", vectors = [[1, 0, 0], [0, 2, 0]]}', "length": 2},
            "length 2",
        ),
        ({"texture": '{kind = "sampled", vectors = [[1, 0, 0]]}', "length": 2}, "1 vectors"),
        ({"texture": '{kind = "sampled"}'}, "Give vectors or file"),
        ({"texture": '{kind = "sampled", file = "none.csv"}'}, 'no file "none.csv"'),
        ({"texture": '{kind = "sampled", file = "../up.csv"}'}, "outside the card's folder"),
        ({"texture": '{kind = "spiral", period = 0.0}'}, "no period"),
        ({"texture": '{kind = "bloch", width = -1.0}'}, "width"),
        ({"system": 'cross_section = "round"'}, "not a cross-section"),
        ({"calculation": "temperature = -1.0"}, "temperature"),
        (
            {
                "texture": '{kind = "spiral", period = 5.0}',
                "calculation": "widths = [2.0]",
            },
            "only walls have a width",
        ),
        ({"calculation": "widths = [0.0]"}, "positive numbers"),
    ],
)
def test_bad_cards_are_told(changes, message):
    with pytest.raises(CardError, match=message):
        cards.parse(text(**changes), TOP / "card.toml")


def test_other_kinds_take_the_builder_too():
    torque = text().replace('kind = "wire"', 'kind = "torque"').replace('response = "window"', "")
    data = run.calculate(cards.parse(torque))
    assert_allclose(
        data["torkance"].sel(bias="left", magnet="wire"),
        run.calculate(cards.parse(text()))["torkance"].sel(part="left", magnet="wire"),
        atol=1e-12,
    )


def test_uniform_wire_has_nothing_to_export():
    up = '{kind = "sampled", vectors = [[0, 0, 1], [0, 0, 1]]}'
    card = cards.parse(text(up, 2) + LLG, "uniform.toml")
    data = run.calculate(card)
    assert set(card.module.figures(data)) == {"texture", "torque_along", "projections"}
    with pytest.raises(StudyError, match="do not turn"):
        run.export("mumax3", card, data, TOP / "nowhere")


def test_estimate_counts_sites():
    card = cards.load(TOP / "systems/domain_wall_wire.toml")
    found = {scalar.name: scalar.value for scalar in card.module.estimate(card)}
    assert found["sites"] == 9 * 42 and found["largest block"] == 18


@pytest.mark.parametrize(
    ("page", "printed"),
    [
        ("wires", r"complete \[ ?3\.039\d+e-03 .* 1\.99999\d+e\+00\]"),
        ("spin_pumping", r"1\.285343\d+-0\.119380\d+j\) 0\.204568"),
    ],
)
def test_python_of_the_pages_runs_and_prints_what_they_say(page, printed, capsys):
    text = (TOP / f"docs/howto/{page}.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    exec(compile(code, page, "exec"), {})
    assert re.search(printed, capsys.readouterr().out)


def test_film_with_a_wall_per_cell():
    """A periodic cross-section on a mesh: the mean over its momenta of chains at E - eps(k)."""
    film = run.calculate(
        cards.parse(
            text(
                '{kind = "neel", width = 1.0}',
                6,
                'cross_section = "periodic"',
                "mesh = 2\ntolerance = 1e-8",
            )
        )
    )
    assert film["conductance"].attrs["units"] == "e^2/h per cell"
    assert film["wall_resistance"].attrs["units"] == "h/e^2 cell"
    # k = +-pi/2 in both directions: eps(k) = 0, the chain itself
    chain = run.calculate(
        cards.parse(text('{kind = "neel", width = 1.0}', 6, "", "tolerance = 1e-8"))
    )
    assert chain["wall_resistance"].attrs["units"] == "h/e^2"
    for name in ("conductance", "site_torkance", "integrated_beta", "local_spin_current"):
        assert_allclose(film[name], chain[name], atol=1e-7, err_msg=name)


def test_neutral_potential_and_normal_leads():
    system = "left = {exchange = 0.0}\nright = {exchange = 0.0}"
    data = run.calculate(
        cards.parse(
            text(
                '{kind = "spiral", period = 12.0}',
                7,
                system,
                'neutrality = "neutral"\ntolerance = 1e-7',
            )
        )
    )
    assert data.attrs["neutrality"] == "neutral" and data.attrs["converged"] == 1
    assert list(data["magnet"].values) == ["wire"]
    # one layer of each normal lead is part of the region; the ends turn like their one neighbour
    assert_allclose(np.linalg.norm(data["gradient"].values[1:-1], axis=1), np.pi / 6, atol=1e-12)
    assert_allclose(data["site_slice"].values, [-1, 0, 1, 2, 3, 4, 5, 6, -1])
    assert float(np.abs(data["site_torkance"].sel(part="sea")).max()) > 1e-4


def test_wire_at_a_temperature():
    at = {
        t: run.calculate(cards.parse(text(calculation=f"temperature = {t}\ntolerance = 1e-6")))
        for t in (0.0, 50.0)
    }
    # the bands are smooth here: the change is of second order in k_B T = 4 meV
    for name in ("conductance", "total_torkance", "integrated_beta"):
        cold, warm = (np.atleast_1d(at[t][name])[:1] for t in (0.0, 50.0))
        assert_allclose(warm, cold, atol=2e-3)
