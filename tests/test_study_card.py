"""Cards: what is accepted, what is refused, and what the messages say."""

import tomllib

import pytest
import tomli_w
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from study_helpers import PROBE, TOP, know_probe, valve

from negf_torque.study import card as cards
from negf_torque.study.errors import CardError
from negf_torque.study.keylines import key_lines


@pytest.fixture(autouse=True)
def probe(monkeypatch):
    know_probe(monkeypatch)


def message(text, **keywords):
    with pytest.raises(CardError) as caught:
        cards.parse(text, "valve.toml", **keywords)
    return str(caught.value)


VALID = {
    "as it is": {},
    "chain": {"cross_section": 'cross_section = "chain"'},
    "wire": {"cross_section": "cross_section = [3, 2]"},
    "lead": {"cross_section": "left = {onsite = 0.5, exchange = 1, direction = [1, 0, 0]}"},
    "two orbitals": {
        "cross_section": "left = {onsite = [[0, 1], [1, 0.5]]}",
        "thickness2": "thickness = 3\nonsite = [[0.0, 1.0], [1.0, 0.5]]",
    },
    "wall": {"name1": 'name = "fixed"\ntexture = {kind = "domain_wall", centre = 2, width = 1}'},
    "spiral": {"name1": 'name = "fixed"\ntexture = {kind = "spiral", period = -12.5}'},
    "sampled": {"thickness3": 'thickness = 1\ntexture = {kind = "sampled", vectors = [[0, 0, 1]]}'},
    "whole number for a number": {"energy": "energy = -2"},
    "angles": {"energy": "energy = -2.2\nangles = [0, 90.5, 180]"},
    "output": {"system": '[output]\nfigures = ["svg", "pdf"]\nexport = ["mumax3"]\n[system]'},
    "no output": {"system": "[output]\nfigures = []\n[system]"},
}


@pytest.mark.parametrize("changes", VALID.values(), ids=VALID.keys())
def test_valid_cards_are_read_and_written_back_to_equal_cards(changes):
    card = cards.parse(valve(**changes), "valve.toml")
    again = cards.parse(card.toml(), "valve.toml")
    assert again == card
    assert again.hash == card.hash


