"""The documentation says what the program does: its code runs, its reference is complete."""

import importlib.util
import re
import subprocess
import sys
import tomllib

import numpy as np
import pytest
from numpy.testing import assert_allclose
from study_helpers import TOP, valve

from negf_torque.study import card as cards
from negf_torque.study import run


def code_blocks(page, language):
    text = (TOP / page).read_text(encoding="utf-8")
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def test_ten_lines_of_the_readme_run_and_print_the_reference_numbers():
    (code,) = code_blocks("README.md", "python")
    assert code.strip() == (TOP / "docs/ten_lines.py").read_text().strip()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=TOP)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert done.stdout.startswith("0.56524370")
    assert "0.21105104" in done.stdout and "0.08459767" in done.stdout


def test_own_system_of_the_tutorial_is_the_chain_of_layers(tmp_path):
    code, *_ = code_blocks("docs/tutorials/own_system.md", "python")
    (card,) = code_blocks("docs/tutorials/own_system.md", "toml")
    (tmp_path / "mine.py").write_text(code)
    (tmp_path / "mine.toml").write_text(card + "angles = [60, 90]\n")
    own = run.calculate(cards.load(tmp_path / "mine.toml", allow_code=True))
    stack = run.calculate(
        cards.parse(
            valve(
                cross_section='cross_section = "chain"',
                exchange1="exchange = 1.5\nonsite = 0.75",
                exchange3="exchange = 1.5\nonsite = 0.75\ndirection = [1, 0, 0]",
                energy="energy = -0.7\nangles = [60, 90]",
                mesh=None,
            )
        )
    )
    assert_allclose(own["conductance"], stack["conductance"], rtol=1e-10)
    assert_allclose(own["torkance"], stack["torkance"], atol=1e-10)
    assert np.abs(own["torkance"]).max() > 0.1


@pytest.fixture(scope="module")
def generator():
    spec = importlib.util.spec_from_file_location("generate", TOP / "docs/generate_reference.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_key_of_every_ready_card_is_in_the_reference(generator):
    page = generator.cards_page()
    for path in (TOP / "systems").glob("*.toml"):
        for table, content in tomllib.loads(path.read_text()).items():
            for entry in content if isinstance(content, list) else [content]:
                for key in entry:
                    assert f"`{key}`" in page, f"{path.name}: {table}.{key}"


def test_every_variable_of_a_result_is_in_the_reference(generator, tmp_path):
    page = generator.results_page()
    text = valve(cross_section="cross_section = [1, 2]", mesh="angles = [90]")
    data = run.calculate(cards.parse(text))
    for name in data.variables:
        assert f"`{name.removesuffix('_error')}`" in page


def test_every_key_has_a_description():
    from negf_torque.study import schema
    from negf_torque.study.tables import LLGTable, OutputTable

    models = [LLGTable, OutputTable]
    for kind in cards.calculation_kinds():
        module = cards.calculation_module(kind)
        models += [module.Parameters, *filter(None, [getattr(module, "System", None)])]
    models += [cards.builder_module(name).System for name in cards.system_builders()]
    for model in models:
        for info in schema.walk(model, model.__module__):
            assert info.description, info.path


def test_pages_linked_from_the_readme_exist():
    links = re.findall(r"\]\(((?!http)[^)#]+)", (TOP / "README.md").read_text(encoding="utf-8"))
    assert links
    for link in links:
        if link.endswith((".md", ".cff")):
            assert (TOP / link).exists(), link
