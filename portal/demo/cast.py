"""Who plays in the demo: names and numbers only. Amounts are decimal text, of the currency beside them."""
from dataclasses import dataclass

DOMAIN = "quittance.example"
SETTLEMENT = "USDT"
OFFERED = (("currency", "UZS"), ("bank", "kapitalbank"))
"""What a new desk leaves switched off."""
RATES = {("USDT", "RUB"): "92.000000", ("USDT", "KZT"): "520.000000", ("USDT", "UZS"): "12700.000000"}


@dataclass(frozen=True)
class Person:
    mailbox: str
    name: str
    template: str
    locale: str = "en"

    @property
    def email(self) -> str:
        return f"{self.mailbox}@{DOMAIN}"


STAFF = (
    Person("admin", "Anna Lind", "super_admin"),
    Person("second", "Boris Sedov", "admin", "ru"),
    Person("support", "Clara Novak", "support_orders"),
    Person("care", "Denis Orlov", "support_traders", "ru"),
    Person("viewer", "Elena Park", "support_readonly"),
)


@dataclass(frozen=True)
class Terms:
    """What a store takes in a currency. Minor units, per order."""

    currency: str
    min_minor: int
    max_minor: int
    methods: tuple[str, ...]


@dataclass(frozen=True)
class StorePart:
    """Fees in hundredths of a percent of the settlement amount; `deposit` is what it holds at the start."""

    slug: str
    name: str
    color: str
    terms: tuple[Terms, ...]
    payin_bps: int
    payout_bps: int
    deposit: str


@dataclass(frozen=True)
class MerchantPart:
    name: str
    owner: Person
    stores: tuple[StorePart, ...]


MERCHANTS = (
    MerchantPart("Northwind Media", Person("merchant1", "Marta Rossi", "merchant_owner"), (
        StorePart("bookshop", "Bookshop", "#0f766e",
                  (Terms("RUB", 50_00, 100_000_00, ("card", "sbp", "account")),), 250, 150, "2500.000000"),
        StorePart("games", "Games Corner", "#6d28d9",
                  (Terms("RUB", 100_00, 50_000_00, ("card", "sbp")),), 300, 200, "800.000000"),
    )),
    MerchantPart("Steppe Travel", Person("merchant2", "Nurlan Akhmetov", "merchant_owner", "ru"), (
        StorePart("travel", "Steppe Travel", "#b45309",
                  (Terms("RUB", 100_00, 300_000_00, ("card", "sbp", "account")),
                   Terms("KZT", 1_000_00, 2_000_000_00, ("card",)),
                   Terms("UZS", 10_000_00, 50_000_000_00, ("card",))), 220, 150, "1200.000000"),
    )),
)


@dataclass(frozen=True)
class RequisitePart:
    """Ten open orders each; `cooldown_s` 0 is none; a day's limit, or None. A card's check digit is added."""

    method: str
    bank: str
    number: str
    currency: str = "RUB"
    min_amount: str = "50.00"
    max_amount: str = "300000.00"
    day_max: str | None = None
    cooldown_s: int = 0
    weight: int = 1
    payout: bool = True


@dataclass(frozen=True)
class TraderPart:
    """`deposit` is collateral in USDT; `on_shift` is how the demo day ends."""

    name: str
    person: Person
    tier: int
    deposit: str
    on_shift: bool
    requisites: tuple[RequisitePart, ...]


R = RequisitePart
TRADERS = (
    TraderPart("Ivan Petrov", Person("trader1", "Ivan Petrov", "trader", "ru"), 1, "25000.000000", True, (
        R("card", "alfa", "220015000000001", weight=2),
        R("card", "sber", "220220000000002"),
        R("card", "tbank", "220070000000003", day_max="5000000.00", cooldown_s=30),
        R("sbp", "sber", "+79161000001"),
    )),
    TraderPart("Olga Smirnova", Person("trader2", "Olga Smirnova", "trader", "ru"), 1, "20000.000000", True, (
        R("card", "alfa", "220015000000005"),
        R("card", "vtb", "220024000000006", cooldown_s=30),
        R("card", "raiffeisen", "220030000000007", day_max="5000000.00", cooldown_s=30),
        R("sbp", "tbank", "+79161000002"),
        R("account", "alfa", "40817810000000000005"),
    )),
    TraderPart("Timur Aliev", Person("trader3", "Timur Aliev", "trader"), 1, "18000.000000", True, (
        R("card", "sber", "220220000000008"),
        R("card", "alfa", "220015000000009"),
        R("card", "tbank", "220070000000010", cooldown_s=30),
        R("card", "kaspi", "440043000000011", currency="KZT", min_amount="500.00", max_amount="500000.00"),
    )),
    TraderPart("Vera Kim", Person("trader4", "Vera Kim", "trader"), 1, "15000.000000", True, (
        R("card", "alfa", "220015000000012"),
        R("card", "vtb", "220024000000013", cooldown_s=30),
        R("card", "sber", "220220000000014", day_max="3000000.00", cooldown_s=30),
        R("account", "sber", "40817810000000000014"),
    )),
    TraderPart("Sergei Volkov", Person("trader5", "Sergei Volkov", "trader", "ru"), 2, "6000.000000", False, (
        R("card", "alfa", "220015000000015"),
        R("sbp", "alfa", "+79161000005"),
        R("card", "halyk", "440043000000016", currency="KZT", min_amount="500.00", max_amount="500000.00"),
        R("card", "kapitalbank", "986001000000017", currency="UZS", min_amount="10000.00", max_amount="20000000.00"),
    )),
)
PAYIN_REWARD_BPS, PAYOUT_REWARD_BPS = 100, 80
OPEN_ORDERS_EACH = 10