# changes, words that the message must have
INVALID = {
    "unknown key": (
        {"thickness2": "thicknes = 3"},
        [
            'system.layers[1].thicknes: no such key. Did you mean "thickness"?',
            "line 9",
            "system.layers[1].thickness: missing",
            "card valve.toml",
        ],
    ),
    "unknown key in calculation": ({"mesh": "msh = 4"}, ["calculation.msh", '"mesh"']),
    "unknown table": ({"mesh": "[sytem2]"}, ['sytem2: no such table. Did you mean "system"?']),
    "zero thickness": (
        {"thickness3": "thickness = 0"},
        ["system.layers[2].thickness: 0 cannot be used", "1 or more", "line 12"],
    ),
    "negative thickness": ({"thickness3": "thickness = -3"}, ["layers[2].thickness: -3"]),
    "fractional thickness": ({"thickness3": "thickness = 2.5"}, ["2.5", "a whole number"]),
    "text for a number": (
        {"exchange1": 'exchange = "1.5"'},
        ['system.layers[0].exchange: "1.5" cannot be used. Give a number, in eV'],
    ),
    "true for a whole number": ({"thickness1": "thickness = true"}, ["true cannot be used"]),
    "true for a number": ({"energy": "energy = true"}, ["calculation.energy: true"]),
    "infinite": ({"energy": "energy = inf"}, ["calculation.energy: inf", "finite"]),
    "not a number": ({"energy": "energy = nan"}, ["calculation.energy: nan"]),
    "a date": ({"energy": "energy = 2026-01-01"}, ["calculation.energy", "date"]),
    "huge": ({"mesh": f"mesh = {10**30}"}, ["calculation.mesh", "64 bits"]),
    "no energy": ({"energy": None}, ["calculation.energy: missing. Give a number, in eV", "line"]),
    "negative temperature": (
        {"energy": "energy = 1\ntemperature = -4"},
        ["calculation.temperature: -4", "0 or more", "K"],
    ),
    "unknown kind": (
        {"kind": 'kind = "spinvalve"'},
        ['calculation.kind: "spinvalve" is not a calculation', '"spin_valve"'],
    ),
    "kind is a number": ({"kind": "kind = 3"}, ["calculation.kind"]),
    "kind is a path": ({"kind": 'kind = "../card"'}, ["is not a calculation"]),
    "no kind": ({"kind": None}, ["calculation.kind: missing"]),
    "no calculation": (
        {"calculation": None, "kind": None, "energy": None, "mesh": None},
        ["calculation: missing"],
    ),
    "unknown builder": ({"builder": 'builder = "stak"'}, ["system.builder", '"stack"']),
    "builder is a number": ({"builder": "builder = 4"}, ["system.builder"]),
    "cross-section": (
        {"cross_section": 'cross_section = "open"'},
        ['system.cross_section: "open" is not a cross-section', "[W_y, W_z]"],
    ),
    "cross-section of nothing": ({"cross_section": "cross_section = [0, 3]"}, ["cross_section"]),
    "too large": ({"cross_section": "cross_section = [9999, 9999]"}, ["system: it has", "sites"]),
    "a unit in the value": (
        {"energy": 'energy = "2.2 eV"'},
        ['calculation.energy: "2.2 eV" cannot be used. Give a number, in eV'],
    ),
    "zero direction": (
        {"name1": 'name = "fixed"\ndirection = [0, 0, 0]'},
        ["system.layers[0].direction: [0, 0, 0] has no direction"],
    ),
    "direction of two": (
        {"name1": 'name = "fixed"\ndirection = [0, 1]'},
        ["system.layers[0].direction"],
    ),
    "not hermitian": (
        {"thickness2": "thickness = 3\nonsite = [[0, 1], [2, 0]]"},
        ["system.layers[1].onsite", "not hermitian"],
    ),
    "not square": (
        {"thickness2": "thickness = 3\nonsite = [[0, 1]]"},
        ["system.layers[1].onsite", "square"],
    ),
    "text in a matrix": (
        {"thickness2": 'thickness = 3\nonsite = [[0, 1], [1, "a"]]'},
        ['system.layers[1].onsite[1][1]: "a"'],
    ),
    "texture kind": (
        {"name1": 'name = "fixed"\ntexture = {kind = "vortex"}'},
        ["system.layers[0].texture", "spiral", "sampled"],
    ),
    "texture too short": (
        {"name1": 'name = "fixed"\ntexture = {kind = "sampled", vectors = [[0, 0, 1]]}'},
        ["4 atomic layers", "texture"],
    ),
    "layers is a table": (
        {
            "layer1": "[system.layers]",
            "layer2": None,
            "thickness2": None,
            "layer3": None,
            "name3": None,
            "thickness3": None,
            "exchange3": None,
        },
        ["system.layers"],
    ),
    "system is a number": (
        {
            "system": "system = 3",
            "builder": None,
            "cross_section": None,
            "layer1": "[[layers]]",
            "layer2": None,
            "thickness2": None,
            "layer3": None,
            "name3": None,
            "thickness3": None,
            "exchange3": None,
        },
        ["system: a table is expected"],
    ),
    "unknown magnet": (
        {"energy": 'energy = 1\nfree = "fre"'},
        ['calculation.free: no layer with exchange is named "fre". Did you mean "free"?'],
    ),
    "one magnet twice": ({"energy": 'energy = 1\nfree = "fixed"'}, ["Name two magnets"]),
    "angle": ({"energy": "energy = 1\nangles = [0, 200]"}, ["calculation.angles", "200"]),
    "angle twice": ({"energy": "energy = 1\nangles = [3, 3]"}, ["calculation.angles", "twice"]),
    "solver": (
        {"system": '[output]\nexport = ["mumax4"]\n[system]'},
        ["output.export", '"mumax3"'],
    ),
    "format": ({"system": '[output]\nfigures = ["gif"]\n[system]'}, ["output.figures[0]", "png"]),
    "llg": (
        {"system": "[llg]\nsaturation_magnetisation = 0\n[system]"},
        ["llg.saturation_magnetisation: 0", "llg.cell_area: missing", "nm^2"],
    ),
}


