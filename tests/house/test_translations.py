"""Every word of the pages has its Russian one, and the compiled catalogue is the written one."""
import ast
import io
import re
import subprocess
from pathlib import Path

import pytest
from babel.messages import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po
from babel.util import pathmatch

from translations import sentences

ROOT = Path(__file__).parents[2]
RUSSIAN = ROOT / "translations/ru/LC_MESSAGES/messages.po"
PLACE = re.compile(r"%\(\w+\)s")
REMEDY = "run `bin/translations update`, write the Russian, run `bin/translations compile`"


def said(message: Message) -> str:
    """What stands for a sentence: itself, or its singular where it counts something."""
    return str(message.id if isinstance(message.id, str) else message.id[0])


def forms(message: Message) -> tuple[str, ...]:
    """Its Russian: one sentence, or one for each kind of number (1 ордер, 2 ордера, 5 ордеров)."""
    return (message.string,) if isinstance(message.string, str) else tuple(message.string)


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
    written = {said(one) for one in russian if all(forms(one)) and len(forms(one)) == (1 if one.id == said(one) else 3)}
    missing = sorted(words - written)
    assert not missing, f"{REMEDY}: {missing}"
    assert not [one.id for one in russian if one.fuzzy and one.id], "decide what is fuzzy"


def test_nothing_is_translated_that_is_nowhere_said(words: set[str], russian: Catalog) -> None:
    left = sorted(said(one) for one in russian if one.id and said(one) not in words)
    assert not left, f"{REMEDY}: {left}"


def test_translations_keep_the_places_for_values(russian: Catalog) -> None:
    wrong = [one.id for one in russian if one.id for form in forms(one)
             if sorted(PLACE.findall(said(one))) != sorted(PLACE.findall(form))]
    assert not wrong, f"a value would be lost: {wrong}"


def test_an_order_is_no_application(russian: Catalog) -> None:
    """Notices, the desk and tariffs called it “заявка”, which is what people join with; all else calls it “ордер”."""
    astray = [said(message) for message in russian if re.search(r"\border", said(message), re.IGNORECASE)
              and any(re.search("заяв[ок]", form, re.IGNORECASE) for form in forms(message))]
    assert astray == []


def test_the_compiled_catalogue_is_fresh(russian: Catalog) -> None:
    with RUSSIAN.with_suffix(".mo").open("rb") as file:
        compiled = {(one.context and one.context.decode(), said(one)): forms(one)  # Babel leaves it in bytes
                    for one in read_mo(file) if one.id}
    assert compiled == {(one.context, said(one)): forms(one) for one in russian if one.id}, REMEDY


def test_the_script_extracts_the_same(words: set[str]) -> None:
    found = subprocess.run(["bin/translations", "extract"], cwd=ROOT, capture_output=True, check=True).stdout
    assert {said(one) for one in read_po(io.BytesIO(found)) if one.id} == words


def test_sentences_are_said_in_one_piece():
    """One that is put together from values is in no catalogue: nobody reads it but in English."""
    methods, _ = parse_mapping_cfg(io.StringIO((ROOT / "babel.cfg").read_text()))
    silent = [pattern for pattern, method in methods if method == "ignore"]
    guilty = [f"{path.relative_to(ROOT)}:{node.lineno}" for path in sorted((ROOT / "portal").rglob("*.py"))
              if not any(pathmatch(pattern, str(path.relative_to(ROOT))) for pattern in silent)
              for node in ast.walk(ast.parse(path.read_bytes())) if put_together(node)]
    assert not guilty, f"%(places)s in the sentence and its values beside it, as FieldError has them: {guilty}"


@pytest.mark.parametrize(("source", "found"), [
    ('FieldError("/a", "b", f"At most {n}.")', True), ('Denied("No " + name)', True), ('BadAmount("At %s" % n)', True),
    ('gettext(f"Hello {name}")', True), ('ValueError("At most {}".format(n))', True), ('N_("One " "piece")', False),
    ('FieldError(f"/{at}", "b", "At most %(n)s.", {"n": 1})', False), ('FieldError("/a", "b", said)', False)])
def test_put_together_is_known_by_its_shape(source, found):
    assert any(put_together(node) for node in ast.walk(ast.parse(source))) is found


def put_together(node: ast.AST) -> bool:
    """A call that says a sentence, whose sentence is made of pieces here."""
    said = sentences.argument(node)
    return isinstance(said, ast.JoinedStr | ast.BinOp) or (
        isinstance(said, ast.Call) and isinstance(said.func, ast.Attribute) and said.func.attr == "format")
