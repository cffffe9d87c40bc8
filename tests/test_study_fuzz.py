"""Nonsense as cards, items and results: never a traceback, never a hang, always a message.

`FUZZ=50000 pytest tests/test_study_fuzz.py` runs more of it; `make faults` does.
"""

import copy
import json
import os
import random
import shutil
import tomllib

import pytest
import tomli_w
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from study_helpers import PROBE, TOP, know_probe, valve

from negf_torque.study import card as cards
from negf_torque.study import run, store
from negf_torque.study.differences import differences
from negf_torque.study.errors import CardError, StoreError
from negf_torque.study.packed import DamagedError, unpack
from negf_torque.study.report import report

#: Inputs of each test, and how many of them hypothesis gives under one seed.
MANY, EACH = int(os.environ.get("FUZZ", "2000")), 20
HARD = settings(
    max_examples=max(1, MANY // EACH),
    deadline=None,
    suppress_health_check=list(HealthCheck),
    database=None,
    derandomize="FUZZ" not in os.environ,
)
READY = [path.read_text() for path in sorted((TOP / "systems").glob("*.toml"))]
TEXTS = [valve(), valve(energy="energy = {linspace = [-2, -1, 3]}"), PROBE, *READY]

SCALARS = [
    True, False, 0, 1, -1, 3, 2**63, -(2**70), 10**9, 1.5, -2.25, 1e308, 5e-324, float("nan"),
    float("inf"), "", "a", "stack", "../../etc/passwd", "x.py:f", "../x.py:f", "/etc/passwd:f",
    "\0", "é\u202e", "born", "periodic", "x" * 300,
]  # fmt: skip
WORDS = ["linspace", "logspace", "values", "kind", "a", "", "builder", "energy", "zip", "average"]


def value(chance, depth=2):
    """Any value that a card could hold, and some that it could not."""
    pick = chance.random()
    if depth and pick < 0.2:
        return [value(chance, depth - 1) for _ in range(chance.randrange(5))]
    if depth and pick < 0.35:
        return {chance.choice(WORDS): value(chance, depth - 1) for _ in range(chance.randrange(3))}
    if pick < 0.5:
        return {chance.choice(WORDS[:3]): [chance.choice(SCALARS[:14]) for _ in range(3)]}
    return chance.choice(SCALARS) if pick < 0.9 else chance.uniform(-10, 10)


@pytest.fixture(autouse=True)
def probe(monkeypatch):
    know_probe(monkeypatch)


def harmless(text):
    """A text is a card, or every one of its problems is told with a key or place."""
    try:
        cards.parse(text, "fuzz.toml")
    except CardError as error:
        assert error.problems
        for line in str(error).splitlines():
            assert "Traceback" not in line
        for problem in error.problems:
            assert problem.path or problem.line or "card" in str(error)


def places(data, path=()):
    """Every place in nested tables and lists."""
    if isinstance(data, dict | list):
        items = data.items() if isinstance(data, dict) else enumerate(data)
        for part, inner in items:
            yield (*path, part)
            yield from places(inner, (*path, part))


PARSED = [tomllib.loads(text) for text in TEXTS]


@HARD
@given(seed=st.integers(0, 2**64))
def test_cards_with_any_value_at_any_key(seed):
    chance = random.Random(seed)
    for _ in range(EACH):
        tables = copy.deepcopy(chance.choice(PARSED))
        for _ in range(chance.randrange(1, 4)):
            path = chance.choice(list(places(tables)) or [None])
            if path is None:
                break
            place = tables
            for part in path[:-1]:
                place = place[part]
            action = chance.choice(["put", "put", "remove", "add"])
            if action == "remove":
                del place[path[-1]]
            elif action == "add" and isinstance(place, dict):
                place[chance.choice([*WORDS, "\n", '"', "é"])] = value(chance)
            else:
                place[path[-1]] = value(chance)
        try:
            text = tomli_w.dumps(tables)
        except (TypeError, ValueError, OverflowError):  # nothing that TOML can hold
            continue
        harmless(text)


@HARD
@given(seed=st.integers(0, 2**64))
def test_cards_with_any_characters_changed(seed):
    chance = random.Random(seed)
    for _ in range(EACH):
        text = chance.choice(TEXTS)
        for _ in range(chance.randrange(1, 5)):
            at = chance.randrange(len(text) + 1)
            new = "".join(chance.choice("[]{}=\"'.,\n #_-+e0129azé\0") for _ in range(4))
            text = text[:at] + new[: chance.randrange(5)] + text[at + chance.randrange(20) :]
        harmless(text)


@HARD
@given(st.text(max_size=200))
def test_any_text_as_a_card(text):
    harmless(text)


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        "a = " + "[" * 10_000 + "]" * 10_000,
        "a = " + "{b = " * 5_000 + "1" + "}" * 5_000,
        ".".join("a" * 20_000) + " = 1",
        "a = " + "9" * 100_000,
        '[calculation]\nkind = "' + "x" * 1_000_000 + '"\n',
        PROBE + "number = [" + "1, " * 200_000 + "1]\npoints = 0\n",
    ],
    ids=["brackets", "lists", "tables", "dots", "digits", "long", "many"],
)
def test_cards_made_to_exhaust_the_reader(text):
    harmless(text)


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        know_probe(patch)
        directory = tmp_path_factory.mktemp("good")
        card = cards.parse(PROBE + "points = [1, 2]\n[output]\nfigures = []\n", "probe.toml")
        run.execute(card, directory, executor="serial")
    return directory