@pytest.mark.parametrize(("changes", "words"), INVALID.values(), ids=INVALID.keys())
def test_invalid_cards_name_key_value_and_remedy(changes, words):
    text = message(valve(**changes))
    for word in words:
        assert word in text
    assert "Traceback" not in text and "pydantic" not in text


def test_everything_wrong_is_told_at_once_in_the_order_of_the_lines():
    text = message(valve(thickness1="thickness = 0", exchange3="exchnge = 1", energy="energy = []"))
    lines = text.splitlines()
    assert len(lines) == 3
    assert [line.split(":")[0] for line in lines] == [
        "system.layers[0].thickness",
        "system.layers[2].exchnge",
        "calculation.energy",
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a = \n", ["not valid TOML", "line 1"]),
        ("[calculation]\nkind = 'probe'\nkind = 'probe'\n", ["not valid TOML", "line 3"]),
        ("a = " + "[" * 5000 + "]" * 5000, ["valve.toml"]),
        ("", ["calculation: missing"]),
        ("x = 9" + "9" * 5000, ["valve.toml"]),
        (PROBE + "[system]\nbuilder = 'stack'\n", ["takes no system"]),
    ],
    ids=["syntax", "twice", "nested", "empty", "digits", "no system wanted"],
)
def test_texts_that_are_no_cards(text, words):
    found = message(text)
    for word in words:
        assert word in found


def test_missing_file_directory_and_other_encodings(tmp_path):
    with pytest.raises(CardError, match="there is no file"):
        cards.load(tmp_path / "none.toml")
    with pytest.raises(CardError, match="cannot be read"):
        cards.load(tmp_path)
    (tmp_path / "latin.toml").write_bytes("# é".encode("latin-1"))
    with pytest.raises(CardError, match="UTF-8"):
        cards.load(tmp_path / "latin.toml")


def test_hash_sees_numbers_and_no_layout():
    card = cards.parse(valve())
    layout = "# a comment\n" + valve(energy="energy   =  -2.20", cross_section=None)
    assert cards.parse(layout).hash == card.hash
    assert cards.parse("[output]\ndpi = 99\n" + valve()).hash == card.hash
    assert cards.parse(valve(energy="energy = -2.3")).hash != card.hash


# --- Python builders -------------------------------------------------------------------------

CODE = valve(
    builder='builder = "own.py:make"',
    **{
        name: None
        for name in (
            "cross_section",
            "layer1",
            "name1",
            "thickness1",
            "exchange1",
            "layer2",
            "thickness2",
            "layer3",
            "name3",
            "thickness3",
            "exchange3",
        )
    },
)


def test_python_runs_only_when_allowed(tmp_path):
    (tmp_path / "own.py").write_text("raise SystemExit('this ran')\n")
    path = tmp_path / "own.toml"
    path.write_text(CODE)
    with pytest.raises(CardError, match="--allow-code"):
        cards.load(path)
    card = cards.load(path, allow_code=True)  # read, not run
    assert card.code == {"own.py": "raise SystemExit('this ran')\n"}
    before = card.hash
    (tmp_path / "own.py").write_text("pass\n")
    assert cards.load(path, allow_code=True).hash != before


@pytest.mark.parametrize("name", ["../own.py", "/etc/own.py", "sub/../../own.py", "link.py"])
def test_python_outside_the_cards_folder_is_refused(tmp_path, name):
    folder = tmp_path / "cards"
    (folder / "sub").mkdir(parents=True)
    (tmp_path / "own.py").write_text("")
    (folder / "link.py").symlink_to(tmp_path / "own.py")
    path = folder / "own.toml"
    path.write_text(CODE.replace("own.py", name))
    with pytest.raises(CardError, match="outside the card's folder"):
        cards.load(path, allow_code=True)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("import nowhere_to_be_found\n", "cannot be imported: ModuleNotFoundError"),
        ("def mke(): pass\n", "no function 'make'; it defines mke"),
        ("def make(): return 3\n", "returned int"),
        ("def make():\n    return 1 / 0\n", r"failed: ZeroDivisionError.*line 2 of own.py"),
    ],
)
def test_faults_of_a_users_builder_are_wrapped(tmp_path, code, words):
    (tmp_path / "own.py").write_text(code)
    (tmp_path / "own.toml").write_text(CODE)
    card = cards.load(tmp_path / "own.toml", allow_code=True)
    with pytest.raises(ValueError, match=words):
        card.build()


