"""What `citation` prints: complete, well formed, and chosen by what a result used."""

import re

import pytest

import negf_torque
from negf_torque.study.card import calculation_kinds
from negf_torque.study.citations import SOURCES, citation, entries
from negf_torque.study.errors import StudyError

RESULT = "tests/data/results_0.1.0/spin_valve"


def keys(text):
    return re.findall(r"^@\w+\{(\w+),$", text, re.MULTILINE)


def test_every_kind_names_works_that_are_there_and_every_work_is_used():
    assert set(SOURCES) == set(calculation_kinds())
    used = {key for named in SOURCES.values() for key in named}
    of_cards = {"Groth2014", "Soven1967", "Velicky1969", "Brown1963"}
    assert used | of_cards == set(entries())


@pytest.mark.parametrize("key", list(entries()))
def test_entries_are_whole(key):
    entry = entries()[key]
    fields = dict(re.findall(r"^  (\w+) += (\{.*?\}),?$", entry, re.MULTILINE | re.DOTALL))
    printed = {"eprint"} if entry.startswith("@misc") else {"journal", "volume", "pages"}
    assert {"author", "title", "year"} | printed <= set(fields)
    assert all(value.count("{") == value.count("}") for value in fields.values())
    assert entry.isascii() and entry.endswith("\n}")
    assert fields["year"].strip("{}") in key


def test_a_result_cites_what_its_card_used(tmp_path):
    text = negf_torque.citation(RESULT)
    dataset = negf_torque.load_result(RESULT)
    assert citation(dataset) == text
    assert f"version = {{{dataset.attrs['version']}}}" in text
    assert keys(text) == ["negf_torque", "Groth2014", *SOURCES["spin_valve"]]
    alloy = '\n[[impurities]]\nkind = "nonmagnetic"\n[disorder]\nmethod = "coherent-potential"\n'
    dataset.attrs["card"] = alloy
    assert keys(citation(dataset))[-2:] == ["Soven1967", "Velicky1969"]
    dataset.attrs["card"] = alloy.replace("coherent-potential", "configurations")
    assert keys(citation(dataset)) == keys(text)


def test_without_a_result_the_program_and_kwant():
    assert keys(citation()) == ["negf_torque", "Groth2014"]


@pytest.mark.parametrize("what", ["spin_valves", 3, "docs"])
def test_what_is_no_result_is_told(what):
    with pytest.raises(StudyError, match="spin_valve|is not a result|holds no result"):
        citation(what)
