"""Every word of the pages has its Russian one, and the compiled catalogue is the written one."""
import io
import re
import subprocess
from pathlib import Path

import pytest
from babel.messages import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po

ROOT = Path(__file__).parents[2]
RUSSIAN = ROOT / "translations/ru/LC_MESSAGES/messages.po"
PLACE = re.compile(r"%\(\w+\)s")
REMEDY = "run `bin/translations update`, write the Russian, run `bin/translations compile`"


@pytest.fixture(scope="module")
def words() -> set[str]:
    """Every sentence that the sources hold for people."""
    with open(ROOT / "babel.cfg") as file:
        methods, options = parse_mapping_cfg(file)
    found: set[str] = set()
    for _, _, message, _, _ in extract_from_dir(
            ROOT, methods, options, keywords={"_": None, "N_": None, "gettext": None, "ngettext": (1, 2)},
            directory_filter=lambda folder: not Path(folder).name.startswith((".", "node_modules", "var"))):
        found |= {message} if isinstance(message, str) else set(message[:1])
    assert len(found) > 300
    return found


@pytest.fixture(scope="module")
def russian() -> Catalog:
    with RUSSIAN.open("rb") as file:
        return read_po(file, locale="ru")


def test_every_sentence_is_translated(words: set[str], russian: Catalog) -> None:
    missing = sorted(word for word in words if word not in russian or not russian[word].string)
    assert not missing, f"{REMEDY}: {missing}"
    assert not [one.id for one in russian if one.fuzzy and one.id], "decide what is fuzzy"


def test_nothing_is_translated_that_is_nowhere_said(words: set[str], russian: Catalog) -> None:
    left = sorted(str(one.id) for one in russian if one.id and one.id not in words)
    assert not left, f"{REMEDY}: {left}"


def test_translations_keep_the_places_for_values(russian: Catalog) -> None:
    wrong = [one.id for one in russian if one.id and isinstance(one.id, str)
             and sorted(PLACE.findall(one.id)) != sorted(PLACE.findall(str(one.string)))]
    assert not wrong, f"a value would be lost: {wrong}"


def test_the_compiled_catalogue_is_fresh(russian: Catalog) -> None:
    with RUSSIAN.with_suffix(".mo").open("rb") as file:
        compiled = {one.id: one.string for one in read_mo(file) if one.id}
    assert compiled == {one.id: one.string for one in russian if one.id}, REMEDY


def test_the_script_extracts_the_same(words: set[str]) -> None:
    said = subprocess.run(["bin/translations", "extract"], cwd=ROOT, capture_output=True, check=True).stdout
    assert {one.id for one in read_po(io.BytesIO(said)) if one.id} == words
