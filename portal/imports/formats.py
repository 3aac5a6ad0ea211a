"""What the files look like: columns by sheet in English and Russian, read whatever separates them, and templates."""
import csv
import io
from collections.abc import Mapping
from typing import NamedTuple

from portal.core.errors import FieldError, Invalid

ROWS_MAX, CELL_MAX = 500, 500


class Column(NamedTuple):
    """`name`: the command's field. `example`: of the template."""

    name: str
    english: str
    russian: str
    example: str
    needed: bool = True


_LIMITS = (
    Column("min_amount", "smallest order", "минимум ордера", "500"),
    Column("max_amount", "largest order", "максимум ордера", "50 000,00"),
)
SHEETS: Mapping[str, tuple[Column, ...]] = {
    "merchants": (Column("name", "name", "название", "Northwind Media"),),
    "stores": (
        Column("merchant", "merchant", "мерчант", "Northwind Media"),
        Column("name", "name", "название", "Bookshop"),
        Column("slug", "short name", "краткое имя", "bookshop"),
        Column("settlement_currency", "settlement currency", "валюта баланса", "USDT"),
        Column("currency", "currency", "валюта", "RUB"), *_LIMITS,
        Column("methods", "methods", "способы", "card, sbp"),
        Column("fee_percent", "fee, %", "комиссия, %", "2.5"),
        Column("return_hosts", "return hosts", "хосты возврата", "shop.example", needed=False),
        Column("brand_color", "colour", "цвет", "#0f766e", needed=False),
    ),
    "traders": (
        Column("name", "name", "имя", "Ivan Petrov"),
        Column("settlement_currency", "settlement currency", "валюта баланса", "USDT"),
        Column("reward_percent", "reward, %", "вознаграждение, %", "1"),
        Column("tier", "tier", "уровень", "1", needed=False),
        Column("open_orders_max", "open orders", "открытых ордеров", "50", needed=False),
    ),
    "requisites": (
        Column("trader", "trader", "трейдер", "Ivan Petrov"),
        Column("method", "method", "способ", "card"),
        Column("bank", "bank", "банк", "alfa", needed=False),
        Column("currency", "currency", "валюта", "RUB"),
        Column("number", "number", "номер", "4000 0000 0000 0002"),
        Column("holder", "holder", "держатель", "Ivan Petrov"),
        Column("payin", "payins", "приём", "yes", needed=False),
        Column("payout", "payouts", "выплаты", "no", needed=False), *_LIMITS,
        Column("day_max", "sum a day", "сумма в день", "", needed=False),
        Column("day_count_max", "orders a day", "ордеров в день", "", needed=False),
        Column("month_max", "sum a month", "сумма в месяц", "", needed=False),
        Column("open_orders_max", "open orders", "открытых ордеров", "5", needed=False),
    ),
    "balances": (
        Column("owner_kind", "whose", "чей", "trader"),
        Column("owner", "name", "название", "Ivan Petrov"),
        Column("amount", "amount", "сумма", "2 500.00"),
    ),
}
WORDS = {"yes": "yes", "да": "yes", "1": "yes", "true": "yes", "no": "no", "нет": "no", "0": "no", "false": "no",
         "trader": "trader", "трейдер": "trader", "store": "store", "магазин": "store"}
_WORDED = ("payin", "payout", "owner_kind")


def parse(sheet: str, content: bytes) -> list[dict[str, str]]:
    """The rows of a file by field, white space off, empty lines left out.

    Raises Invalid: no text, no head, a column missing or unknown, no rows, too many.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise _wrong("not_utf8", "This is no text in UTF-8: save the file as “CSV UTF-8”.") from None
    if "\0" in text:
        raise _wrong("not_utf8", "This is no text in UTF-8: save the file as “CSV UTF-8”.")
    head = text.partition("\n")[0]
    try:
        lines = list(csv.reader(io.StringIO(text), delimiter=";" if head.count(";") >= head.count(",") and ";" in head
                                else "\t" if "\t" in head else ","))
    except csv.Error:
        raise _wrong("not_csv", "This cannot be read as CSV: a quotation mark is not closed, or a cell is too long."
                     ) from None
    names = _names(sheet, lines[0] if lines else [])
    rows = [_row(names, line) for line in lines[1:] if any(cell.strip() for cell in line)]
    if not rows:
        raise _wrong("empty", "There is no row below the head.")
    if len(rows) > ROWS_MAX:
        raise _wrong("too_many_rows", "A file holds at most 500 rows: split it.")
    return rows


def template(sheet: str, *, russian: bool) -> bytes:
    """An example to fill in, as a spreadsheet of that language opens it."""
    out = io.StringIO()
    rows = csv.writer(out, delimiter=";" if russian else ",")
    rows.writerow([column.russian if russian else column.english for column in SHEETS[sheet]])
    rows.writerow([column.example for column in SHEETS[sheet]])
    return b"\xef\xbb\xbf" + out.getvalue().encode()


def _names(sheet: str, head: list[str]) -> list[str]:
    """Field by column, however the head is written. Raises Invalid."""
    columns = SHEETS[sheet]
    known = {_plain(word): column.name for column in columns for word in (column.name, column.english, column.russian)}
    names = [known.get(_plain(cell), "") for cell in head]
    while names and not names[-1] and not head[len(names) - 1].strip():
        names.pop()
    if "" in names:
        raise _wrong("unknown_column", "The head names a column that is not known here: take the template's.",
                     head[names.index("")])
    if missing := [column.english for column in columns if column.needed and column.name not in names]:
        raise _wrong("missing_column", "A column of the template is missing.", ", ".join(missing))
    if len(set(names)) < len(names):
        raise _wrong("double_column", "A column stands there twice.")
    return names


def _row(names: list[str], line: list[str]) -> dict[str, str]:
    cells = dict(zip(names, (" ".join(cell.split())[:CELL_MAX] for cell in line), strict=False))
    for name in _WORDED:
        if cells.get(name):
            cells[name] = WORDS.get(cells[name].casefold(), cells[name])
    return {name: cells.get(name, "") for name in names}


def _plain(word: str) -> str:
    return " ".join(word.replace("_", " ").replace("ё", "е").casefold().split())


def _wrong(code: str, sentence: str, about: str = "") -> Invalid:
    return Invalid(sentence, fields=[FieldError("/file", code, sentence)], about=about[:80])
