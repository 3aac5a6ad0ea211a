"""What a number must look like: by its network, its country and its currency, in one spelling."""
import pytest

from portal.core.errors import Invalid
from portal.reference.accounts import country_of, fits, is_picture
from portal.reference.validators import check, spellings


@pytest.mark.parametrize(("validator", "currency", "typed", "kept"), [
    ("card", "RUB", "4242 4242 4242 4242", "4242424242424242"),
    ("card", "RUB", "4242-4242-4242-4242", "4242424242424242"),
    ("card", "RUB", "4222222222222", "4222222222222"),
    ("card", "CNY", "6212345678900000003", "6212345678900000003"),
    ("card", "UZS", "8600 1234 5678 9012", "8600123456789012"),
    ("phone", "RUB", "8 (900) 123-45-67", "+79001234567"),
    ("phone", "RUB", "+7 900 123 45 67", "+79001234567"),
    ("phone", "RUB", "79001234567", "+79001234567"),
    ("phone", "RUB", "9001234567", "+79001234567"),
    ("phone", "UZS", "90 123 45 67", "+998901234567"),
    ("phone", "RUB", "+994501234567", "+994501234567"),
    ("phone", "KWD", "50012345", "+96550012345"),
    ("account", "RUB", "40817810099910004312", "40817810099910004312"),
    ("account", "RUB", "40817.810.0.99910004312", "40817810099910004312"),
    ("account", "KZT", "kz86 125k zt50 0410 0100", "KZ86125KZT5004100100"),
    ("account", "MXN", "002 010 07777777777 1", "002010077777777771"),
    ("iban", "EUR", "DE89 3704 0044 0532 0130 00", "DE89370400440532013000"),
    ("clabe", "MXN", "032180000118359719", "032180000118359719"),
    ("upi", "INR", " Asha.Rao@OkHDFC ", "asha.rao@okhdfc"),
    ("pix", "BRL", "529.982.247-25", "52998224725"),
    ("pix", "BRL", "11.222.333/0001-81", "11222333000181"),
    ("pix", "BRL", "(11) 98765-4321", "+5511987654321"),
    ("pix", "BRL", "Ana@Example.com", "ana@example.com"),
    ("pix", "BRL", "123E4567-E12B-12D1-A456-426655440000", "123e4567-e12b-12d1-a456-426655440000"),
])
def test_one_number_has_one_spelling(validator, currency, typed, kept):
    assert check(validator, typed, currency=currency) == kept


@pytest.mark.parametrize(("validator", "currency", "typed"), [
    ("card", "RUB", "4242424242424241"), ("card", "RUB", "42424242"), ("card", "RUB", "0" * 16),
    ("card", "RUB", "٤٢٤٢٤٢٤٢٤٢٤٢٤٢٤٢"), ("card", "RUB", "4242424242424242\n"), ("card", "RUB", "1234567812345670"),
    ("phone", "RUB", "123"), ("phone", "RUB", "+0123456789"), ("phone", "RUB", "nine"),
    ("phone", "RUB", "+70001234567"),
    ("phone", "RUB", "+7 900 FLOWERS"), ("phone", "USDT", "9001234567"),
    ("account", "RUB", "4081781009991000431"), ("account", "RUB", "408178100999100043121"),
    ("account", "RUB", "0" * 20),
    ("account", "RUB", "40817840099910004312"), ("account", "KZT", "KZ86125KZT5004100101"),
    ("account", "RUB", "KZ86125KZT5004100100"), ("account", "INR", "12345"),
    ("iban", "EUR", "DE89370400440532013001"), ("iban", "EUR", "DE8937040044053201300"), ("iban", "RUB", "XX00"),
    ("iban", "UAH", "DE89370400440532013000"),
    ("clabe", "MXN", "032180000118359718"), ("clabe", "MXN", "0" * 18),
    ("upi", "INR", "asha"), ("upi", "INR", "a b@ok"), ("pix", "BRL", "529.982.247-24"),
    ("pix", "BRL", "111.111.111-11"),
    ("pix", "BRL", "11.222.333/0001-82"), ("pix", "BRL", "key"),
])
def test_what_is_no_number_is_refused_on_its_field(validator, currency, typed):
    with pytest.raises(Invalid) as refused:
        check(validator, typed, currency=currency)
    assert [(field.field, field.code) for field in refused.value.fields] == [("/number", "bad_number")]


@pytest.mark.parametrize(("validator", "typed", "rules"), [
    ("card", "4242424242424242", {"networks": ["mir", "humo"]}),
    ("phone", "+994501234567", {"countries": ["RU", "KZ"]}),
    ("iban", "DE89370400440532013000", {"countries": ["AT"]}),
    ("pattern", "1234", {"pattern": "9{9,18}"}),
])
def test_the_methods_rules_narrow_its_numbers(validator, typed, rules):
    with pytest.raises(Invalid):
        check(validator, typed, currency="EUR", rules=rules)


def test_a_picture_says_what_an_account_looks_like():
    assert check("pattern", "hdfc 0abc123", currency="INR", rules={"pattern": "AAAA0*{6}"}) == "HDFC0ABC123"
    assert [is_picture(text) for text in ("9{20}", "9{9,18}", "AAAA0*{6}")] == [True] * 3
    assert [is_picture(text) for text in ("", "9{", "(a+)+", "9{5,2}", "9{0,9}9{0,9}9{0,9}", "[A]")] == [False] * 6


def test_banks_keep_accounts_in_the_money_of_their_country():
    assert fits("RU", "RUB")
    assert fits("KZ", "USD")
    assert not fits("KZ", "RUB")


def test_whoever_looks_for_a_number_finds_it_however_he_types_it():
    assert spellings("8 (916) 123-45-67", ("RUB", "USD")) == {"89161234567", "+79161234567"}
    assert "4242424242424242" in spellings("4242 4242 4242 4242", ("RUB",))


def test_only_an_iban_says_where_its_account_is_kept():
    assert country_of("DE89370400440532013000") == "DE"
    assert [country_of(number) for number in ("40817810099910004312", "4242424242424242", "+79001234567", "")] == [
        None] * 4
