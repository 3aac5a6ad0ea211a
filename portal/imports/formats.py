"""What the files look like: columns by sheet in English and Russian."""
from collections.abc import Mapping

from portal.imports import tables, workbooks
from portal.imports.tables import Column, Line

ROWS_MAX = 500

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


def parse(sheet: str, content: bytes) -> list[Line]:
    """The rows of a file by field. Raises Invalid, as `tables.read`."""
    return [line._replace(cells=_worded(line.cells)) for line in tables.read(SHEETS[sheet], content, rows_max=ROWS_MAX)]


def as_text(sheet: str, content: bytes) -> str:
    """A file as the text that is kept of it: CSV as it came, a workbook as CSV. `content` was parsed before."""
    if not workbooks.is_one(content):
        return content.decode("utf-8-sig")
    return tables.written(SHEETS[sheet], [line.cells for line in parse(sheet, content)], russian=False).decode()


def template(sheet: str, *, russian: bool) -> bytes:
    """An example to fill in, as a spreadsheet of that language opens it."""
    return tables.template(SHEETS[sheet], russian=russian)


def _worded(cells: dict[str, str]) -> dict[str, str]:
    return cells | {name: WORDS.get(cells[name].casefold(), cells[name]) for name in _WORDED if cells.get(name)}