# --- the whole space of inputs -----------------------------------------------------------------

NAMES = st.sampled_from(
    [
        "system",
        "calculation",
        "llg",
        "output",
        "layers",
        "kind",
        "builder",
        "thickness",
        "energy",
        "texture",
        "left",
        "angles",
        "mesh",
        "onsite",
        "cross_section",
        "export",
        "x",
        "",
        "a.b",
        "é",
    ]
)
VALUES = st.recursive(
    st.one_of(
        st.booleans(),
        st.integers(-(2**70), 2**70),
        st.floats(),
        st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
        st.sampled_from(["stack", "spin_valve", "probe", "periodic", "spiral", "a.py:f", "../x:y"]),
        st.dates(),
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(NAMES, inner, max_size=4)),
    max_leaves=12,
)
SLOW = settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))


@SLOW
@given(data=st.dictionaries(NAMES, VALUES, max_size=5))
def test_any_toml_is_a_card_or_a_list_of_problems(data):
    text = tomli_w.dumps(data)
    _card_or_problems(text)


@SLOW
@given(text=st.text(max_size=80), cut=st.integers(0, 400))
def test_any_text_is_a_card_or_a_list_of_problems(text, cut):
    _card_or_problems(text)
    whole = valve()
    _card_or_problems(whole[:cut] + text + whole[cut:])


@SLOW
@given(
    table=st.sampled_from(["system", "calculation"]),
    index=st.integers(0, 2),
    name=NAMES,
    value=VALUES,
)
def test_any_value_in_a_good_card_is_taken_or_told(table, index, name, value):
    data = tomllib.loads(valve())
    (data[table] if table == "calculation" else data[table]["layers"][index])[name] = value
    _card_or_problems(tomli_w.dumps(data))


def _card_or_problems(text):
    try:
        card = cards.parse(text, "fuzz.toml", allow_code=True)
    except CardError as error:
        assert error.problems
        assert all(problem.message for problem in error.problems)
    else:
        assert cards.parse(card.toml()).hash == card.hash


@SLOW
@given(
    data=st.dictionaries(
        st.text(st.characters(exclude_categories=["Cs"]), max_size=6), VALUES, max_size=5
    )
)
def test_every_key_of_any_toml_has_its_line(data):
    text = tomli_w.dumps(data, multiline_strings=True)
    lines = key_lines(text)
    rows = text.replace("\r\n", "\n").split("\n")

    def visit(value, path):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for part, inner in items:
            assert (*path, part) in lines
            assert 1 <= lines[(*path, part)] <= len(rows)
            if isinstance(inner, dict | list):
                visit(inner, (*path, part))

    visit(tomllib.loads(text), ())


def test_ready_cards_are_valid_and_have_titles():
    from negf_torque.study.catalogue import ready_cards

    entries = ready_cards(TOP / "systems")
    assert entries
    for entry in entries:
        assert entry.title and entry.kind
        cards.load(entry.path, allow_code=True)


def test_kinds_without_impurities_refuse_them_and_the_tables_must_be_lists():
    for table in ("[[impurities]]", "[disorder]"):
        text = message(PROBE + table + "\n")
        assert 'the calculation "probe" knows no impurities' in text
        assert table.strip("[]") in text and "line 3" in text
    assert "Write [[impurities]]" in message(PROBE + "[impurities]\nconcentration = 0.1\n")


def test_impurities_are_part_of_the_card_and_of_its_hash(monkeypatch):
    from negf_torque.study.impurities import DisorderTable

    monkeypatch.setattr(cards.calculation_module("probe"), "READS_IMPURITIES", True, raising=False)
    plain = cards.parse(PROBE, "probe.toml")
    assert plain.impurities == () and plain.disorder is None
    card = cards.parse(PROBE + "[disorder]\n", "probe.toml")
    assert card.disorder == DisorderTable()
    assert card.hash != plain.hash
    assert cards.parse(card.toml(), "probe.toml") == card
    assert "impurities[0].colour: no such key" in message(PROBE + "[[impurities]]\ncolour = 1\n")
