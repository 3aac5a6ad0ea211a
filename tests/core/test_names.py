"""Names, addresses and ids: what cannot be seen or told apart is refused, spellings of one thing are one."""
import unicodedata

import pytest
import sqlalchemy as sa
from hypothesis import example, given
from hypothesis import strategies as st

from portal.core import names
from portal.core.commands import Command, bind
from portal.core.db import reader
from portal.core.errors import Invalid

TEXT = st.text(max_size=40)
PLAIN = ("Anna Ivanova", "Анна Иванова", "ООО «Ромашка-Trade»", "Jean-Luc O'Neill", "José Ñuñez", "Nguyễn Thị Hà",
         "佐藤 花子", "東京Tower", "ソニー・Music", "Παπαδόπουλος", "1С:Бухгалтерия", "محمد علی", "می‌خواهم", "अनुपम",
         "क्‍ष", "Shop № 5 (2nd)", "Łódź", "Магазин Alpha", "Нұрсұлтан", "Ғанижон Ўғли", "Ґалаґан Мар'яна", "Знамʼянка",
         "ÅSA™", "İbrahim", "😀 Shop")
UNSEEN = ("Anna\u200bIvanova", "Anna\u202eavonavI", "Anna\u2066x\u2069", "\ufeffAnna", "An\u00adna", "Anna\u0000",
          "A\nB", "Anna\u3164", "Anna\u115f", "A\u034fnna", "Anna\ufe0f", "Anna\u2800", "Anna\U000e0041", "Anna\ue000",
          "a\u200db", "Anna\u061c", "Anna\u2028B", "\u200cمحمد")
MIXED = ("Аnna", "Ivаnova", "Рayments", "Ромaшка", "Οzon", "bаnk", "Anna Ивaнова", "ᎪNNA", "Раypal 24", "аbс12")


class Named(Command):
    name: names.Name


class Addressed(Command):
    email: names.Email


@pytest.mark.parametrize("text", PLAIN)
def test_names_of_the_world_are_taken(text):
    assert Named(name=text).name == unicodedata.normalize("NFC", text)


@pytest.mark.parametrize(("text", "code"), [*((text, "invisible_character") for text in UNSEEN),
                                            *((text, "mixed_alphabets") for text in MIXED)])
def test_what_nobody_sees_or_tells_apart_is_refused_at_its_field(text, code):
    with pytest.raises(Invalid) as caught:
        bind(Named, {"name": text})
    assert [(wrong.field, wrong.code) for wrong in caught.value.fields] == [("/name", code)]


def test_a_name_is_kept_tidy_and_none_of_blanks():
    assert Named(name=" Anna \u00a0 Ivanova\u3000").name == "Anna Ivanova"
    with pytest.raises(Invalid):
        bind(Named, {"name": "\u2003 "})


@pytest.mark.parametrize("spelt", ["ПЁТР  Алёшин", "петр алешин", " Петр\u00a0Алешин ", "Пе\u0308тр Але\u0308шин",
                                   "ПЕ\u0308ТР АЛЕ\u0308ШИН", "Пётр\u200b Алёшин"])
def test_one_person_is_one_however_spelt(spelt):
    assert names.canonical(spelt) == "петр алешин"


@pytest.mark.parametrize(("one", "other"), [
    ("Ａｎｎａ", "anna"), ("O’Neill", "o'neill"), ("OʼNeill", "O‘NEILL"), ("WEIẞ", "weiß"), ("Weiß", "WEISS"),
    ("Jean–Luc", "jean-luc"), ("ﬁne", "FINE"), ("STRASSE", "straße"),
    ("İbrahim", "ibrahim"), ("«Alpha»", '"alpha"'), ("Σίσυφος", "ΣΊΣΥΦΟΣ"), ("２２", "22"), ("й", "и\u0306")])
def test_spellings_of_one_name_compare_equal(one, other):
    assert names.canonical(one) == names.canonical(other)


def test_other_names_stay_other():
    assert len({names.canonical(text) for text in PLAIN}) == len(PLAIN)