@settings(HARD, max_examples=max(50, MANY // 40))
@given(seed=st.integers(0, 2**64))
def test_any_summary_is_read_or_refused(good, tmp_path_factory, seed):
    """Entries of any type: the loaders refuse what they cannot use, and show what they can."""
    chance = random.Random(seed)
    summary = json.loads((good / "summary.json").read_text())
    path = chance.choice(list(places(summary)))
    place = summary
    for part in path[:-1]:
        place = place[part]
    place[path[-1]] = value(chance)
    directory = tmp_path_factory.mktemp("summary") / "r"
    shutil.copytree(good, directory)
    try:
        text = json.dumps(summary)
    except ValueError:
        return
    (directory / "summary.json").write_text(text)
    for read in (store.load, report, lambda one: differences(one, one)):
        try:
            read(directory)
        except (StoreError, CardError) as error:
            assert str(error)
    shutil.rmtree(directory.parent)


@settings(HARD, max_examples=max(100, MANY // 10))
@given(st.binary(max_size=300), st.booleans(), st.integers(0, 10**8 - 1))
def test_any_bytes_as_an_item(content, sealed, length):
    import hashlib

    if sealed:  # with a right checksum the header decides
        content = b"%08d\n" % length + content
        content = b"NEGF-ITEM 1\n" + hashlib.sha256(content).hexdigest().encode() + content
    with pytest.raises(DamagedError):
        unpack(content)


@settings(HARD, max_examples=max(100, MANY // 10))
@given(seed=st.integers(0, 2**64))
def test_any_header_as_an_item(seed):
    import hashlib

    chance = random.Random(seed)
    header = {name: value(chance, 4) for name in ("facts", "attrs", "variables", "layout")}
    if chance.random() < 0.5:
        header |= {"facts": {}, "attrs": {}, "variables": {"a": [value(chance) for _ in range(5)]}}
    try:
        text = json.dumps(header).encode()
    except ValueError:
        return
    content = b"%08d\n" % len(text) + text
    content = b"NEGF-ITEM 1\n" + hashlib.sha256(content).hexdigest().encode() + content
    try:
        packed = unpack(content)
    except DamagedError as error:
        assert str(error)
    else:
        assert packed.variables == {} or all(v.values.size == 0 for v in packed.variables.values())


def test_nothing_here_unpickles_or_evaluates():
    import ast

    for path in (TOP / "negf_torque").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not {"pickle", "dill", "cloudpickle", "marshal", "shelve"} & set(names), path
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                assert node.func.id not in ("eval", "exec"), path


@pytest.mark.parametrize("name", ["../x.py:f", "/tmp/x.py:f", "a/../../x.py:f", "link/x.py:f"])
def test_paths_in_a_card_cannot_leave_its_folder(tmp_path, name):
    folder = tmp_path / "cards"
    folder.mkdir()
    for place in (tmp_path / "x.py", tmp_path / "elsewhere" / "x.py"):
        place.parent.mkdir(exist_ok=True)
        place.write_text("raise SystemExit('code ran')")
    (folder / "link").symlink_to(tmp_path / "elsewhere")
    text = f'[system]\nbuilder = "{name}"\n[calculation]\nkind = "torque"\nenergy = 0\n'
    with pytest.raises(CardError, match="outside the card's folder"):
        cards.parse(text, folder / "x.toml", allow_code=True)


def test_numbers_as_good_as_zero_are_told():
    text = (TOP / "systems/nanopillar.toml").read_text()
    given = "size = [100, 60, 3]"
    assert given in text
    with pytest.raises(CardError, match="calculation: cannot be checked"):
        cards.parse(text.replace(given, "size = [100, 60, 5e-324]"))