@given(TEXT)
@example("ǰ\u0323")
@example("´´")
@example("ᾳ\u0300")
def test_the_form_of_a_form_is_itself(text):
    form = names.canonical(text)
    assert names.canonical(form) == form
    assert names.canonical(names.tidy(text)) == form


@given(TEXT)
def test_what_is_taken_has_nothing_unseen_and_stays_taken(text):
    try:
        kept = names.name(text)
    except ValueError:
        return
    assert names.name(kept) == kept
    assert not names.has_unseen(kept)
    assert names.canonical(kept) or not kept


@given(TEXT)
def test_cleaning_leaves_nothing_unseen_behind(text):
    assert not names.has_unseen(names.without_unseen(names.without_unseen(text)))


@pytest.mark.parametrize("text", ["order-1", "Заказ 7", "заказ7X", "a b", "№7/12", "ÄÖ", "{[;'"])
def test_ids_are_taken_as_they_are(text):
    assert names.plain_id(text) == text


@pytest.mark.parametrize("text", [" order-1", "order-1\u00a0", "\torder", "оrder-1", "or\u200bder", "\u202e1-redro"])
def test_ids_that_look_like_another_are_refused(text):
    with pytest.raises(ValueError):
        names.plain_id(text)


@pytest.mark.parametrize(("typed", "kept"), [
    ("Anna@Shop.Example", "anna@shop.example"), (" a@b.example ", "a@b.example"), ("ａ@b.example", "a@b.example"),
    ("почта@пример.рф", "почта@пример.рф"), ("a@xn--e1afmkfd.xn--p1ai", "a@пример.рф"), ("a@ПРИМЕР.РФ", "a@пример.рф"),
    ("a@bücher.example", "a@bücher.example"), ("a@localhost", "a@localhost"), ("a+tag.x@b.co", "a+tag.x@b.co")])
def test_an_address_has_one_form(typed, kept):
    assert Addressed(email=typed).email == kept
    assert names.email_sought(typed) == kept


@pytest.mark.parametrize("typed", [
    "аdmin@shop.example", "admin@shоp.example", "admin@xn--shp-7cd.example", "a\u200b@b.example",
    "a@b@c.example", "a", "@b.example", "a@", "a@.example", "a@b..example",
    "a b@c.example", "a@b c", "a" * 65 + "@b.example", "a@" + "b" * 64 + ".example",
    "\u202ea@b.example", "a@xn--\u00e4.example", "a@b.example."])
def test_addresses_that_are_none_or_look_like_another_are_refused(typed):
    with pytest.raises(Invalid):
        bind(Addressed, {"email": typed})


@given(TEXT, TEXT)
def test_no_address_makes_an_error_of_ours(local, domain):
    text = f"{local}@{domain}"
    try:
        kept = names.email(text)
    except ValueError:
        kept = None
    assert kept is None or names.email(kept) == kept
    assert isinstance(names.email_sought(text), str)


def test_lists_are_sorted_as_readers_sort(app) -> None:
    """By bytes, Ёлка stood behind Яблоко, and apple behind Zebra."""
    words = ["яблоко", "Zebra", "ёлка", "Ель", "Ёж", "apple", "Äpfel", "ежевика", "Apricot", "Жук", "Йод", "Ирис", "Яя",
             "иЯ", "Кот", "mint", "1С", "Éclair", "ＦＵＬＬ"]
    rows = sa.values(sa.column("word", sa.Text), name="words").data([(word,) for word in words])
    found = reader().scalars(sa.select(rows.c.word).order_by(names.in_order(rows.c.word))).all()
    assert found == ["1С", "Äpfel", "apple", "Apricot", "Éclair", "ＦＵＬＬ", "mint", "Zebra", "Ёж", "ежевика", "ёлка",
                     "Ель", "Жук", "Ирис", "иЯ", "Йод", "Кот", "яблоко", "Яя"]
    assert sorted(words, key=names.order_key) == found, "here as in the database"
